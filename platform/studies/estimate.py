"""How long a sweep takes, by the first steps that its arms were trained: told as they train, by the clock of `study plan`."""

from __future__ import annotations

from statistics import fmean

from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.study_run import StudyRun
from crescendo.reports.planning.clock import clock, hours_text
from crescendo.reports.planning.sources import Hours
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.cost import cost
from crescendo.trainables.training.validation_report import ValidationReport


class Estimate:
    """The hours that the study of `run` takes in all, if its arms go on as they began."""

    def __init__(self, run: StudyRun) -> None:
        self._run = run
        self._each: dict[str, float] = {}
        self._beside = 1

    @property
    def trainings(self) -> int:
        """Trainings of the whole study, in all folds and repeats."""
        return cost(self._run.study, len(self._run.place.folds) or 1).trainings

    @property
    def known(self) -> bool:
        """Whether any arm has told how long it takes."""
        return bool(self._each)

    def hear(self, entry: TrialRecord, report: ValidationReport) -> bool:
        """Take in what a trial took so far; return whether it is the first or the last arm to tell of."""
        if entry.arm in self._each or not report.iteration or not report.seconds:
            return False
        self._each[entry.arm] = report.seconds / report.iteration
        self._beside = max(self._beside, len(self._run.running))
        return len(self._each) in (1, len(arms_of(self._run.study)))

    @property
    def whole(self) -> str:
        """The hours, as a person says them, of as many trainings side by side as ran so far."""
        study = self._run.study
        bill = cost(study, len(self._run.place.folds) or 1)
        iterations = round(bill.iterations / bill.trainings)
        one = fmean(self._each.values()) * iterations / 3600
        return f"about {hours_text(clock(bill, Hours(one, one, 1.0, 0.0, iterations)) / self._beside)} in all"

    def __str__(self) -> str:
        """Say it in a line."""
        arms = len(arms_of(self._run.study))
        by = f"{len(self._each)} of {arms} arms" if len(self._each) < arms else f"{arms} arms"
        beside = f", {self._beside} at a time" if self._beside > 1 else ""
        return f"{self._run.study.name}: {self.whole}, by the first steps of {by}{beside}"
