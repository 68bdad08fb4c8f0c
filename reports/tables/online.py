"""How every arm does while it watches: frame by frame, and as an early warning."""

from __future__ import annotations

from collections.abc import Sequence

from crescendo.reports.analysis.alarm_hours import AlarmHours, shown_rate
from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.tables import captions
from crescendo.reports.tables.cells import NONE, hourly, share
from crescendo.reports.tables.table import Cell, Table
from crescendo.trainables.evaluation.calibration import FEWEST
from crescendo.trainables.evaluation.early_warning import read_rate
from crescendo.trainables.evaluation.rate_interval import rate_interval

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
_COST = (
    " Cost: of the first alarm within an activity as its early classification, (1 - accuracy) + alpha x earliness, averaged "
    "over alpha from 0 to 1, in percent; lower is better."
)
_LATENCY = " Latency: the median of what was seen, in seconds since the activity began."
_SHARES = ("detected", "seen_median", "seen_quantile_90", "seen_median_if_detected")


def online(model: ReportModel) -> Table:
    """Return per-frame precision, and early warning at the calibrated rate nearest to one false alarm an hour."""
    arms = [arm for arm in model.arms if arm.frame]
    hours, rates = model.alarm_hours, arms[0].alarms if arms else {}
    rate = shown_rate(hours, rates) or ""
    shown = f"{read_rate(rate):g} false alarm{'' if read_rate(rate) == 1 else 's'} an hour" if rate else "no rate"
    sure = "" if hours is None or not rate or hours.calibrated(rate) else ", not calibrated"
    costly = any("cost" in arm.alarms.get(rate, {}) for arm in arms)
    timed = any("latency_median_if_detected" in arm.alarms.get(rate, {}) for arm in arms)
    heads = (
        *_HEADS,
        *(() if hours is None else ("Poisson 95 %",)),
        *(("Cost",) if costly else ()),
        *(("Latency (s)",) if timed else ()),
    )
    return Table(
        "online",
        f"Online: frame by frame, and early warning at {shown} and label{sure}",
        f"Per-frame average precision of the {model.scored} split, mean over labels, in percent: mAP, and mAP calibrated "
        "for how rare each label is (cAP). Early warning: alarm thresholds are chosen on the validation split so that no "
        f"label has more than {shown} there{_allowed(hours, rate)}; on {model.scored}, the share of activities announced "
        "while they go on and the part of an activity seen by then (median and 90 % quantile over all activities, missed "
        "ones counted as never seen, and median over those announced), in percent, and the false alarms an hour of all "
        f"labels together. Mean over {captions.seeds(model)} and {captions.half(model)}."
        f"{'' if hours is None else _poisson(hours, model.scored)}"
        f"{_COST if costly else ''}{_LATENCY if timed else ''}",
        heads,
        tuple(
            (
                *_row(arm, arms, rate, hours),
                *(_cost(arm, rate) if costly else ()),
                *(_latency(arm, rate) if timed else ()),
            )
            for arm in arms
        ),
    )


def _cost(arm: ArmSummary, rate: str) -> tuple[Cell]:
    measures = arm.alarms.get(rate, {})
    return (share(measures["cost"]) if "cost" in measures else NONE,)


def _latency(arm: ArmSummary, rate: str) -> tuple[Cell]:
    measures = arm.alarms.get(rate, {})
    return (hourly(measures["latency_median"]) if "latency_median" in measures else Cell("not reached"),)


def _allowed(hours: AlarmHours | None, rate: str) -> str:
    """Say how many alarms of a label the validation hours allow, and whether that calibrates a threshold."""
    if hours is None or not rate:
        return ""
    sure = "" if hours.calibrated(rate) else f": fewer than {FEWEST}, so that no rate is calibrated"
    return f" ({hours.validation:.2f} hours of validation allow {hours.allowed(rate)} of a label{sure})"


def _poisson(hours: AlarmHours, scored: str) -> str:
    return (
        f" Poisson: the exact 95 % interval of so many false alarms in the {hours.tested:.2f} hours of {scored} "
        "recordings, as if they came independently."
    )


def _row(arm: ArmSummary, arms: Sequence[ArmSummary], rate: str, hours: AlarmHours | None) -> tuple[Cell, ...]:
    frame = (
        share(arm.frame[key], bold=arm.frame[key].mean == max(other.frame[key].mean for other in arms))
        for key in ("mAP", "cAP")
    )
    measures = arm.alarms.get(rate, {})
    shares = (share(measures[key]) if key in measures else Cell("not reached") for key in _SHARES)
    false_alarms = measures.get("false_alarms_per_hour")
    alarms = [NONE if false_alarms is None else hourly(false_alarms)]
    if hours is not None:
        alarms.append(NONE if false_alarms is None else _interval(false_alarms.mean, hours.tested))
    return (Cell(arm.name), *frame, *shares, *alarms)


def _interval(rate: float, hours: float) -> Cell:
    low, high = rate_interval(rate * hours, hours)
    return Cell(f"{low:.1f} to {high:.1f}")
