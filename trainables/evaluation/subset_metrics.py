"""Every figure of one subset: mAP, early detection, progression, per-frame precision and early warning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crescendo.trainables.config import Reset
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early import EarlyDetection, ObservedSequence, early_detection
from crescendo.trainables.evaluation.early_warning import Thresholds, alarm_thresholds
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_scores
from crescendo.trainables.evaluation.online import OnlineDetection, online_detection
from crescendo.trainables.evaluation.progression import Progression, progression
from crescendo.trainables.evaluation.result_format import Detection, in_seconds
from crescendo.trainables.inference.decoding import decode

if TYPE_CHECKING:
    from crescendo.trainables.training.trainer import Trainer


@dataclass(frozen=True)
class SubsetMetrics:
    """The figures of one subset; what was not measured is None.

    `evaluation`, `early`, `progression`: protocol sections 4, 5 and 6; `online`: per-frame precision and early warning.
    """

    evaluation: Evaluation
    early: EarlyDetection | None = None
    progression: Progression | None = None
    online: OnlineDetection | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what `Evaluation.to_json` does, and the other parts that were measured under their names."""
        parts = {"early": self.early, "progression": self.progression, "online": self.online}
        return {
            **self.evaluation.to_json(),
            **{name: part.to_json() for name, part in parts.items() if part is not None},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SubsetMetrics:
        """Return the figures whose `to_json` is `content`.

        Raises
        ------
        InputError
            If `content` is something else.
        """
        try:
            return cls(
                Evaluation.from_json(content),
                EarlyDetection.from_json(content["early"]) if "early" in content else None,
                Progression.from_json(content["progression"]) if "progression" in content else None,
                OnlineDetection.from_json(content["online"]) if "online" in content else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"not the metrics of a subset ({type(error).__name__}: {error})") from error


@dataclass(frozen=True)
class SubsetResult:
    """Results on one subset.

    Attributes
    ----------
    scores : recording -> (frames, labels) float32
    detections : recording -> detections, in seconds
    metrics : its figures
    early : what early detection was evaluated on, and its figures
    alarms : rate of false alarms -> label -> the threshold that early warning was measured with
    """

    scores: dict[str, np.ndarray]
    detections: dict[str, list[Detection]]
    metrics: SubsetMetrics
    early: EarlyDetection
    alarms: Mapping[str, Thresholds]


def subset_result(
    trainer: Trainer, subset: str, merge_gap: int, reset: Reset, alarms: Mapping[str, Thresholds] | None = None
) -> SubsetResult:
    """Run the trainer's model over `subset` and score it in every way; `merge_gap` is in frames.

    `alarms` are the thresholds that were chosen on the validation split; without them they are chosen here, so leave
    them out for that split alone.
    """
    config, dataset = trainer.config, trainer.dataset
    scores = trainer.score(subset, reset)
    detections = {
        recording: in_seconds(decode(matrix, merge_gap), dataset.labels, dataset.fps)
        for recording, matrix in scores.items()
    }
    [evaluation] = evaluate_scores(dataset, subset, scores, [merge_gap], protocol=config.protocol, iou=config.iou)

    def fresh(sequences: Sequence[ObservedSequence]) -> list[np.ndarray]:
        return trainer.score_spans(sequences, reset)

    early = early_detection(
        dataset,
        subset,
        fresh,
        merge_gap=merge_gap,
        fractions=config.fractions,
        iou=config.iou,
        protocol=config.protocol,
    )
    if alarms is None:
        alarms = alarm_thresholds(dataset, subset, scores, merge_gap)
    online = online_detection(dataset, subset, scores, merge_gap, alarms, config.protocol)
    # Of early detection the metrics keep the figures, not what was evaluated.
    figures = replace(early, truths=(), detections=())
    metrics = SubsetMetrics(evaluation, figures, progression(dataset, subset, scores), online)
    return SubsetResult(scores, detections, metrics, early, alarms)
