"""Addresses of stores and data sets: what of them is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.storage.addresses import hidden, shown_address, shown_dataset


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://h:5000/base", "http://h:5000/base"),
        ("http://me:secret@h:5000", "http://h:5000"),
        ("http://me:sec/ret@h:5000/base", "http://h:5000/base"),
        ("http://me:sec@ret@h", "http://h"),
        ("https://h/base?token=secret", "https://h/base"),
        ("https://h/base#secret", "https://h/base"),
        ("postgresql://me:secret@h/d?password=secret&sslmode=on", "postgresql://h/d"),
        ("postgresql:///d?host=h&password=secret", "postgresql:///d"),
        ("http://me:sec?r#et@h:5000/base", "http://h:5000/base"),
        ("http://me:sec://ret@h", "http://h"),
        ("me:secret@h:5000", "h:5000"),
        ("sqlite:////a/b#c.db", "sqlite:////a/b#c.db"),
        ("sqlite:////a/b@c.db", "sqlite:////a/b@c.db"),
        ("sqlite:////a/b.db?key=secret", "sqlite:////a/b.db"),
        ("s3://key:secret@bucket/data?region=eu", "s3://bucket/data"),
        ("file:///a/b@c", "file:///a/b@c"),
    ],
)
def test_user_password_and_query_are_not_shown(uri: str, shown: str) -> None:
    assert shown_address(uri) == shown
    assert shown_address(shown) == shown


secrets = st.text(st.characters(exclude_categories=("Cs",)), min_size=4, max_size=12).filter(lambda one: one.strip("*"))


@given(
    secrets,
    st.sampled_from(["http://me:{}@h:5000/x", "postgresql://me:{}@h/d", "https://h/x?token={}", "http://{}@h"]),
)
def test_an_error_does_not_tell_the_secret(secret: str, form: str) -> None:
    if (
        any(letter in secret for letter in "?#&=%+;/@:")
        or secret in form.format("")
        or secret in "connection refused ***"
    ):
        return
    uri = form.format(secret)
    assert secret not in hidden(f"connection to {uri} refused ({secret})", uri)


@pytest.mark.parametrize("folder", ["data/a@b?c#d", "/x/me:secret@h"])
def test_a_folder_is_shown_as_it_is(folder: str) -> None:
    assert shown_dataset(folder) == folder
