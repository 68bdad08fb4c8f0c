"""How every arm does while it watches: frame by frame, and as an early warning."""

from __future__ import annotations

from collections.abc import Sequence

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.tables import captions
from crescendo.reports.tables.cells import NONE, hourly, share
from crescendo.reports.tables.table import Cell, Table
from crescendo.trainables.evaluation.early_warning import read_rate

_HEADS = (
    "Arm",
    "Frame mAP",
    "Frame cAP",
    "Announced",
    "Seen, median",
    "Seen, 90 %",
    "Seen if announced",
    "False alarms/h",
)
_SHARES = ("detected", "seen_median", "seen_quantile_90", "seen_median_if_detected")


def online(model: ReportModel) -> Table:
    """Return per-frame precision, and early warning at the rate nearest to one false alarm an hour."""
    arms = [arm for arm in model.arms if arm.frame]
    rate = min(arms[0].alarms, key=lambda key: abs(read_rate(key) - 1)) if arms else ""
    shown = f"{read_rate(rate):g}" if rate else ""
    return Table(
        "online",
        f"Online: frame by frame, and early warning at {shown} false alarm an hour and label",
        "Per-frame average precision of the test split, mean over labels, in percent: mAP, and mAP calibrated for how rare "
        "each label is (cAP). Early warning: alarm thresholds are chosen on the validation split so that no label has more "
        f"than {shown} false alarm an hour there; on test, the share of activities announced while they go "
        "on and the part of an activity seen by then (median and 90 % quantile over all activities, missed ones counted as "
        "never seen, and median over those announced), in percent, and the false alarms an hour of all labels together. Mean "
        f"over {captions.seeds(model)} and half the width of its 95 % interval (Student's t), over seeds alone.",
        _HEADS,
        tuple(_row(arm, arms, rate) for arm in arms),
    )


def _row(arm: ArmSummary, arms: Sequence[ArmSummary], rate: str) -> tuple[Cell, ...]:
    frame = (
        share(arm.frame[key], bold=arm.frame[key].mean == max(other.frame[key].mean for other in arms))
        for key in ("mAP", "cAP")
    )
    measures = arm.alarms.get(rate, {})
    shares = (share(measures[key]) if key in measures else Cell("not reached") for key in _SHARES)
    false_alarms = measures.get("false_alarms_per_hour")
    return (Cell(arm.name), *frame, *shares, NONE if false_alarms is None else hourly(false_alarms))
