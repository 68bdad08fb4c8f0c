"""What the trainings of a study take on this machine, by a few timed steps of every arm."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from crescendo.reports.planning.sources import Hours
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.folds import Parts
from crescendo.search_spaces.schema import Resources
from crescendo.search_spaces.study import Study
from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.fold_sets import fold_sets
from crescendo.trainables.data.folds import made_folds, own_folds
from crescendo.trainables.data.remote import is_remote
from crescendo.trainables.training.trainer import Trainer

WARM, STEPS = 3, 10
"""Iterations that an arm is trained before the clock runs, and while it does."""
_PATIENCE = 5.0  # seconds for an arm; a step that takes longer is timed alone
_SCORED = 200  # frames of each recording, while scoring is timed


@dataclass(frozen=True)
class Timing:
    """What trainings take, and by what it was found: `iterations` of each of so many `arms`."""

    hours: Hours
    iterations: int
    arms: int


def data_at_hand(study: Study) -> Dataset | None:
    """Return what the first fold of `study` trains on, or its data set, where that lies on this machine; None elsewhere."""
    if is_remote(study.dataset):
        return None
    sets = fold_sets(study.dataset) if study.folds == "own" and Path(study.dataset).is_dir() else {}
    folder = next(iter(sets.values()), Path(study.dataset))
    if not (folder / "dataset.json").is_file():
        return None
    dataset = Dataset(folder)
    if isinstance(study.folds, Parts):
        return made_folds(study.folds.count, study.folds.by)[0].of(dataset)
    return own_folds(dataset)[0].of(dataset) if study.folds == "own" and dataset.splits else dataset


def timed(study: Study, data: Dataset) -> Timing | None:
    """Return what a training of `study` takes here: steps, validations and, of a confirmation, the final scoring.

    None where it asks for a GPU and there is none here, or there is nothing to train on.
    """
    gpu = study.resources.gpus > 0
    if (gpu and not torch.cuda.is_available()) or not data.recordings("training"):
        return None
    arms = arms_of(study)
    found = [_of_arm(study, arm, data, "cuda" if gpu else "cpu") for arm in arms]
    trial, confirmation, iterations, steps = (fmean(column) for column in zip(*found, strict=True))
    hours = Hours(
        trial / 3600, confirmation / 3600, float(study.resources.cpus), study.resources.gpus or 0.0, round(iterations)
    )
    return Timing(hours, round(steps), len(arms))


def at_once(resources: Resources) -> int:
    """Return how many trainings, each alone, run side by side on this machine's CPUs."""
    room = max(1, len(os.sched_getaffinity(0)) // max(1, resources.cpus))
    return min(room, resources.concurrent or room)


def _of_arm(study: Study, arm: Arm, data: Dataset, device: str) -> tuple[float, float, int, int]:
    """Return the seconds of a trial and of a confirmation, their iterations, and how many were timed."""
    config = configuration({**arm.sample, "seed": study.search.seed, "threads": study.resources.cpus, "device": device})
    trainer = Trainer(config, data)
    trainer.train(WARM)
    step, timed_steps = _step(trainer)
    validation, test = (_scoring(trainer, data, subset) for subset in ("validation", "test"))
    validations = -(-config.iterations // config.evaluate_every) + len(arm.decode.reset) - 1
    trial = config.iterations * step + validations * validation
    # Every recording is scored once more, and so are the beginnings of activities, for early detection.
    return trial, trial + validation + 2 * test, config.iterations, timed_steps


def _step(trainer: Trainer) -> tuple[float, int]:
    first = _seconds(lambda: trainer.train(WARM + 1), trainer)
    more = min(STEPS - 1, int(_PATIENCE / max(first, 1e-9)))
    if more < 1:
        return first, 1
    return _seconds(lambda: trainer.train(WARM + 1 + more), trainer) / more, more + 1


def _scoring(trainer: Trainer, data: Dataset, subset: str) -> float:
    """Return the seconds that scoring a subset takes, by the first frames of its recordings."""
    if subset not in data.annotations.subsets():
        return 0.0
    frames = {recording: data.frames(recording) for recording in data.recordings(subset)}
    spans = [(recording, 0, min(count, _SCORED)) for recording, count in frames.items()]
    seconds = _seconds(lambda: trainer.score_spans(spans), trainer)
    return seconds * max(frames.values()) / max(last for _, _, last in spans)


def _seconds(work: Callable[[], object], trainer: Trainer) -> float:
    began = time.perf_counter()
    work()
    if trainer.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began
