"""What a study will cost, counted before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.study import Study


@dataclass(frozen=True)
class Cost:
    """Counts for the whole study, in every fold and repeat, if every trial runs to its end.

    Early stopping saves some, failed trials add some; `until: decided` may end with fewer confirmations.

    `iterations` are optimiser steps and `frames` the frames they learn from; `passes` are forward passes over the
    validation recordings at the end of each trial of the search phase, one for each reset, and `gaps` the merge gaps
    decoded and scored on those scores.
    """

    arms: int
    trials: int
    finalists: int
    confirmations: int
    iterations: int
    frames: int
    passes: int
    gaps: int

    @property
    def trainings(self) -> int:
        """Trainings of all phases."""
        return self.trials + self.finalists + self.confirmations


def cost(study: Study, folds: int = 1) -> Cost:
    """Return what `study`, whose base configuration was read, costs if it has so many `folds`."""
    arms = arms_of(study)
    seeds, times = study.confirm.most, study.repeats * folds
    again = {arm.name: finalist_trainings(study, arm) for arm in arms}
    runs = {arm.name: arm.trials + again[arm.name] + seeds for arm in arms}
    return Cost(
        arms=len(arms),
        trials=times * sum(arm.trials for arm in arms),
        finalists=times * sum(again.values()),
        confirmations=times * len(arms) * seeds,
        iterations=times * sum(runs[arm.name] * _most(arm, "iterations") for arm in arms),
        frames=times
        * sum(
            runs[arm.name] * _most(arm, "iterations") * _most(arm, "sequences") * _most(arm, "sequence_length")
            for arm in arms
        ),
        passes=times * sum(arm.trials * len(arm.decode.reset) for arm in arms),
        gaps=times * sum(arm.trials * len(arm.decode.reset) * _gaps(arm) for arm in arms),
    )


def finalist_trainings(study: Study, arm: Arm) -> int:
    """Return how often finalists of an arm are trained in a replicate; an arm that tries one setting has none."""
    count = min(study.search.finalists, arm.trials)
    return count * study.search.finalist_seeds if count > 1 else 0


def trainings(study: Study, arm: Arm, seeds: int) -> dict[str, int]:
    """Return phase -> how many trainings an arm has in a replicate that confirms it with so many `seeds`."""
    return {"search": arm.trials, "finalist": finalist_trainings(study, arm), "confirm": seeds}


def _most(arm: Arm, key: str) -> int:
    value: Any = max(arm.space[key].extremes()) if key in arm.space else arm.settings[key]
    return int(value)


def _gaps(arm: Arm) -> int:
    return int(min(arm.decode.trials, arm.decode.merge_gap.size)) if arm.decode.merge_gap is not None else 0
