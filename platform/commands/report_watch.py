"""The report of studies that run, written again as their trials end: for `generate-report --watch` and `sweep --report`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crescendo.reports.generate import Report, generate_report
from crescendo.reports.source.study_runs import StudyState, read_study_state
from crescendo.search_spaces.record import LOCK_FILE
from crescendo.trainables.storage.locks import is_held

_SHARE = 0.1
"""Of the time: as much may go into writing reports while a study runs."""


@dataclass
class ReportWatch:
    """Writes the report of `studies` whenever any of their runs began or ended since it was written.

    Attributes
    ----------
    every
        Seconds between two reports, at least; longer where one takes long.
    tracking_uri, out, allow_plugin
        As in `generate_report`.
    running, known
        Whether any of the studies ran when they were looked at last; whether they ever could be looked at.
    """

    studies: Sequence[str]
    every: float
    tracking_uri: str | None = None
    out: Path | None = None
    allow_plugin: bool = False
    running: bool = True
    known: bool = False
    _reported: tuple[StudyState, ...] | None = None
    _took: float = 0.0

    def look(self) -> Report | None:
        """Look at the studies; write their report and return it, or None if nothing has changed.

        Raises
        ------
        InputError
            As `generate_report` does.
        """
        states = tuple(read_study_state(study, self.tracking_uri) for study in self.studies)
        self.running, self.known = any(state.running for state in states), True
        if states == self._reported:
            return None
        began = time.monotonic()
        report = generate_report(
            self.studies,
            tracking_uri=self.tracking_uri,
            out=self.out,
            allow_plugin=self.allow_plugin,
            renew=self.every if self.running else None,
        )
        self._reported, self._took = states, time.monotonic() - began
        return report

    @property
    def begun(self) -> bool:
        """Whether a report was written."""
        return self._reported is not None

    @property
    def finished(self) -> bool:
        """Whether all studies had finished when the last report was written."""
        return self._reported is not None and all(state.status == "finished" for state in self._reported)

    @property
    def pause(self) -> float:
        """Seconds to the next look."""
        return max(self.every, self._took * (1 / _SHARE - 1))

    def swept(self) -> bool:
        """Tell whether a sweep works in any of the studies' folders, whether or not it has told anything yet."""
        return any(is_held(Path(study) / LOCK_FILE) for study in self.studies)
