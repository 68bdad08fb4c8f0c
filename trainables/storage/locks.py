"""Locks of folders: who holds one works there alone, until it is released or its process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from filelock import FileLock, Timeout

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import mended

_PATIENCE = 0.3  # seconds: whoever asks `is_held` has it for a moment


def hold(lock: Path, busy: str) -> FileLock:
    """Return the lock file `lock`, held by this process; its folder is made where it is not there.

    Raises
    ------
    InputError
        With the message `busy` if another process holds it; or if its folder cannot be written.
    """
    with mended(lock.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = try_lock(lock, patience=_PATIENCE)
    if held is None:
        raise InputError(busy)
    return held


def try_lock(file: Path, *, patience: float = 0.0) -> FileLock | None:
    """Return the lock file `file`, held by this process, or None if another one holds it for longer than `patience` seconds."""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        return None
    return lock


def is_held(file: Path) -> bool | None:
    """Tell whether any process holds the lock file `file`; None where the file system does not tell. Nothing is written.

    A process of another machine is seen where the file system passes locks on, as NFS does.
    """
    try:
        handle = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(handle)
    return False
