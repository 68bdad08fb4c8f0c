"""An append-only journal on disk: what has yet to be told to a server waits here, in order, through any crash."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from crescendo.trainables.errors import InputError
from crescendo.trainables.files import atomic_file

Record = dict[str, Any]


class Journal:
    """One JSON record a line in `journal.jsonl`, and for each destination the offset up to which it was sent.

    A record is written whole or not at all: a last line cut short by a crash is taken away when the folder is opened
    again. Nothing is ever removed, so that a second destination can be sent the whole history. One process at a time
    holds the folder; its threads may share it.

    Raises
    ------
    InputError
        If another process holds the folder, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._held = FileLock(folder / "lock")
            self._held.acquire(timeout=0)
            self._file = os.open(folder / "journal.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except Timeout as error:
            raise InputError(
                f"{folder}: another process is writing this study's records; wait for it to end, or stop it first"
            ) from error
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
        self.end = self._drop_half_a_line()
        self._synced = 0

    def append(self, record: Record) -> None:
        """Write one record at the end. It outlives this process at once, and the machine after the next `sync`.

        Raises
        ------
        InputError
            If the disk is full; the journal is then as it was before.
        """
        line = (json.dumps(record, separators=(",", ":")) + "\n").encode()
        with self._lock:
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file, line[written:])
            except OSError as error:
                os.ftruncate(self._file, self.end)
                reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
                raise InputError(f"{self.folder}: {reason}; free some space and start again") from error
            self.end += len(line)

    def read(self, offset: int = 0) -> Iterator[tuple[Record, int]]:
        """Yield each record from byte `offset` on, with the offset that follows it, up to the end as it is now."""
        end = self.end
        with (self.folder / "journal.jsonl").open("rb") as journal:
            journal.seek(offset)
            while offset < end:
                line = journal.readline()
                offset += len(line)
                try:
                    record = json.loads(line)
                except ValueError:  # a block the disk lost in a power failure: the records around it still count
                    continue
                yield record, offset

    def sync(self) -> None:
        """Return once everything appended so far is on the disk itself."""
        end = self.end
        if self._synced < end:
            os.fsync(self._file)
            self._synced = end

    def load(self, name: str) -> Record:
        """Return what `save` kept under `name`; an empty record if nothing was, or if it cannot be read any more."""
        try:
            content = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def save(self, name: str, content: Record) -> None:
        """Replace the file `name` by `content`, which may tell of offsets: the journal goes to the disk before it."""
        self.sync()
        with atomic_file(self.folder / name) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")

    def close(self) -> None:
        """Let another process have the folder."""
        with self._lock:
            if self._file >= 0:
                os.fsync(self._file)
                os.close(self._file)
                self._file = -1
        self._held.release()

    def _drop_half_a_line(self) -> int:
        size = os.fstat(self._file).st_size
        block, whole = 1 << 16, size
        while whole > 0:
            start = max(0, whole - block)
            newline = os.pread(self._file, whole - start, start).rfind(b"\n")
            if newline >= 0:
                whole = start + newline + 1
                break
            whole = start
        if whole < size:
            os.ftruncate(self._file, whole)
        return whole
