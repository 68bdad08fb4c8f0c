"""Folders that are complete or absent, whatever happens to whoever writes them."""

import os
import resource
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage import partial_folders
from crescendo.trainables.storage.files import atomic_directory, atomic_file, check_file, check_folder, check_new_folder
from crescendo.trainables.storage.partial_folders import exchange, partial_folder

KILLED = """
import os, sys
from crescendo.trainables.storage.files import atomic_directory
with atomic_directory(sys.argv[1], replace=True) as partial:
    (partial / "half").write_text("x")
    os.kill(os.getpid(), 9)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next_one_and_nothing_else(tmp_path):
    (tmp_path / ".out.partial-of-my-own").mkdir()
    (tmp_path / ".other.partial-abcdefgh").mkdir()
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "out"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 3
    with partial_folder(tmp_path / "out") as other, atomic_directory(tmp_path / "out") as partial:
        assert len(names(tmp_path)) == 4  # the two that are being written
        (partial / "file").write_text("whole")
        (other / "file").write_text("being written")
    assert names(tmp_path) == [".other.partial-abcdefgh", ".out.partial-of-my-own", "out"]
    assert (tmp_path / "out" / "file").read_text() == "whole"


def test_a_folder_that_is_replaced_is_never_away(tmp_path):
    page, missed, over = tmp_path / "report" / "page", [], threading.Event()
    with atomic_directory(tmp_path / "report") as partial:
        (partial / "page").write_text("0")

    def look():
        while not over.is_set():
            if not page.exists():
                missed.append(1)

    watcher = threading.Thread(target=look)
    watcher.start()
    for number in range(1, 100):
        with atomic_directory(tmp_path / "report", replace=True) as partial:
            (partial / "page").write_text(str(number))
    over.set()
    watcher.join()
    assert not missed
    assert page.read_text() == "99"
    assert names(tmp_path) == ["report"]


def test_a_folder_that_fails_to_be_replaced_stays(tmp_path):
    with atomic_directory(tmp_path / "report") as partial:
        (partial / "page").write_text("old")
    with (
        pytest.raises(InputError, match=r"report/page: bad"),
        atomic_directory(tmp_path / "report", replace=True) as partial,
    ):
        raise InputError(f"{partial / 'page'}: bad")
    assert names(tmp_path) == ["report"]
    assert (tmp_path / "report" / "page").read_text() == "old"


def test_a_link_to_a_folder_stays_one_when_the_folder_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with atomic_directory(tmp_path / "link", replace=True) as partial:
        (partial / "page").write_text("new")
    assert names(tmp_path) == ["link", "real"]
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "page").read_text() == "new"


@pytest.mark.parametrize("known", ["by the system", "not by the system"])
def test_exchange(tmp_path, monkeypatch, known):
    if known == "not by the system":
        monkeypatch.setattr(partial_folders.ctypes, "CDLL", lambda *_, **__: SimpleNamespace())
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    exchange(tmp_path / "a", tmp_path / "b")
    assert [names(tmp_path / name) for name in "ab"] == [["b"], ["a"]]
    assert names(tmp_path) == ["a", "b"]


@pytest.fixture
def places(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").touch()
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "device").symlink_to("/dev/full")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder", "is a folder"),
        ("pipe", "is a device or a pipe"),
        ("device", "is a device or a pipe"),
        ("file/below", "cannot be written"),
        ("x" * 300, "cannot be written"),
        ("file", None),
        ("link", None),
        ("new/below/that", None),
    ],
)
def test_a_file_that_cannot_be_written_is_found_out_before(places, name, said):
    before = names(places)
    if said is None:
        check_file(places / name)
    else:
        with pytest.raises(InputError, match=said) as raised:
            check_file(places / name)
        assert len(str(raised.value).splitlines()) == 1
        with pytest.raises(InputError, match=said), atomic_file(places / name) as partial:
            partial.write_text("new")
    assert names(places) == before


def test_a_link_to_a_file_stays_one_when_the_file_is_replaced(places):
    with atomic_file(places / "link") as partial:
        partial.write_text("new")
    assert (places / "link").is_symlink()
    assert (places / "file").read_text() == "new"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder", "exists already"),
        ("file", "exists already"),
        ("file/below", "cannot be written"),
        ("new/below", None),
    ],
)
def test_a_folder_that_cannot_be_written_is_found_out_before(places, name, said):
    before = names(places)
    if said is None:
        check_new_folder(places / name)
    else:
        with pytest.raises(InputError, match=said):
            check_new_folder(places / name)
    assert names(places) == before


def test_a_full_disk_is_found_out_before(tmp_path):
    # No file of this process may hold anything.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(InputError, match="the disk or the quota is full"):
            check_folder(tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert names(tmp_path) == []
