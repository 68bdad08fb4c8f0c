"""What the trainings of a study take on this machine, by a few timed steps of every arm."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from crescendo.platform.studies.timing import STEPS, WARM, ArmTiming, Timing
from crescendo.search_spaces.arms import Arm, arms_of
from crescendo.search_spaces.study import Study
from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.training.trainer import Trainer

_PATIENCE = 5.0  # seconds for an arm; a step that takes longer is timed alone
_SCORED = 200  # frames of each recording, while scoring is timed


def timed(study: Study, data: Dataset) -> Timing | None:
    """Return what a training of `study` takes here: steps, validations and, of a confirmation, the final scoring.

    None where it asks for a GPU and there is none here, or there is nothing to train on.
    """
    gpu = study.resources.gpus > 0
    if (gpu and not torch.cuda.is_available()) or not data.recordings("training"):
        return None
    device = "cuda" if gpu else "cpu"
    arms = tuple(_of_arm(study, arm, data, device) for arm in arms_of(study))
    return Timing(arms, study.resources.cpus, study.resources.gpus)


def _of_arm(study: Study, arm: Arm, data: Dataset, device: str) -> ArmTiming:
    config = configuration({**arm.sample, "seed": study.search.seed, "threads": study.resources.cpus, "device": device})
    trainer = Trainer(config, data)
    trainer.train(WARM)
    step, timed_steps = _step(trainer)
    validation, test = (_scoring(trainer, data, subset) for subset in ("validation", "test"))
    validations = -(-config.iterations // config.evaluate_every) + len(arm.decode.reset) - 1
    trial = config.iterations * step + validations * validation
    # Every recording is scored once more, and so are the beginnings of activities, for early detection.
    return ArmTiming(arm.name, trial, trial + validation + 2 * test, config.iterations, timed_steps)


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
