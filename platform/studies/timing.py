"""What a few timed steps of every arm tell of a study's hours; the steps themselves, which take torch, are in `timed_steps`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from crescendo.platform.studies.cohorts import together
from crescendo.reports.planning.sources import Hours
from crescendo.search_spaces.cost import cost
from crescendo.search_spaces.schema.folds import FoldCount
from crescendo.search_spaces.schema.phases import Resources
from crescendo.search_spaces.study import Study
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.fold_sets import fold_sets
from crescendo.trainables.data.folds import made_folds, own_folds
from crescendo.trainables.data.remote import is_remote
from crescendo.trainables.plurals import counted

WARM, STEPS = 3, 10
"""Iterations that an arm is trained before the clock runs, and while it does."""
_SHARE = 100  # of a study's iterations, one is timed at most before the others


@dataclass(frozen=True)
class ArmTiming:
    """The seconds of a trial and of a confirmation of `arm`, their `iterations`, and the `steps` that were timed."""

    arm: str
    trial: float
    confirmation: float
    iterations: int
    steps: int


@dataclass(frozen=True)
class Timing:
    """What the trainings of every arm take, each on so many `cpus` and `gpus`."""

    arms: tuple[ArmTiming, ...]
    cpus: float
    gpus: float

    @property
    def hours(self) -> Hours:
        """What a training takes, in the mean of the arms."""
        trial = fmean(one.trial for one in self.arms) / 3600
        confirmation = fmean(one.confirmation for one in self.arms) / 3600
        return Hours(trial, confirmation, self.cpus, self.gpus, round(fmean(one.iterations for one in self.arms)))

    @property
    def steps(self) -> int:
        """Iterations of an arm that were timed."""
        return round(fmean(one.steps for one in self.arms))

    def __str__(self) -> str:
        """Say by what it was found."""
        return f"{counted(self.steps, 'step')} of each of {counted(len(self.arms), 'arm')} and a little scoring"


def worth_timing(study: Study, folds: int) -> bool:
    """Tell whether steps of every arm are to be timed before `study` trains: where that takes a hundredth of it at most.

    In cohorts a training alone says little of what it takes among others; their own first steps, of many arms at once, do.
    """
    bill = cost(study, folds)
    return not together(study.resources) and bill.iterations >= _SHARE * bill.arms * (WARM + STEPS)


def data_at_hand(study: Study) -> Dataset | None:
    """Return what the first fold of `study` trains on, or its data set, where that lies on this machine; None elsewhere."""
    if is_remote(study.dataset):
        return None
    sets = fold_sets(study.dataset) if study.folds == "own" and Path(study.dataset).is_dir() else {}
    folder = next(iter(sets.values()), Path(study.dataset))
    if not (folder / "dataset.json").is_file():
        return None
    dataset = Dataset(folder)
    if isinstance(study.folds, FoldCount):
        return made_folds(study.folds.count, study.folds.by)[0].of(dataset)
    return own_folds(dataset)[0].of(dataset) if study.folds == "own" and dataset.splits else dataset


def at_once(resources: Resources) -> int:
    """Return how many trainings, each alone, run side by side on this machine's CPUs."""
    room = max(1, len(os.sched_getaffinity(0)) // max(1, resources.cpus))
    return min(room, resources.concurrent or room)
