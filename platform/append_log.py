"""A file of JSON records that only grows: what a study tried, and what MLflow has yet to be told, survive any crash."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.reading import check_plain, read_bytes

_BLOCK = 1 << 16


class AppendLog:
    """One JSON record a line. What one call of `append` is given arrives whole or not at all.

    A last line cut short by a crash is taken away when the file is opened. One process at a time may have it open (see
    `locks.hold`); its threads may share it.

    Attributes
    ----------
    path : Path
    end : int
        Bytes written so far.

    Raises
    ------
    InputError
        If the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise InputError(f"{path}: must be a plain file, which keeps what is written; choose another place")
        self.end = self._drop_half_a_line()
        self._synced = 0

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write `records` at the end. They outlive this process at once, and the machine after the next `sync`.

        Raises
        ------
        InputError
            If the disk is full; the file is then as it was before.
        """
        lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()
        with self._guard:
            try:
                written = 0
                while written < len(lines):
                    written += os.write(self._file, lines[written:])
            except OSError as error:
                os.ftruncate(self._file, self.end)
                reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
                raise InputError(f"{self.path}: {reason}; free some space and start again") from error
            self.end += len(lines)

    def lines(self, offset: int = 0) -> Iterator[tuple[bytes, int]]:
        """Yield each line from byte `offset` on, with the offset that follows it, up to the end as it is now."""
        end = self.end
        with self.path.open("rb") as file:
            file.seek(offset)
            while offset < end:
                line = file.readline()
                offset += len(line)
                yield line, offset

    def begins(self, offset: int) -> bool:
        """Tell whether a line begins at byte `offset`, or would as the next one."""
        return offset == 0 or (0 < offset <= self.end and os.pread(self._file, 1, offset - 1) == b"\n")

    def sync(self) -> None:
        """Return once everything appended so far is on the disk itself."""
        end = self.end
        if self._synced < end:
            os.fsync(self._file)
            self._synced = end

    def in_place(self) -> bool:
        """Tell whether the file is where it was opened; what is written to one that was removed is lost."""
        try:
            return os.path.samestat(os.fstat(self._file), self.path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # its disk does not answer, which the next writing says better
            return True

    def close(self) -> None:
        """Write what is left to the disk and close the file."""
        with self._guard:
            if self._file >= 0:
                os.fsync(self._file)
                os.close(self._file)
                self._file = -1

    def _drop_half_a_line(self) -> int:
        size = os.fstat(self._file).st_size
        whole = size
        while whole > 0:
            start = max(0, whole - _BLOCK)
            newline = os.pread(self._file, whole - start, start).rfind(b"\n")
            if newline >= 0:
                whole = start + newline + 1
                break
            whole = start
        if whole < size:
            os.ftruncate(self._file, whole)
        return whole


class LogCopy:
    """The lines that an `AppendLog` has written by now; whoever writes it goes on undisturbed, and nothing is written here.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_plain(path)
        self._content = read_bytes(path)

    def lines(self) -> Iterator[tuple[bytes, int]]:
        """Yield each whole line, with the offset that follows it."""
        offset = 0
        for line in self._content[: self._content.rfind(b"\n") + 1].splitlines(keepends=True):
            offset += len(line)
            yield line, offset

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Forget `records`."""

    def sync(self) -> None:
        """There is nothing to wait for."""

    def in_place(self) -> bool:
        """A copy stays what it is."""
        return True

    def close(self) -> None:
        """There is nothing to close."""
