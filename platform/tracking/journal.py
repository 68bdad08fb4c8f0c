"""What has yet to be told to a server waits here, in order, through any crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from crescendo.platform.append_log import AppendLog
from crescendo.platform.tracking.records import Record, is_whole
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_file
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.storage.locks import hold


class Journal:
    """Records in `journal.jsonl`, and for each destination the offset up to which it was sent.

    Nothing is ever removed, so that a second destination can be sent the whole history. One process at a time holds the
    folder; its threads may share it.

    Attributes
    ----------
    damaged : set of int
        Offsets behind the lines read so far that are no whole records; the records around them still count.

    Raises
    ------
    InputError
        If another process holds the folder, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: set[int] = set()
        self._held = hold(
            folder / "lock",
            f"{folder}: another process is writing this study's records; wait for it to end, or stop it first",
        )
        try:
            self._log = AppendLog(folder / "journal.jsonl")
        except BaseException:
            self._held.release()
            raise

    @property
    def end(self) -> int:
        """The offset behind the last record."""
        return self._log.end

    def append(self, record: Record) -> None:
        """Write one record at the end. It outlives this process at once, and the machine after the next `save`.

        Raises
        ------
        InputError
            If the disk is full; the journal is then as it was before.
        """
        self._log.append([record])

    def read(self, offset: int = 0) -> Iterator[tuple[Record, int]]:
        """Yield each whole record from byte `offset` on, with the offset that follows it, up to the end as it is now."""
        for line, after in self._log.lines(offset):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):  # such as a block that the disk lost in a power failure
                record = None
            if is_whole(record):
                yield record, after
            else:
                self.damaged.add(after)

    def begins(self, offset: int) -> bool:
        """Tell whether a record begins at byte `offset`, or would as the next one."""
        return self._log.begins(offset)

    def sync(self) -> None:
        """Return once everything appended so far is on the disk itself."""
        self._log.sync()

    def load(self, name: str) -> Record:
        """Return what `save` kept under `name`; an empty record if nothing was, or if it cannot be read any more."""
        try:
            content = read_json(self.folder / name)
        except InputError:
            return {}
        return content if isinstance(content, dict) else {}

    def save(self, name: str, content: Record) -> None:
        """Replace the file `name` by `content`, which may tell of offsets: the journal goes to the disk before it."""
        self.sync()
        with atomic_file(self.folder / name) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")

    def close(self) -> None:
        """Let another process have the folder."""
        self._log.close()
        self._held.release()
