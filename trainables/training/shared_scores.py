"""Frame scores of the trainings of a cohort, found for all of them when the first one asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crescendo.trainables.config import Reset
from crescendo.trainables.inference.scoring import score_together, whole
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.training.trainer import Trainer

Scores = Mapping[str, np.ndarray]
"""Recording -> softmax scores (frames, labels) float32."""

# Bytes of scores that wait for those they belong to.
_WAITING = 2**30


class SharedScores:
    """What trained models say of a data set, side by side on a GPU: each frame's small steps leave most of it idle."""

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        """Find nothing yet; `trainers` share data set and device, and train no more while scores are asked for."""
        self._trainers = list(trainers)
        self._found: dict[tuple[Trainer, str, Reset], Scores] = {}

    def score(self, trainer: Trainer, subset: str, reset: Reset) -> Scores:
        """Return the scores of `subset` by the model of `trainer`, which are handed out once."""
        key = trainer, subset, reset
        if key not in self._found:
            together = self._together(trainer, subset, reset)
            dataset, recordings = trainer.dataset, trainer.dataset.recordings(subset)
            models = [one.model for one in together]
            found = score_together(models, dataset, whole(dataset, recordings), reset)
            for one, scores in zip(together, found, strict=True):
                self._found[one, subset, reset] = dict(zip(recordings, scores, strict=True))
        return self._found.pop(key)

    def _together(self, trainer: Trainer, subset: str, reset: Reset) -> list[Trainer]:
        """Return who is scored with `trainer`: those who will ask for the same."""
        dataset = trainer.dataset
        frames = sum(dataset.frames(recording) for recording in dataset.recordings(subset))
        scores = frames * len(dataset.labels) * np.dtype(np.float32).itemsize
        if trainer.device.type != "cuda" or scores * len(self._trainers) > _WAITING:
            return [trainer]

        def asks(other: Trainer) -> bool:
            # A reset that is not the configured one is asked for in a search, which every model's validation goes through.
            if trainer.config.reset == reset or subset != "validation":
                return other.config.reset == reset
            return reset in MODELS.resolve(other.config.model).resets

        others = [other for other in self._trainers if other is not trainer and asks(other)]
        return [trainer, *(other for other in others if (other, subset, reset) not in self._found)]
