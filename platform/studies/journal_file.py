"""Optuna's journal, in a file that survives any kill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from crescendo.platform.append_log import AppendLog, LogCopy
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.reading import expecting, mapping

AGAIN = "restore it from a copy or choose another --output"


class JournalFile(BaseJournalBackend):  # type: ignore[misc]  # Optuna is not followed
    """Optuna's journal in a file that one process writes; what is appended within `batch` arrives whole or not at all.

    Optuna's own file backend writes one event at a time, so a kill could leave a trial without its settings, and
    guards each write with a lock that a killed process leaves behind for 30 s.
    """

    def __init__(self, log: AppendLog | LogCopy) -> None:
        """Take the events that `log` holds; into a copy none are written."""
        self._log = log
        self._stored: list[bytes] | None = [line for line, _ in self._log.lines()]
        self._first = len(self._stored)
        self._recent: list[dict[str, Any]] = []
        self._unwritten: list[dict[str, Any]] = []
        self._depth = 0

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the events from number `log_number_from` on; those of the file are read once."""
        if self._stored is not None:
            stored, self._stored = self._stored[log_number_from:], None
            for number, line in enumerate(stored, log_number_from + 1):
                try:
                    event = json.loads(line)
                except (ValueError, RecursionError):
                    raise InputError(
                        f"{self._log.path}: line {number} is not valid JSON; the ledger was damaged: {AGAIN}"
                    ) from None
                with expecting("an event of a study", f"{self._log.path}: line {number}", AGAIN):
                    yield mapping(event)
            log_number_from = self._first
        del self._recent[: max(0, log_number_from - self._first)]
        self._first = max(self._first, log_number_from)
        yield from list(self._recent)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append events: to the file, or to the batch that is open."""
        self._recent += logs
        self._unwritten += logs
        if not self._depth:
            self._write()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hold back the events of the block and write them together; nothing is written if it fails."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if not self._depth:
            self._write()

    def in_place(self) -> bool:
        """Tell whether the file is where it was opened."""
        return self._log.in_place()

    def close(self) -> None:
        """Close the file."""
        self._log.close()

    def _write(self) -> None:
        self._log.append(self._unwritten)
        self._log.sync()
        self._unwritten = []
