"""Why an arm's mAP is what it is: diagnosis, calibration, starts and fragmentation, means over its trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from crescendo.reports.analysis.alarm_hours import AlarmHours, shown_rate
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

LATENCY = "latency_median"
"""Of early warning there: seconds into an activity until its alarm, the median over all activities."""

BinMeans = Mapping[str, Mapping[str, Mapping[str, Estimate]]]
"""`length`, `place` -> bin -> measure -> its mean."""


@dataclass(frozen=True)
class CausesSummary:
    """What tells why an arm differs from another.

    Attributes
    ----------
    iou
        The threshold that detections were diagnosed at.
    measures
        Those of `Diagnosis.measures`; `mAP`, at that threshold; `expected_calibration_error`, `negative_log_likelihood`;
        `START_KEYS`; `LATENCY`; those of `Fragmentation.measures`; those of `measured.violations` under `violations/`. What no
        training has is absent.
    gain
        The same minus the baseline's, paired by training; empty for the baseline.
    bins
        `length`, `place` -> bin -> `Bins.measures`.
    reliability
        (bins, 3) float64: the number of frames of all trainings together, their mean confidence and their accuracy.
    bins_gain
        `bins` minus the baseline's, paired by training; empty for the baseline.
    """

    iou: str
    measures: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]
    bins: BinMeans
    reliability: np.ndarray
    bins_gain: BinMeans = field(default_factory=dict)


def causes_summary(
    ours: Mapping[Training, SubsetMetrics], theirs: Mapping[Training, SubsetMetrics], hours: AlarmHours | None = None
) -> CausesSummary | None:
    """Return what came of the runs `ours`, and how it differs from `theirs`; None if none of ours was diagnosed.

    `hours` tell the rate of false alarms at which latency is taken (`shown_rate`).
    """
    found = {key: one.diagnosis for key, one in ours.items() if one.diagnosis is not None}
    if not found:
        return None
    both = {key: theirs[key] for key in found if key in theirs}
    mine, its = _rows({key: ours[key] for key in both}, hours), _rows(both, hours)
    bins = {key: _binned(one) for key, one in found.items()}
    compared = {key: _binned(one.diagnosis) for key, one in both.items() if one.diagnosis is not None}
    calibrations = [ours[key].calibration for key in found]
    return CausesSummary(
        number_key(next(iter(found.values())).iou),
        means(_rows({key: ours[key] for key in found}, hours)),
        means({key: _less(mine[key], its[key]) for key in both}),
        _by_bin(bins),
        _reliability([one for one in calibrations if one is not None]),
        _by_bin({key: {place: _less(bins[key][place], one[place]) for place in one} for key, one in compared.items()}),
    )


def _rows(metrics: Mapping[Training, SubsetMetrics], hours: AlarmHours | None) -> dict[Training, dict[str, float]]:
    """Return the measures of each training; without `LATENCY` if a training announced too few activities to have one."""
    rows = {key: _measures(one, hours) for key, one in metrics.items()}
    if not all(LATENCY in row for row in rows.values()):
        rows = {key: {name: value for name, value in row.items() if name != LATENCY} for key, row in rows.items()}
    return rows


def _less(ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
    return {name: value - theirs[name] for name, value in ours.items() if name in theirs}


def _measures(metrics: SubsetMetrics, hours: AlarmHours | None) -> dict[str, float]:
    measures: dict[str, float] = {}
    if metrics.diagnosis is not None:
        measures |= {"mAP": metrics.diagnosis.mean_ap, **metrics.diagnosis.measures()}
    if metrics.calibration is not None:
        measures |= metrics.calibration.measures()
    if metrics.starts is not None:
        measures |= dict(zip(START_KEYS, metrics.starts.mean_ap.tolist(), strict=True))
    rate = None if metrics.online is None else shown_rate(hours, metrics.online.warnings)
    if metrics.online is not None and rate is not None:
        warned = metrics.online.warnings[rate].measures()
        measures |= {LATENCY: warned[LATENCY]} if LATENCY in warned else {}
    if metrics.segmental is not None and metrics.segmental.fragmentation is not None:
        measures |= metrics.segmental.fragmentation.measures()
    return measures | {f"violations/{name}": value for name, value in violations(metrics).items()}


def _binned(diagnosis: Diagnosis) -> dict[tuple[str, str], dict[str, float]]:
    """Return (`length` or `place`, bin) -> its measures."""
    return {(by, name): row for by, bins in diagnosis.bins.items() for name, row in bins.measures().items()}


def _by_bin(
    rows: Mapping[Training, Mapping[tuple[str, str], Mapping[str, float]]],
) -> dict[str, dict[str, dict[str, Estimate]]]:
    found: dict[str, dict[str, dict[str, Estimate]]] = {}
    for by, name in next(iter(rows.values()), {}):
        found.setdefault(by, {})[name] = means({key: row[by, name] for key, row in rows.items()})
    return found


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
