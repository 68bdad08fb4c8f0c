"""Why an arm's mAP is what it is: diagnosis, calibration, starts and fragmentation, means over its trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.means import means
from crescendo.reports.analysis.measured import violations
from crescendo.reports.analysis.member import Training
from crescendo.trainables.evaluation.diagnosis import Diagnosis
from crescendo.trainables.evaluation.frame_calibration import FrameCalibration
from crescendo.trainables.evaluation.metric_keys import number_key
from crescendo.trainables.evaluation.start_detection import OFFSETS, offset_key
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics

START_KEYS = tuple(f"p_mAP/{offset_key(offset)}" for offset in OFFSETS)
"""Of p-mAP in `CausesSummary.measures`."""


@dataclass(frozen=True)
class CausesSummary:
    """What tells why an arm differs from another.

    Attributes
    ----------
    iou
        The threshold that detections were diagnosed at.
    measures
        Those of `Diagnosis.measures`; `mAP`, at that threshold; `expected_calibration_error`, `negative_log_likelihood`;
        `START_KEYS`; those of `Fragmentation.measures`; those of `measured.violations` under `violations/`. What no training
        has is absent.
    gain
        The same minus the baseline's, paired by training; empty for the baseline.
    bins
        `length`, `place` -> bin -> `OutcomeCounts.rates`.
    reliability
        (bins, 3) float64: the number of frames of all trainings together, their mean confidence and their accuracy.
    """

    iou: str
    measures: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]
    bins: Mapping[str, Mapping[str, Mapping[str, Estimate]]]
    reliability: np.ndarray


def causes_summary(
    ours: Mapping[Training, SubsetMetrics], theirs: Mapping[Training, SubsetMetrics]
) -> CausesSummary | None:
    """Return what came of the runs `ours`, and how it differs from `theirs`; None if none of ours was diagnosed."""
    found = {key: one.diagnosis for key, one in ours.items() if one.diagnosis is not None}
    if not found:
        return None
    rows = {key: _measures(ours[key]) for key in found}
    pairs = {key: (row, _measures(theirs[key])) for key, row in rows.items() if key in theirs}
    gain = {key: {name: row[name] - its[name] for name in row if name in its} for key, (row, its) in pairs.items()}
    calibrations = [ours[key].calibration for key in found]
    return CausesSummary(
        number_key(next(iter(found.values())).iou),
        means(rows),
        means(gain),
        _bins(found),
        _reliability([one for one in calibrations if one is not None]),
    )


def _measures(metrics: SubsetMetrics) -> dict[str, float]:
    measures: dict[str, float] = {}
    if metrics.diagnosis is not None:
        measures |= {"mAP": metrics.diagnosis.mean_ap, **metrics.diagnosis.measures()}
    if metrics.calibration is not None:
        for name in ("expected_calibration_error", "negative_log_likelihood"):
            measures[name] = getattr(metrics.calibration, name)
    if metrics.starts is not None:
        measures |= dict(zip(START_KEYS, metrics.starts.mean_ap.tolist(), strict=True))
    if metrics.segmental is not None and metrics.segmental.fragmentation is not None:
        measures |= metrics.segmental.fragmentation.measures()
    return measures | {f"violations/{name}": value for name, value in violations(metrics).items()}


def _bins(found: Mapping[Training, Diagnosis]) -> dict[str, dict[str, dict[str, Estimate]]]:
    return {
        by: {
            name: means({key: one.bins[by].counts[name].rates() for key, one in found.items()}) for name in bins.counts
        }
        for by, bins in next(iter(found.values())).bins.items()
    }


def _reliability(found: list[FrameCalibration]) -> np.ndarray:
    if not found:
        return np.zeros((0, 3))
    frames = np.sum([one.frames for one in found], axis=0)
    confidence, accuracy = (
        np.sum([one.frames * getattr(one, name) for one in found], axis=0) / np.maximum(frames, 1)
        for name in ("confidence", "accuracy")
    )
    table: np.ndarray = np.stack([frames, confidence, accuracy], axis=1)
    return table
