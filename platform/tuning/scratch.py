"""A temporary folder for Ray: short enough for its sockets, gone at the end, and after a kill with the next start."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.locks import try_lock

_PREFIX, _LOCK = "cr-", "crescendo.lock"
# The longest path that Ray makes below the folder, and what a system takes for the path of a socket.
_DEEPEST = "/r/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store"
_SOCKET = 103 if sys.platform == "darwin" else 107
LONGEST = _SOCKET - len(_DEEPEST) - len(f"/{_PREFIX}12345678")
"""The longest path, in bytes, of a folder in which a folder for Ray's sockets may lie."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder in `RAY_TMPDIR`, else `TMPDIR`, else one that a socket can lie in; it is removed at the end.

    A folder whose path is too long for Ray's sockets, or that cannot be written, is passed over. Those that killed
    processes left beside it are removed.

    Raises
    ------
    InputError
        If there is none.
    """
    folder, lock = _make()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _make() -> tuple[Path, FileLock]:
    named = [os.environ.get("RAY_TMPDIR"), os.environ.get("TMPDIR"), tempfile.gettempdir()]
    others = ["/tmp", "/var/tmp", "/dev/shm", f"/run/user/{os.getuid()}"]  # noqa: S108  # short by design
    for parent in [*filter(None, named), *others]:
        place = Path(parent).absolute()  # not resolved: what counts is the path that Ray is given
        if len(os.fsencode(place)) > LONGEST:
            continue
        with suppress(OSError):
            _remove_left(place)
            return _locked(place)
    raise InputError(
        f"no folder for Ray's sockets: none of {', '.join(dict.fromkeys([*filter(None, named), *others]))} can be written "
        f"and has a path of at most {LONGEST} letters; set RAY_TMPDIR to one"
    )


def _locked(parent: Path) -> tuple[Path, FileLock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = try_lock(folder / _LOCK)
        if lock is not None and folder.exists():
            return folder, lock
        # Another process took it for one that was left, in the moment before it was locked.


def _remove_left(parent: Path) -> None:
    for file in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):
            if file.stat().st_uid == os.getuid() and (lock := try_lock(file)) is not None:
                shutil.rmtree(file.parent, ignore_errors=True)
                lock.release()
