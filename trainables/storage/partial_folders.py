"""Folders that are being written: hidden, locked by whoever writes them, and removed when nobody does any more."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


@contextmanager
def partial_folder(destination: Path) -> Iterator[Path]:
    """Yield a new empty folder beside `destination`, which is removed at the end unless it was renamed.

    Those of the same destination that killed processes have left are removed, too.
    """
    prefix = partial_prefix(destination)
    # No other process may take the new folder for one that was left, before it is locked.
    with _locked(destination.parent) as alone:
        if alone:
            _remove_left(destination.parent, prefix)
        partial = Path(tempfile.mkdtemp(prefix=prefix, dir=destination.parent))
        handle = os.open(partial, os.O_RDONLY)
        _lock(handle)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(handle)


def partial_prefix(destination: Path) -> str:
    """Return what the unfinished `destination` is called: with its name, as far as a long one leaves room for more."""
    return f".{os.fsdecode(os.fsencode(destination.name)[:150])}.partial-"


def exchange(one: Path, two: Path) -> None:
    """Let two folders on the same file system change places; where the system can do that at once, neither is ever away."""
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(two)
    for name, arguments in (
        ("renameat2", (_AT_FDCWD, first, _AT_FDCWD, second, _EXCHANGE)),
        ("renamex_np", (first, second, _EXCHANGE)),
    ):
        if hasattr(library, name) and getattr(library, name)(*arguments) == 0:
            return
    aside = one.with_name(f"{one.name}.old")
    two.rename(aside)
    try:
        one.rename(two)
    except BaseException:
        aside.rename(two)
        raise
    aside.rename(one)


def _remove_left(folder: Path, prefix: str) -> None:
    for left in folder.iterdir():
        # mkdtemp's letters: a folder that only begins alike is somebody's own.
        if left.name.startswith(prefix) and re.fullmatch(r"[a-z0-9_]{8}", left.name[len(prefix) :]) and left.is_dir():
            with _locked(left, wait=False) as alone:
                if alone:
                    shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Yield whether the folder could be locked."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW if not wait else os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _lock(handle, wait=wait)
    finally:
        os.close(handle)


def _lock(handle: int, *, wait: bool = False) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # another one has it, or the file system knows no locks
        return False
    return True
