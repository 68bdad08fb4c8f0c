"""Frame scores of the trainings of a cohort, found for all of them when the first one asks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from crescendo.trainables.config import Reset
from crescendo.trainables.inference.scoring import Span, score_together, whole
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.training.trainer import Trainer

Scores = Mapping[str, np.ndarray]
"""Recording -> softmax scores (frames, labels) float32."""

# Bytes of scores that wait for those they belong to.
_WAITING = 2**30


class SharedScores:
    """What trained models say of a data set, side by side on a GPU: each frame's small steps leave most of it idle."""

    def __init__(self, trainers: Sequence[Trainer], measured: Collection[Trainer] = ()) -> None:
        """Find nothing yet; `trainers` share data set and device, and train no more while scores are asked for.

        `measured` are those of them that are over and will be measured in every way.
        """
        self._trainers, self._measured = list(trainers), set(measured)
        self._found: dict[tuple[Trainer, tuple[Span, ...], Reset], list[np.ndarray]] = {}

    def score(self, trainer: Trainer, subset: str, reset: Reset) -> Scores:
        """Return the scores of `subset` by the model of `trainer`, which are handed out once."""
        recordings = trainer.dataset.recordings(subset)

        def asks(other: Trainer) -> bool:
            # A reset that is not the configured one is asked for in a search, which every model's validation goes through.
            if trainer.config.reset == reset or subset != "validation":
                return other.config.reset == reset
            return reset in MODELS.resolve(other.config.model).resets

        scores = self._score(trainer, whole(trainer.dataset, recordings), reset, asks)
        return dict(zip(recordings, scores, strict=True))

    def score_spans(self, trainer: Trainer, spans: Sequence[Span], reset: Reset) -> list[np.ndarray]:
        """Return the scores of `spans`, each from a fresh state, by the model of `trainer`, handed out once.

        Trainings that are measured alike ask for the same spans.
        """
        own = trainer.config

        def asks(other: Trainer) -> bool:
            its = other.config
            alike = (its.reset, its.fractions, its.protocol) == (reset, own.fractions, own.protocol)
            return other in self._measured and alike

        return self._score(trainer, spans, reset, asks)

    def _score(
        self, trainer: Trainer, spans: Sequence[Span], reset: Reset, asks: Callable[[Trainer], bool]
    ) -> list[np.ndarray]:
        listed = tuple((recording, first, last) for recording, first, last in spans)
        key = trainer, listed, reset
        if key not in self._found:
            together = self._together(trainer, listed, reset, asks)
            found = score_together([one.model for one in together], trainer.dataset, listed, reset, trainer.on_scored)
            for one, scores in zip(together, found, strict=True):
                self._found[one, listed, reset] = scores
        return self._found.pop(key)

    def _together(
        self, trainer: Trainer, spans: tuple[Span, ...], reset: Reset, asks: Callable[[Trainer], bool]
    ) -> list[Trainer]:
        """Return who is scored with `trainer`: those who will ask for the same."""
        frames = sum(last - first for _, first, last in spans)
        scores = frames * len(trainer.dataset.labels) * np.dtype(np.float32).itemsize
        if trainer.device.type != "cuda" or scores * len(self._trainers) > _WAITING:
            return [trainer]
        others = [other for other in self._trainers if other is not trainer and asks(other)]
        return [trainer, *(other for other in others if (other, spans, reset) not in self._found)]
