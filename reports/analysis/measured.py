"""The figures of one run under the keys of a report: IoU thresholds, observed fractions and rates as text."""

from __future__ import annotations

from collections.abc import Mapping

from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.metric_keys import number_key
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics


def iou_keys(metrics: SubsetMetrics) -> tuple[str, ...]:
    """Return the IoU thresholds that were measured."""
    return tuple(map(number_key, metrics.evaluation.iou))


def early_evaluations(metrics: SubsetMetrics) -> Mapping[str, Evaluation]:
    """Return observed fraction -> evaluation of early detection."""
    early = metrics.early
    return {} if early is None else dict(zip(map(number_key, early.fractions), early.evaluations, strict=True))


def mean_ap(evaluation: Evaluation) -> dict[str, float]:
    """Return IoU threshold -> mAP."""
    return dict(zip(map(number_key, evaluation.iou), evaluation.mean_ap.tolist(), strict=True))


def label_ap(evaluation: Evaluation, iou: str) -> dict[str, float]:
    """Return label -> AP at one IoU threshold."""
    column = list(map(number_key, evaluation.iou)).index(iou)
    return dict(zip(evaluation.labels, evaluation.ap[:, column].tolist(), strict=True))


def violations(metrics: SubsetMetrics) -> dict[str, float]:
    """Return the `share`, the `depth` and the `shortfall` of `score/` and `margin/`.

    The shortfall is how far, on the mean over all frames of `Violation.share`, the quantity lies below its maximum so far.
    """
    progression = metrics.progression
    if progression is None:
        return {}
    found: dict[str, float] = {}
    for quantity, one in progression.violations.items():
        measures = {"share": one.share, "depth": one.depth, "shortfall": one.share * one.depth}
        found |= {f"{quantity}/{measure}": value for measure, value in measures.items()}
    return found
