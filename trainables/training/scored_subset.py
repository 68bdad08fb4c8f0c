"""Frame scores, spans and evaluations of a trained model on a subset, each computed once, when first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import TypeAdapter

from crescendo.trainables.config import Reset
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_decoded
from crescendo.trainables.inference.decoded_subset import DecodedSubset, decode_subset
from crescendo.trainables.training.job import DecodeSearch
from crescendo.trainables.training.shared_scores import SharedScores
from crescendo.trainables.training.trainer import Trainer
from crescendo.trainables.training.validation_report import metric_value


class ScoredSubset:
    """The frame scores of `subset` by the trainer's model as it is now, the spans that they hold, and their mAP.

    Scores are computed once for each reset, spans and evaluations once for each reset and merge gap; merge gaps that are
    asked for together share one pass.

    Attributes
    ----------
    evaluations : (reset, merge gap in frames) -> evaluation, of all combinations asked for so far
    """

    def __init__(self, trainer: Trainer, subset: str, shared: SharedScores | None = None) -> None:
        """Compute nothing yet; `shared` finds the scores of several trainings at once, default: of this one."""
        self._trainer, self._subset = trainer, subset
        self._shared = shared or SharedScores([trainer])
        self._scores: dict[Reset, Mapping[str, np.ndarray]] = {}
        self._decoded: dict[tuple[Reset, int], DecodedSubset] = {}
        self.evaluations: dict[tuple[Reset, int], Evaluation] = {}

    def evaluate(self, reset: Reset, merge_gaps: Sequence[int]) -> list[Evaluation]:
        """Return the evaluation of the model at `reset` with each of `merge_gaps` (frames)."""
        new = [gap for gap in dict.fromkeys(merge_gaps) if (reset, gap) not in self.evaluations]
        if new:
            config = self._trainer.config
            decoded = decode_subset(self._trainer.dataset, self._subset, self._scored(reset), new)
            evaluations = evaluate_decoded(decoded, rule=config.matching_rule, iou=config.iou)
            for gap, evaluation in zip(decoded.merge_gaps, evaluations, strict=True):
                self._decoded[reset, gap], self.evaluations[reset, gap] = decoded, evaluation
        return [self.evaluations[reset, gap] for gap in merge_gaps]

    def best(self, search: DecodeSearch, metric: str) -> tuple[Reset, int]:
        """Return the reset and the merge gap (frames) that `search` finds best by `metric` (see `metric_value`)."""

        def values(reset: str, merge_gaps: Sequence[int]) -> list[float]:
            return [metric_value(evaluation, metric) for evaluation in self.evaluate(_reset(reset), merge_gaps)]

        reset, merge_gap = search(values)
        return _reset(reset), merge_gap

    def decoded(self, reset: Reset, merge_gap: int) -> DecodedSubset:
        """Return scores and spans at `reset` with `merge_gap`, a combination that `evaluate` was asked for."""
        return self._decoded[reset, merge_gap].at(merge_gap)

    def _scored(self, reset: Reset) -> Mapping[str, np.ndarray]:
        if reset not in self._scores:
            self._scores[reset] = self._shared.score(self._trainer, self._subset, reset)
        return self._scores[reset]


def _reset(name: str) -> Reset:
    reset: Reset = TypeAdapter(Reset).validate_python(name)
    return reset
