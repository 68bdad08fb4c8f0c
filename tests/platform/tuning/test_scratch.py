"""The temporary folder of a sweep."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crescendo.platform.tuning.scratch import LONGEST, scratch_folder
from crescendo.trainables.errors import InputError


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder of this test's alone whose path is short."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="t"))
    yield folder
    shutil.rmtree(folder)


def test_it_lies_where_it_is_told_and_is_gone_after(short, monkeypatch):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(short))
    with scratch_folder() as one, scratch_folder() as other:
        assert one.parent == other.parent == short
        assert one != other
        (one / "session" / "logs").mkdir(parents=True)
    assert not list(short.iterdir())


@pytest.mark.parametrize("name", ["long" * 20, "ä" * (LONGEST // 2), "absent", "file"])
def test_a_folder_that_is_too_long_or_cannot_be_written_is_passed_over(short, monkeypatch, name):
    place = short / name
    if name == "file":
        place.touch()
    elif name != "absent":
        place.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(place))
    monkeypatch.setenv("TMPDIR", str(short))
    with scratch_folder() as folder:
        assert folder.parent == short


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take shorter paths")
def test_a_path_of_a_socket_just_fits_in_the_longest(short):
    place = short / ("p" * (LONGEST - len(str(short)) - 1))
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(place))
        with scratch_folder() as folder:
            assert folder.parent == place
            assert len(f"{folder}/r/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store") == 107


def test_where_nothing_fits_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr(
        tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(InputError, match="set RAY_TMPDIR to one"), scratch_folder():
        pass


def test_what_killed_processes_left_is_removed_and_what_others_use_is_not(short, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", str(short))
    child = os.fork()
    if not child:
        entered = scratch_folder()
        entered.__enter__()
        os._exit(9)
    os.waitpid(child, 0)
    [left] = short.iterdir()
    (short / "cr-mine").mkdir()  # of the same form, but none of ours
    with scratch_folder() as used:
        assert not left.exists()
        with scratch_folder():
            assert used.exists()
    assert [path.name for path in short.iterdir()] == ["cr-mine"]
