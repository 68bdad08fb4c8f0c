"""Everything a trained model says of one subset: scores, detections, mAP, early detection, progression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.trainables.config import Reset
from crescendo.trainables.evaluation.early import EarlyDetection, ObservedSequence, early_detection
from crescendo.trainables.evaluation.early_warning import Thresholds, alarm_thresholds
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_scores
from crescendo.trainables.evaluation.online import OnlineDetection, online_detection
from crescendo.trainables.evaluation.progression import Progression, progression
from crescendo.trainables.evaluation.result_format import Detection, in_seconds
from crescendo.trainables.inference.decoding import decode
from crescendo.trainables.training.trainer import Trainer


@dataclass(frozen=True)
class SubsetResult:
    """Results on one subset.

    Attributes
    ----------
    scores : recording -> (frames, labels) float32
    detections : recording -> detections, in seconds
    evaluation, early, progression : protocol sections 4, 5 and 6
    alarms : rate of false alarms -> label -> the threshold that `online` was measured with
    online : per-frame precision and early warning
    """

    scores: dict[str, np.ndarray]
    detections: dict[str, list[Detection]]
    evaluation: Evaluation
    early: EarlyDetection
    progression: Progression
    alarms: Mapping[str, Thresholds]
    online: OnlineDetection

    def to_json(self) -> dict[str, Any]:
        """Return all but scores, detections and thresholds as a JSON-able object."""
        return {
            **self.evaluation.to_json(),
            "early": self.early.to_json(),
            "progression": self.progression.to_json(),
            "online": self.online.to_json(),
        }


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
    return SubsetResult(scores, detections, evaluation, early, progression(dataset, subset, scores), alarms, online)
