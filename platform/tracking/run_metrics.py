"""The numbers of a run as MLflow keeps them, and curves as points that its charts draw (docs/tracking.md).

A curve's horizontal axis is MLflow's step, a whole number: percent for IoU thresholds, observed fractions, the course
of an activity and confidence (the middle of a bin), frames for the merge gap, false alarms in ten hours for rates of false
alarms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from crescendo.trainables.evaluation.early import EarlyDetection
from crescendo.trainables.evaluation.early_warning import read_rate
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.metric_keys import (
    CHOSEN_MERGE_GAP,
    CLIPPED_SHARE,
    GAP_CURVE,
    MEAN_AP,
    OBJECTIVE,
    SECONDS,
    MetricKey,
)
from crescendo.trainables.evaluation.online import OnlineDetection
from crescendo.trainables.evaluation.progression import Progression
from crescendo.trainables.evaluation.segmental import OVERLAPS, SegmentalMetrics
from crescendo.trainables.evaluation.start_detection import OFFSETS
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.training.validation_report import ValidationReport

Numbers = Iterator[tuple[MetricKey, float]]
Points = Iterator[tuple[MetricKey, int, float]]


def result_numbers(report: ValidationReport) -> dict[str, float]:
    """Return name -> value of all that was measured when `report` was made."""
    numbers = {str(MetricKey(name, "training")): value for name, value in report.losses.items()}
    if report.frames_per_second:
        numbers[str(MetricKey("frames_per_second", "training"))] = report.frames_per_second
    if report.clipped_share is not None:
        numbers[str(CLIPPED_SHARE)] = report.clipped_share
    for split, metrics in report.results.items():
        numbers |= {str(key.on(split)): value for key, value in subset_numbers(metrics)}
    return numbers


def progress_numbers(report: ValidationReport) -> dict[str, float]:
    """Return name -> value of how far the trial has come: its objective, the merge gap chosen for it, its seconds."""
    numbers = {OBJECTIVE: report.objective, SECONDS: report.seconds}
    if "merge_gap" in report.chosen:
        numbers[CHOSEN_MERGE_GAP] = report.chosen["merge_gap"]
    return {str(key): value for key, value in numbers.items()}


def curves(report: ValidationReport) -> list[tuple[str, int, float]]:
    """Return (name, step, value) of every point of the curves of a last report."""
    points = [
        (str(key.on(split)), step, value)
        for split, metrics in report.results.items()
        for key, step, value in subset_curves(metrics)
    ]
    gaps = {gap: value for reset, gap, value in report.tried if reset == report.chosen.get("reset")}
    if len(gaps) > 1:
        points += [(str(GAP_CURVE), gap, gaps[gap]) for gap in sorted(gaps)]
    return points


def subset_numbers(metrics: SubsetMetrics) -> Numbers:
    """Yield the figures of one subset; which one it is, the keys leave open."""
    evaluation = metrics.evaluation
    for threshold, value in _mean_ap(evaluation):
        yield MetricKey("mAP", iou=threshold), value
    yield MEAN_AP, evaluation.mean
    if metrics.early is not None:
        for fraction, threshold, value in _early(metrics.early):
            yield MetricKey("early", fraction=fraction, iou=threshold), value
    if metrics.progression is not None:
        for quantity, violation in metrics.progression.violations.items():
            yield MetricKey(f"violations/{quantity}/share"), violation.share
            yield MetricKey(f"violations/{quantity}/depth"), violation.depth
    if metrics.online is not None:
        yield MetricKey("frame_mAP"), metrics.online.frame.mean_ap
        yield MetricKey("frame_cAP"), metrics.online.frame.mean_cap
        for rate, measure, value in _alarms(metrics.online):
            yield MetricKey(f"online/{measure}", rate=rate), value
    if metrics.segmental is not None:
        yield from _segmental(metrics.segmental)
    yield from _causes(metrics)


def subset_curves(metrics: SubsetMetrics) -> Points:
    """Yield the points of one subset's curves; which one it is, the keys leave open."""
    for threshold, value in _mean_ap(metrics.evaluation):
        yield MetricKey("curve/mAP_against_iou"), _percent(threshold), value
    if metrics.early is not None:
        for fraction, threshold, value in _early(metrics.early):
            yield MetricKey("curve/mAP_against_observed_fraction", iou=threshold), _percent(fraction), value
    if metrics.progression is not None:
        for quantity, curve in _progression(metrics.progression).items():
            for point, value in enumerate(curve):
                yield MetricKey(f"curve/progression/{quantity}"), round(100 * point / (len(curve) - 1)), value
    if metrics.online is not None:
        for rate, measure, value in _alarms(metrics.online):
            yield MetricKey(f"curve/online/{measure}"), round(10 * rate), value
    if metrics.calibration is not None:
        accuracy = metrics.calibration.accuracy
        for number in np.flatnonzero(metrics.calibration.frames).tolist():
            yield MetricKey("curve/reliability"), _percent((number + 0.5) / len(accuracy)), float(accuracy[number])


def _mean_ap(evaluation: Evaluation) -> Iterator[tuple[float, float]]:
    """Yield (IoU threshold, mAP)."""
    yield from zip(evaluation.iou, evaluation.mean_ap.tolist(), strict=True)


def _early(early: EarlyDetection) -> Iterator[tuple[float, float, float]]:
    """Yield (observed fraction, IoU threshold, mAP)."""
    for fraction, evaluation in zip(early.fractions, early.evaluations, strict=True):
        for threshold, value in _mean_ap(evaluation):
            yield fraction, threshold, value


def _alarms(online: OnlineDetection) -> Iterator[tuple[float, str, float]]:
    """Yield (rate of false alarms, measure of early warning, value)."""
    for rate, warning in online.warnings.items():
        for measure, value in warning.measures().items():
            yield read_rate(rate), measure, value


def _segmental(segmental: SegmentalMetrics) -> Numbers:
    yield MetricKey("segmental/accuracy"), segmental.accuracy
    for measure, scores in (("segmental", segmental.scores), ("segmental/with_background", segmental.with_background)):
        yield MetricKey(f"{measure}/edit"), scores.edit
        for overlap, value in zip(OVERLAPS, scores.f1, strict=True):
            yield MetricKey(f"{measure}/F1", iou=overlap), value
    if segmental.fragmentation is not None:
        for measure, value in segmental.fragmentation.measures().items():
            yield MetricKey(f"segmental/{measure}"), value


def _causes(metrics: SubsetMetrics) -> Numbers:
    """Yield what tells why figures differ: diagnosis, calibration, starts."""
    if metrics.diagnosis is not None:
        for measure, value in metrics.diagnosis.measures().items():
            yield MetricKey(f"diagnosis/{measure}", iou=metrics.diagnosis.iou), value
        for by, bins in metrics.diagnosis.bins.items():
            for name, measures in bins.measures().items():
                for measure, value in measures.items():
                    yield MetricKey(f"diagnosis/by_{by}/{name}/{measure}", iou=metrics.diagnosis.iou), value
    if metrics.calibration is not None:
        for measure, value in metrics.calibration.measures().items():
            yield MetricKey(f"calibration/{measure}"), value
    if metrics.starts is not None:
        for offset, value in zip(OFFSETS, metrics.starts.mean_ap.tolist(), strict=True):
            yield MetricKey("starts/p_mAP", offset=offset), value


def _progression(progression: Progression) -> Mapping[str, list[float]]:
    return {name: curve.tolist() for name, curve in progression.curves.items()}


def _percent(fraction: float) -> int:
    return round(100 * fraction)
