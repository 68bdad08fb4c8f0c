"""How files of others are opened: pipes, devices, what unpacks without end, content of another shape."""

import gzip
import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.storage.reading import check_plain, expecting, mapping, read_bytes, read_text, unpack


def test_a_plain_file_and_a_link_to_one_are_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "file") == read_bytes(tmp_path / "link") == b"content"
    check_plain(tmp_path / "link")


@pytest.mark.parametrize("size", [1, 100, 300_000])
def test_a_pipe_is_read_to_its_end(size):
    """As a shell's <(...) is, whose writer may not have begun yet."""
    content = os.urandom(size)
    output, source = os.pipe()
    begun = threading.Event()

    def write():
        begun.wait(10)
        with os.fdopen(source, "wb") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    threading.Timer(0.05, begun.set).start()
    try:
        assert read_bytes(Path(f"/dev/fd/{output}")) == content
    finally:
        writer.join()
        os.close(output)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (os.mkdir, "is a folder|Is a directory"),
        (os.mkfifo, "a pipe"),
        (lambda path: Path(path).symlink_to("/dev/zero"), "must be a .*file but is a device"),
        (lambda path: Path(path).symlink_to(path), "cannot be read"),
        (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), "cannot be read|a socket"),
    ],
)
def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch, make, reason):
    monkeypatch.chdir(tmp_path)
    make("x")
    for read in (read_bytes, check_plain, read_json):
        with pytest.raises(InputError, match=rf"^x: .*({reason})"):
            read(Path("x"))


def test_text_is_utf8_and_has_a_largest_size(tmp_path):
    file = tmp_path / "file"
    file.write_bytes("\ufeffä".encode())
    assert read_text(file, 5) == "ä"
    with pytest.raises(InputError, match="has 5 bytes, more than the 4"):
        read_text(file, 4)
    file.write_bytes(b"a\xff")
    with pytest.raises(InputError, match="byte 1 is not"):
        read_text(file, 5)


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(0, 3))
def test_gzip_files_of_several_members_come_back(parts, padding):
    packed = b"".join(map(gzip.compress, parts)) + (bytes(padding) if parts else b"")
    assert unpack(packed, "x.gz") == b"".join(parts)


def test_what_unpacks_without_end_is_refused_before_it_does():
    member = gzip.compress(bytes(2**20))
    assert len(unpack(member * 50, "x.gz")) == 50 * 2**20
    with pytest.raises(InputError, match=r"x\.gz: would unpack to more than 104,857,600 bytes"):
        unpack(member * 101, "x.gz")
    with pytest.raises(InputError, match="not a complete gzip file"):
        unpack(member[:-9], "x.gz")


@pytest.mark.parametrize(
    "take",
    [
        lambda content: content["b"],
        lambda content: content["a"]["c"],
        lambda content: content["a"][9],
        lambda content: int(content["a"][0]),
        lambda content: content["a"].items(),
        lambda content: mapping(content["a"]),
        lambda content: 1 / content["zero"],
    ],
)
def test_content_of_another_shape_is_one_line(take):
    content = {"a": ["x\ny"], "zero": 0}
    with (
        pytest.raises(InputError, match=r"^file: is not a list of things \(.*\); make it again$"),
        expecting("a list of things", "file", "make it again"),
    ):
        take(content)


def test_a_fault_that_was_said_already_is_said_once():
    with pytest.raises(InputError, match=r"^its own words$"), expecting("a thing", "file", "make it again"):
        raise InputError("its own words")
