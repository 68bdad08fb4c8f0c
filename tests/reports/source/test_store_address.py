"""Addresses of stores: which are taken, and what of them is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.reports.source.store_address import (
    absolute_address,
    check_address,
    local_store,
    sqlite_file,
)
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.addresses import hidden, shown_address


@pytest.mark.parametrize(
    "uri",
    ["http://h", "http://h:5000/base", "https://u:p@h", "http://[::1]:5000", "sqlite:///a.db", "sqlite:////a/b.db"],
)
def test_an_address_of_a_server_or_a_file_is_taken(uri: str) -> None:
    check_address(uri)


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("localhost:5000", "lacks the scheme; write http://localhost:5000"),
        ("10.0.0.7:5000/mlflow", "lacks the scheme; write http://10.0.0.7:5000/mlflow"),
        ("http://", "names no host"),
        ("http://:5000", "names no host"),
        ("http://h:0", "names no host"),
        ("http://h:99999", "is no address (Port out of range"),
        ("http://h:port", "is no address"),
        ("http://[::1", "is no address (Invalid IPv6 URL)"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///?timeout=5", "names no file"),
        ("sqlite:///file::memory:?uri=true", "names no file"),
        ("sqlite:///file:x?mode=memory&uri=true", "names no file"),
        ("sqlite://runs.db", "names no file"),
        ("sqlite:runs.db", "names no file"),
        ("http://a host", "names no host"),
        ("http://me:secret/@h", "is no address; in a password"),
        ("http://me:secret?@h", "is no address; in a password"),
        ("me:secret@h:5000", "MLflow keeps runs in a database or on a server"),
        ("postgresql+nosuch://h/d", "is no address of a database"),
        ("mysql+pymysql://me:secret@h/d", "needs a Python package that is not installed (pymysql)"),
        ("mlruns", "MLflow keeps runs in a database or on a server"),
        ("file:///mlruns", "MLflow keeps runs in a database or on a server"),
        ("databricks", "MLflow keeps runs in a database or on a server"),
        ("", "MLflow keeps runs in a database or on a server"),
    ],
)
def test_another_is_refused_with_what_is_wrong(uri: str, fault: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_address(uri)
    text = str(refusal.value)
    assert fault in text
    assert "\n" not in text
    assert "secret" not in text


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"])).map(lambda text: f"Zq{text}qZ"),
    st.sampled_from(["http://me:{}@h", "http://{}@h/x", "me:{}@h:5", "postgresql://me:{}@h/d?sslmode=on"]),
)
def test_no_password_is_shown_whatever_letters_it_has(secret: str, form: str) -> None:
    uri = form.format(secret)
    assert secret not in shown_address(uri)
    assert secret not in hidden(f"request to {uri}/api failed; user {secret}", uri)
    with pytest.raises(InputError) as refusal:
        check_address(f"{uri}:no port")
    assert "Zq" not in str(refusal.value)


def test_a_relative_file_is_the_same_in_any_working_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_address("sqlite:///x/runs.db?timeout=5") == f"sqlite:///{tmp_path}/x/runs.db?timeout=5"
    for uri in (f"sqlite:///{tmp_path}/runs.db", "http://host"):
        assert absolute_address(uri) == uri


@pytest.mark.parametrize("name", ["run%20x", "what?", "runs #2"])
def test_a_path_that_an_address_cannot_hold_is_refused(tmp_path, name: str) -> None:
    with pytest.raises(InputError, match="a store of runs cannot lie below a folder with") as refusal:
        local_store(tmp_path / name)
    assert name in str(refusal.value)


@pytest.mark.parametrize("name", ["two words", "a&b=c", "ünï;x", "plus+ [1]", "a@b:c", "*"])
def test_any_other_path_is_the_store_s(tmp_path, name: str) -> None:
    assert sqlite_file(local_store(tmp_path / name)) == tmp_path / name / "mlflow.db"
