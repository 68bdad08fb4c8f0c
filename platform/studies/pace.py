"""How fast a sweep gets on, and so how long it goes on: for whoever shows it, the display and MLflow alike."""

from __future__ import annotations

import time

from optuna.trial import TrialState

from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.study_trials import phases_of
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.cost import trainings


class Pace:
    """How fast a study gets on: iterations of trainings a second."""

    def __init__(self) -> None:
        self._run: StudyRun | None = None

    def begin(self, run: StudyRun | None) -> None:
        """Count from now on, unless that has begun: at the first report, since workers' start says nothing of the rest."""
        if self._run is None and run is not None:
            self._run, self._began, self._before = run, time.monotonic(), _done(run)

    def seconds_left(self) -> float | None:
        """Return how long the rest of the study takes at this pace; None before anything got on."""
        if self._run is None:
            return None
        rate = (_done(self._run) - self._before) / max(time.monotonic() - self._began, 1e-9)
        return iterations_left(self._run) / rate if rate > 0 else None


def iterations_left(run: StudyRun) -> float:
    """Return the iterations that the study asks for and that are not done."""
    return max(0.0, _whole(run) - _done(run))


def _done(run: StudyRun) -> float:
    """Return the iterations done, of those the study asks for; a trial stopped early has saved the rest."""
    done = 0.0
    for replicate in run.replicates:
        for arm in arms_of(run.study):
            before = [run.states(arm.name, phase, replicate) for phase in phases_of(run.study) if phase != "confirm"]
            ended = sum(states[TrialState.COMPLETE] + states[TrialState.PRUNED] for states in before)
            done += (ended + len(run.confirmed(arm.name, replicate))) * _iterations(arm)
    return done + sum(report.iteration for report in run.last.values())


def _whole(run: StudyRun) -> float:
    each = sum(
        sum(trainings(run.study, arm, run.seeds[arm.name]).values()) * _iterations(arm) for arm in arms_of(run.study)
    )
    return float(len(run.replicates) * each)


def _iterations(arm: Arm) -> int:
    return int(arm.settings.get("iterations", 1))
