"""What a trained model says of a subset: scores, spans and evaluations, each found once, when first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crescendo.trainables.config import Reset
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_decoded
from crescendo.trainables.inference.decoded_subset import DecodedSubset, decode_subset
from crescendo.trainables.training.trainer import Trainer


class ScoredSubset:
    """The frame scores of `subset` by the trainer's model as it is now, their spans, and how well these detect.

    Scores are found once for each reset; spans and evaluations once for each reset and merge gap, all gaps that are asked
    for together in one pass.

    Attributes
    ----------
    evaluations : (reset, merge gap in frames) -> evaluation, of all that were asked for
    """

    def __init__(self, trainer: Trainer, subset: str) -> None:
        """Find nothing yet."""
        self._trainer, self._subset = trainer, subset
        self._scores: dict[Reset, Mapping[str, np.ndarray]] = {}
        self._decoded: dict[tuple[Reset, int], DecodedSubset] = {}
        self.evaluations: dict[tuple[Reset, int], Evaluation] = {}

    def evaluate(self, reset: Reset, merge_gaps: Sequence[int]) -> list[Evaluation]:
        """Return the mAP of the model at `reset` with each of `merge_gaps`."""
        new = [gap for gap in dict.fromkeys(merge_gaps) if (reset, gap) not in self.evaluations]
        if new:
            config = self._trainer.config
            decoded = decode_subset(self._trainer.dataset, self._subset, self._scored(reset), new)
            evaluations = evaluate_decoded(decoded, rule=config.matching_rule, iou=config.iou)
            for gap, evaluation in zip(decoded.merge_gaps, evaluations, strict=True):
                self._decoded[reset, gap], self.evaluations[reset, gap] = decoded, evaluation
        return [self.evaluations[reset, gap] for gap in merge_gaps]

    def decoded(self, reset: Reset, merge_gap: int) -> DecodedSubset:
        """Return scores and spans at `reset` with `merge_gap`, which must have been evaluated."""
        return self._decoded[reset, merge_gap].at(merge_gap)

    def _scored(self, reset: Reset) -> Mapping[str, np.ndarray]:
        if reset not in self._scores:
            self._scores[reset] = self._trainer.score(self._subset, reset)
        return self._scores[reset]
