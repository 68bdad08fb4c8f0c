"""Who hears of a study while it runs, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from crescendo.platform.studies.ledger import TrialRecord
from crescendo.reports.analysis.looks import Look
from crescendo.trainables.training.validation_report import ValidationReport


class Watcher(Protocol):
    """Hears of every event, after the ledger has it."""

    def started(self, entry: TrialRecord) -> None:
        """Note that a trial begins, or begins again."""

    def reported(self, entry: TrialRecord, report: ValidationReport) -> None:
        """Note a report."""

    def broke(self, entry: TrialRecord) -> None:
        """Note that a trial broke and waits to be tried again."""

    def held_up(self, entries: Sequence[TrialRecord], reason: str, seconds: float) -> None:
        """Note that trials wait to go on, in so many seconds, for what is no fault of theirs."""

    def planned(self, text: str) -> None:
        """Note what the budget of the study pays for, or what it must be cut to."""

    def looked(self, look: Look) -> None:
        """Note what came out as the arms were compared with the baseline, while more seeds may follow."""

    def ended(self, entry: TrialRecord, report: ValidationReport | None) -> None:
        """Note that a trial is over: COMPLETE, PRUNED or FAIL; `report` is its last, where there is one."""
