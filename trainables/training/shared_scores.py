"""Frame scores of the trainings of a cohort, found for all of them when the first one asks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from crescendo.trainables.config import Reset
from crescendo.trainables.inference.scoring import Span, score_together, whole
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.training.malloc import available_memory
from crescendo.trainables.training.trainer import Trainer

Scores = Mapping[str, np.ndarray]
"""Recording -> softmax scores (frames, labels) float32."""

# Bytes of scores that may wait for those they belong to: a share of the memory that is available, within bounds.
_SHARE, _LEAST, _MOST = 0.25, 2**30, 2**33

_Asked = tuple[Trainer, tuple[Span, ...], Reset]


class SharedScores:
    """What trained models say of a data set, side by side on a GPU: each frame's small steps leave most of it idle.

    As many are scored together as may wait for those they belong to.
    """

    def __init__(
        self, trainers: Sequence[Trainer], measured: Collection[Trainer] = (), *, waiting: int | None = None
    ) -> None:
        """Find nothing yet; `trainers` share data set and device, and train no more while scores are asked for.

        Parameters
        ----------
        measured
            Those of them that are over and will be measured in every way.
        waiting
            Bytes of scores that may wait; default: none on a CPU, where nothing is won, else 1 to 8 GiB, by the memory.
        """
        self._trainers, self._measured = list(trainers), set(measured)
        self._may_wait, self._wait = _may_wait(trainers) if waiting is None else waiting, 0
        self._found: dict[_Asked, list[np.ndarray]] = {}
        self._handed = set[_Asked]()

    def score(self, trainer: Trainer, subset: str, reset: Reset) -> Scores:
        """Return the scores of `subset` by the model of `trainer`, which are kept no longer."""
        recordings = trainer.dataset.recordings(subset)

        def asks(other: Trainer) -> bool:
            # A reset that is not the configured one is asked for in a search, which every model's validation goes through.
            if trainer.config.reset == reset or subset != "validation":
                return other.config.reset == reset
            return reset in MODELS.resolve(other.config.model).resets

        scores = self._score(trainer, whole(trainer.dataset, recordings), reset, asks)
        return dict(zip(recordings, scores, strict=True))

    def score_spans(self, trainer: Trainer, spans: Sequence[Span], reset: Reset) -> list[np.ndarray]:
        """Return the scores of `spans`, each from a fresh state, by the model of `trainer`, kept no longer.

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
            found = score_together(
                [one.model for one in together],
                trainer.dataset,
                listed,
                reset,
                trainer.on_scored,
                lambda number, why: together[number].note(
                    f"is scored frame by frame on the GPU, which is slower: {why}"
                ),
            )
            for one, scores in zip(together, found, strict=True):
                self._found[one, listed, reset] = scores
            self._wait += len(found) * self._bytes(trainer, listed)
        self._wait -= self._bytes(trainer, listed)
        self._handed.add(key)
        return self._found.pop(key)

    def _together(
        self, trainer: Trainer, spans: tuple[Span, ...], reset: Reset, asks: Callable[[Trainer], bool]
    ) -> list[Trainer]:
        """Return who is scored with `trainer`: those who will ask for the same, as far as their scores may wait."""
        known = self._found.keys() | self._handed
        others = [
            other
            for other in self._trainers
            if other is not trainer and (other, spans, reset) not in known and asks(other)
        ]
        room = max(self._may_wait - self._wait, 0)
        return [trainer, *others[: room // self._bytes(trainer, spans)]]

    @staticmethod
    def _bytes(trainer: Trainer, spans: tuple[Span, ...]) -> int:
        frames = sum(last - first for _, first, last in spans)
        return max(1, frames * trainer.model.label_count * np.dtype(np.float32).itemsize)


def _may_wait(trainers: Sequence[Trainer]) -> int:
    """Return how many bytes of scores may wait for their trainer."""
    if not any(trainer.device.type == "cuda" for trainer in trainers):
        return 0
    return min(_MOST, max(_LEAST, int(_SHARE * available_memory())))
