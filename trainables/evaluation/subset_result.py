"""Everything that is measured of one decoded subset, and what it was measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.evaluation.diagnosis import diagnose_decoded
from crescendo.trainables.evaluation.early import ObservedPart, ScoreSequences, evaluate_parts, observed_parts
from crescendo.trainables.evaluation.early_warning import Thresholds, alarm_thresholds
from crescendo.trainables.evaluation.frame_calibration import calibration_of_decoded
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_decoded
from crescendo.trainables.evaluation.online import online_detection
from crescendo.trainables.evaluation.progression import progression
from crescendo.trainables.evaluation.result_format import Detection, in_seconds
from crescendo.trainables.evaluation.segmental import segmental_of_decoded
from crescendo.trainables.evaluation.span_scores import span_scores
from crescendo.trainables.evaluation.start_detection import starts_of_decoded
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.inference.decoded_subset import DecodedSubset


@dataclass(frozen=True)
class SubsetResult:
    """Results on one subset.

    Attributes
    ----------
    decoded : frame scores and spans
    metrics : every figure
    observed : what early detection was measured on, a part for each observed fraction
    alarms : rate of false alarms -> label -> the threshold that early warning was measured with
    """

    decoded: DecodedSubset
    metrics: SubsetMetrics
    observed: tuple[ObservedPart, ...]
    alarms: Mapping[str, Thresholds]

    def detections(self) -> dict[str, list[Detection]]:
        """Return recording -> detections in seconds, the recordings in the data set's order."""
        dataset, spans = self.decoded.dataset, self.decoded.by_recording()
        return {
            recording: in_seconds(spans[recording], dataset.labels, dataset.fps)
            for recording in dataset.recordings(self.decoded.subset)
        }


def subset_result(
    decoded: DecodedSubset,
    score_sequences: ScoreSequences,
    config: TrainingConfig,
    *,
    evaluation: Evaluation | None = None,
    alarms: Mapping[str, Thresholds] | None = None,
) -> SubsetResult:
    """Measure `decoded`, which holds the spans of one merge gap, in every way.

    Parameters
    ----------
    score_sequences
        Scores the sequences of early detection (`early.observed_parts`).
    config
        Says by which protocol, IoU thresholds and observed fractions.
    evaluation
        The mAP of `decoded`, where it is known already.
    alarms
        Thresholds that were chosen on the validation split; without them they are chosen here, so leave them out for
        that split alone.
    """
    dataset, subset = decoded.dataset, decoded.subset
    if evaluation is None:
        [evaluation] = evaluate_decoded(decoded, rule=config.matching_rule, iou=config.iou)
    observed = observed_parts(
        dataset,
        subset,
        score_sequences,
        merge_gap=decoded.merge_gap,
        fractions=config.fractions,
        rule=config.matching_rule,
    )
    spans = span_scores(decoded)
    if alarms is None:
        alarms = alarm_thresholds(spans)
    metrics = SubsetMetrics(
        evaluation,
        evaluate_parts(observed, iou=config.iou, rule=config.matching_rule),
        progression(dataset, subset, decoded.scores),
        online_detection(decoded, spans, alarms, config.matching_rule),
        segmental_of_decoded(decoded, config.matching_rule),
        diagnose_decoded(decoded, config.iou, config.matching_rule),
        calibration_of_decoded(decoded, config.matching_rule),
        starts_of_decoded(decoded, config.matching_rule),
    )
    return SubsetResult(decoded, metrics, observed, alarms)
