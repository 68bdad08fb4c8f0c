"""JSON that Python's reader takes, but that would lose what it says or could never be written back, is refused."""

import gzip
import json

import pytest
import torch
from full_disk import full_disk
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.errors import InputError, SurroundingsError
from crescendo.trainables.storage.files import atomic_directory, atomic_file
from crescendo.trainables.storage.json_files import parse_json, write_json
from crescendo.trainables.training.checkpoints import write_checkpoint

REFUSED = {
    b'{"a": 1, "a": 2}': "the name 'a' stands 2 times in one object",
    b'{"x": [{"b": 1, "c": 0, "b": 2, "b": 3}]}': "the name 'b' stands 3 times in one object",
    b'{"database": {"walk": {}, "w\\u0061lk": {}}}': "the name 'walk' stands 2 times in one object",
    b"[" + b"9" * 400 + b"]": "holds an integer of 400 digits",
    b"[" + b"9" * 9000 + b"]": "holds an integer of 9000 digits",
    b'{"a": "\\ud83d"}': r"holds \ud83d, half of a surrogate pair",
    b'{"\\uDE00 x": 1}': r"holds \ude00, half of a surrogate pair",
    b"[" * 100_000: "not valid JSON",
    b"{'a': 1}": "not valid JSON",
    b"": "not valid JSON",
    b"\xff\xfe": "not valid JSON",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=[text[:30].decode("latin-1") for text in REFUSED])
@pytest.mark.parametrize("name", ["file.json", "file.json.gz"])
def test_refused_in_one_line_that_names_the_file(text, message, name):
    with pytest.raises(InputError) as raised:
        parse_json(gzip.compress(text) if name.endswith(".gz") else text, name)
    assert str(raised.value).startswith(f"{name}: ")
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**300), 10**300) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)  # fmt: skip


@given(values, st.booleans())
def test_whatever_can_be_written_is_read_as_it_was(content, ascii_only):
    assert parse_json(json.dumps(content, ensure_ascii=ascii_only).encode(), "file.json") == content


def test_a_whole_surrogate_pair_is_a_character():
    assert parse_json(rb'["\ud83d\ude00"]', "file.json") == ["\U0001f600"]


def in_a_folder(place):
    with atomic_directory(place / "whole") as partial, atomic_file(partial / "deep" / "file") as file:
        file.write_bytes(b"x" * 5000)


WRITERS = {
    "file": lambda place: write_json(place / "file", list(range(2000))),
    "folder": in_a_folder,
    "checkpoint": lambda place: write_checkpoint(place / "whole", {"w": torch.ones(2000)}, {}, {}),
    "metadata": lambda place: write_checkpoint(place / "whole", {}, {}, {"history": list(range(2000))}),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("size", [0, 10, 4096])
def test_a_full_disk_is_said_to_be_full_whatever_was_written_and_leaves_nothing(tmp_path, writer, size):
    with full_disk(size), pytest.raises(SurroundingsError, match="the disk or the quota is full") as raised:
        writer(tmp_path)
    assert "partial" not in str(raised.value)
    assert not list(tmp_path.iterdir())
    writer(tmp_path)
