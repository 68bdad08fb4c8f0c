"""The names under which results stand in MLflow, and curves as points that its charts draw (docs/tracking.md).

The arguments are what `to_json` of `Evaluation`, `EarlyDetection`, `Progression` and `OnlineDetection` return. A
curve's horizontal axis is MLflow's step, a whole number: percent for IoU thresholds, observed fractions and the course
of an activity, frames for the merge gap, false alarms in ten hours for rates of false alarms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crescendo.trainables.evaluation.early_warning import alarm_measures

Row = tuple[str, int, float]


def detection(split: str, evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Return `{split}/mAP/iou_{threshold}` for every threshold, and `{split}/mAP/mean`."""
    metrics = {f"{split}/mAP/iou_{threshold}": value for threshold, value in evaluation["mAP"].items()}
    return metrics | {f"{split}/mAP/mean": evaluation["mAP_mean"]}


def early(split: str, detected: Mapping[str, Any]) -> dict[str, float]:
    """Return `{split}/early/fraction_{fraction}/iou_{threshold}` for every observed fraction and threshold."""
    return {
        f"{split}/early/fraction_{fraction}/iou_{threshold}": value
        for fraction, thresholds in detected["mAP"].items()
        for threshold, value in thresholds.items()
    }


def violations(split: str, progression: Mapping[str, Any]) -> dict[str, float]:
    """Return `{split}/violations/{score,margin}/{share,depth}`."""
    return {
        f"{split}/violations/{quantity}/{measure}": value
        for quantity, measures in progression["violations"].items()
        for measure, value in measures.items()
    }


def online(split: str, measured: Mapping[str, Any]) -> dict[str, float]:
    """Return `{split}/frame_mAP`, `{split}/frame_cAP`, and for every rate `{split}/online/{measure}/{rate}`.

    A rate reads `1_per_hour`; the measures are those of `alarm_measures`.
    """
    metrics = {f"{split}/{name}": float(measured[name]) for name in ("frame_mAP", "frame_cAP")}
    for rate, found in measured["alarms"].items():
        for name, value in alarm_measures(found).items():
            metrics[f"{split}/online/{name}/{rate.removesuffix('/h')}_per_hour"] = value
    return metrics


def alarm_curves(split: str, measured: Mapping[str, Any]) -> list[Row]:
    """Return the same against the rate that thresholds were chosen for, in false alarms of a label in ten hours."""
    return [
        (f"{split}/curve/online/{name}", round(10 * float(rate.removesuffix("/h"))), value)
        for rate, found in measured["alarms"].items()
        for name, value in alarm_measures(found).items()
    ]


def iou_curve(split: str, evaluation: Mapping[str, Any]) -> list[Row]:
    """Return mAP against the IoU threshold in percent."""
    return [
        (f"{split}/curve/mAP_against_iou", _percent(threshold), value) for threshold, value in evaluation["mAP"].items()
    ]


def fraction_curves(split: str, detected: Mapping[str, Any]) -> list[Row]:
    """Return mAP against the observed fraction in percent, one curve for each IoU threshold."""
    return [
        (f"{split}/curve/mAP_against_observed_fraction/iou_{threshold}", _percent(fraction), value)
        for fraction, thresholds in detected["mAP"].items()
        for threshold, value in thresholds.items()
    ]


def gap_curve(split: str, mean_ap: Mapping[int, float]) -> list[Row]:
    """Return mAP against the merge gap in frames, from merge gap -> mAP."""
    return [(f"{split}/curve/mAP_against_merge_gap", gap, mean_ap[gap]) for gap in sorted(mean_ap)]


def progression_curves(split: str, progression: Mapping[str, Any]) -> list[Row]:
    """Return score, margin and worst negative against the course of an activity in percent."""
    return [
        (f"{split}/curve/progression/{quantity}", round(100 * point / (len(progression[quantity]) - 1)), value)
        for quantity in ("score", "margin", "worst_negative")
        for point, value in enumerate(progression[quantity])
    ]


def _percent(fraction: str) -> int:
    return round(100 * float(fraction))
