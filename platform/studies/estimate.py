"""How long a sweep takes, by timed steps of its arms, then by their trainings: told by the clock of `study plan`."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from optuna.trial import TrialState

from crescendo.platform.studies.cohorts import together
from crescendo.platform.studies.ledger import TrialRecord
from crescendo.platform.studies.pace import iterations_left
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.timing import Timing, worth_timing
from crescendo.reports.planning.clock import clock, hours_text
from crescendo.reports.planning.sources import Hours
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.cost import Cost, cost
from crescendo.trainables.plurals import counted
from crescendo.trainables.training.validation_report import ValidationReport


class HoursEstimate:
    """The hours that the study of `run` takes in all, if its arms go on as they began.

    What an arm trained counts, in an earlier start or its first steps in this one; before it has, its timed steps.
    """

    def __init__(self, run: StudyRun) -> None:
        self._run = run
        self._arms = tuple(arm.name for arm in arms_of(run.asked))
        # In cohorts a training's share of the machine is another with every cohort.
        past = () if together(run.asked.resources) else tuple(run.everything())
        self._heard = _per_iteration(entry for entry in past if entry.phase != "confirm")
        confirmed = _per_iteration(entry for entry in past if entry.phase == "confirm")
        self._more = {arm: confirmed[arm] - self._heard[arm] for arm in confirmed if arm in self._heard}
        self._timed: dict[str, float] = {}
        self._by = "trainings so far of"
        self._beside = 1

    @property
    def bill(self) -> Cost:
        """What the whole study costs, in all folds and repeats; one with a budget as it was asked for."""
        return cost(self._run.asked, self._folds)

    @property
    def known(self) -> bool:
        """Whether any arm has told how long it takes."""
        return bool(self._each)

    @property
    def worth_timing(self) -> bool:
        """Whether steps of every arm are to be timed before they train."""
        return len(self._heard) < len(self._arms) and worth_timing(self._run.asked, self._folds)

    def begin(self) -> None:
        """Take in how many trainings run side by side; those of cohorts show as they begin."""
        if not together(self._run.asked.resources):
            self._beside = max(1, min(self._run.at_once, self.bill.trainings))

    def time(self, timing: Timing) -> None:
        """Take in what timed steps of every arm tell."""
        self._timed = {one.arm: one.trial / one.iterations for one in timing.arms}
        self._more = {one.arm: (one.confirmation - one.trial) / one.iterations for one in timing.arms} | self._more
        self._by = f"{counted(timing.steps, 'step')} and a little scoring of"

    def hear(self, entry: TrialRecord, report: ValidationReport) -> bool:
        """Take in what a trial took so far; return whether that tells more: of the last arm, or the first of all to be known."""
        if entry.arm in self._heard or not report.iteration or not report.seconds:
            return False
        news = not self.known or len(self._heard) + 1 == len(self._arms)
        self._heard[entry.arm] = report.seconds / report.iteration
        self._beside = max(self._beside, len(self._run.running))
        if not self._timed or len(self._heard) == len(self._arms):
            self._by = "the first steps of"
        return news

    @property
    def left(self) -> str:
        """The hours of the trainings that are left, as a person says them, one after the other."""
        hours = fmean(self._each.values()) * iterations_left(self._run) / 3600
        return f"about {hours_text(hours)} of training left, one after the other"

    @property
    def whole(self) -> str:
        """The hours, as a person says them, of as many trainings side by side as there is room for."""
        bill, each = self.bill, self._each
        iterations = round(bill.iterations / bill.trainings)
        trial = fmean(each.values()) * iterations / 3600
        more = fmean(self._more.get(arm, 0.0) for arm in each) * iterations / 3600
        hours = clock(bill, Hours(trial, trial + max(0.0, more), 1.0, 0.0, iterations)) / self._beside
        budget = self._run.asked.budget
        if budget is None:
            return f"about {hours_text(hours)} in all"
        return f"about {hours_text(hours)} as it is written, with a budget of {budget}"

    def __str__(self) -> str:
        """Say it in a line."""
        known, arms = len(self._each), counted(len(self._arms), "arm")
        by = f"{self._by} {arms}" if known == len(self._arms) else f"{self._by} {known} of {arms}"
        beside = f", {self._beside} at a time" if self._beside > 1 else ""
        return f"{self._run.study.name}: {self.whole}, by {by}{beside}"

    @property
    def _folds(self) -> int:
        return len(self._run.place.folds) or 1

    @property
    def _each(self) -> dict[str, float]:
        """Arm -> the seconds of an iteration, its share of validations with it."""
        return self._timed | self._heard


def _per_iteration(entries: Iterable[TrialRecord]) -> dict[str, float]:
    """Return arm -> the mean seconds of an iteration in trainings that were completed, their scoring with it."""
    found: dict[str, list[float]] = {}
    for entry in entries:
        if entry.state is TrialState.COMPLETE and entry.seconds and entry.steps:
            found.setdefault(entry.arm, []).append(entry.seconds / max(entry.steps))
    return {arm: fmean(seconds) for arm, seconds in found.items()}
