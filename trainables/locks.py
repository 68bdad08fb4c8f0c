"""Locks of folders: who holds one works there alone, until it is released or its process ends."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from crescendo.trainables.errors import InputError
from crescendo.trainables.files import mended


def hold(lock: Path, busy: str) -> FileLock:
    """Return the lock file `lock`, held by this process; its folder is made where it is not there.

    Raises
    ------
    InputError
        With the message `busy` if another process holds it; or if its folder cannot be written.
    """
    with mended(lock.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = try_lock(lock)
    if held is None:
        raise InputError(busy)
    return held


def try_lock(file: Path) -> FileLock | None:
    """Return the lock file `file`, held by this process, or None if another one holds it."""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock
