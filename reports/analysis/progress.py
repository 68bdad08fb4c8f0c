"""How far a study has come that has not finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crescendo.reports.source.runs import ArmRuns, StudyRuns, TrialRun
from crescendo.search_spaces.cost import trainings
from crescendo.search_spaces.study import Study

_SPENT = ("finished", "pruned")
_FIRST_REPEAT = "repeat 1"


@dataclass(frozen=True)
class Count:
    """Trainings: how many are done, of how many that the study asks for; how many are under way, and have failed."""

    done: int = 0
    asked: int = 0
    running: int = 0
    failed: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.done + other.done,
            self.asked + other.asked,
            self.running + other.running,
            self.failed + other.failed,
        )


@dataclass(frozen=True)
class Progress:
    """How far a study has come.

    Attributes
    ----------
    running
        Whether more may come without it being started again.
    works, seen, expected_end
        As in `StudyRuns`.
    whole
        All trainings.
    arms, replicates
        Name of the arm, or of the fold and repeat -> phase -> trainings. A study with one replicate has no `replicates`.
    """

    running: bool
    works: bool | None
    status: str
    reason: str | None
    seen: float | None
    expected_end: float | None
    whole: Count
    arms: Mapping[str, Mapping[str, Count]]
    replicates: Mapping[str, Mapping[str, Count]]


def progress_of(runs: StudyRuns) -> Progress | None:
    """Return how far the study has come; None once it has finished.

    An arm of a study that runs until it is decided is asked for the seeds of its first look and those begun since.
    """
    if runs.status == "finished":
        return None
    counts = [(arm, _counts(arm, runs.study)) for arm in runs.arms]
    several = len(runs.replicates) > 1
    return Progress(
        running=runs.running,
        works=runs.works,
        status=runs.status,
        reason=runs.reason,
        seen=runs.seen,
        expected_end=runs.expected_end,
        whole=_sum(count for _, phases in counts for count in phases.values()),
        arms=_by_name((arm.name, phases) for arm, phases in counts),
        replicates=_by_name((arm.replicate.name or _FIRST_REPEAT, phases) for arm, phases in counts) if several else {},
    )


def _counts(runs: ArmRuns, study: Study) -> dict[str, Count]:
    planned, first = runs.replicate.confirm_seeds(study), study.confirm.looks[0]
    begun = {run.seed for run in runs.confirm}
    asked = trainings(study, runs.arm, first + sum(seed in begun for seed in planned[first:]))
    done = {
        "search": _in(runs.search, *_SPENT),
        "finalist": _in(runs.finalists, *_SPENT),
        "confirm": len(runs.confirmed),
    }
    of_phase = {"search": runs.search, "finalist": runs.finalists, "confirm": runs.confirm}
    return {
        phase: Count(done[phase], asked[phase], _in(found, "running"), _in(found, "failed"))
        for phase, found in of_phase.items()
        if phase != "finalist" or study.search.finalists > 1
    }


def _in(runs: Iterable[TrialRun], *states: str) -> int:
    return sum(run.state in states for run in runs)


def _by_name(counts: Iterable[tuple[str, Mapping[str, Count]]]) -> dict[str, dict[str, Count]]:
    found: dict[str, dict[str, Count]] = {}
    for name, phases in counts:
        mine = found.setdefault(name, {})
        for phase, count in phases.items():
            mine[phase] = mine.get(phase, Count()) + count
    return found


def _sum(counts: Iterable[Count]) -> Count:
    return sum(counts, Count())
