"""How numbers are written: mAP in percent with one decimal, differences in points with their sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crescendo.reports.analysis.estimates import Difference, Estimate
from crescendo.trainables.data.groups import GROUPS
from crescendo.trainables.evaluation.metric_keys import MetricKey
from crescendo.trainables.plurals import counted


def points(value: float) -> str:
    """Return a fraction of 1 in percent: 0.526 -> `52.6`."""
    shown = f"{100 * value:.1f}"
    return "0.0" if shown == "-0.0" else shown


def signed(value: float) -> str:
    """Return a difference in points with its sign: 0.021 -> `+2.1`."""
    shown = f"{100 * value:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown


def p_text(p: float) -> str:
    """Return a p value: three decimals, `<0.001` below that."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def plain(value: Any) -> str:
    """Return a setting's value: three significant digits of what is no whole number."""
    if isinstance(value, float):
        return f"{value:g}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"
    return str(value)


def listed(values: Iterable[Any]) -> str:
    """Return values of settings, separated by commas."""
    return ", ".join(plain(value) for value in values)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings with their values: `dropout 0.2, merge_gap 20`."""
    return ", ".join(f"{key} {plain(value)}" for key, value in settings.items())


def short(key: str) -> str:
    """Return an IoU threshold without trailing zeros: `0.50` -> `0.5`."""
    return f"{float(key):g}" if key else ""


def percent(fraction: str) -> str:
    """Return an observed fraction in percent: `0.30` -> `30 %`."""
    return f"{100 * float(fraction):g} %" if fraction else ""


def recordings_text(recordings: int, groups: int, groups_are: str) -> str:
    """Return how many recordings, and of how many groups where those are told apart: `59 recordings of 6 people`."""
    alone = groups == recordings and groups_are == GROUPS
    of = "" if alone else f" of {groups} {groups_are if groups != 1 else 'group'}"
    return f"{counted(recordings, 'recording')}{of}"


def resampled_text(recordings: int, groups: int, groups_are: str) -> str:
    """Return what a bootstrap draws, in the plural: recordings, or whole groups of them."""
    return "recordings" if groups == recordings else groups_are


def untold_text(groups: int, groups_are: str) -> str:
    """Return what nobody knows of a study in which every fold tests a single group: how much these vary within one."""
    return (
        f"each fold tests one of the {groups} {groups_are}, so what these vary is not told from what seeds and searches do: it "
        f"may take more {groups_are}, too"
    )


def margin_text(margin: float) -> str:
    """Return a margin, a fraction of 1, in points: `1 point`, `0.5 points`."""
    shown = plain(round(100 * margin, 6))
    return f"{shown} point{'' if shown == '1' else 's'}"


def hours_text(hours: float) -> str:
    """Return a time as a reader grasps it: `48 seconds`, `26 minutes`, `3.4 hours`."""
    if hours >= 1.95:
        return f"{hours:,.0f} hours" if hours >= 100 else f"{hours:.1f} hours"
    seconds = round(3600 * hours)
    return counted(round(seconds / 60), "minute") if seconds >= 90 else counted(seconds, "second")


def measure_name(measure: str) -> str:
    """Return how a measure is called in a sentence: `mAP/iou_0.50` -> `mAP at IoU 0.5`, `mAP/mean` -> `mean mAP`."""
    iou = MetricKey.read(measure).iou
    return "mean mAP" if iou is None else f"mAP at IoU {iou:g}"


def says_nothing(low: float, high: float, *, sign: bool = False) -> bool:
    """Tell whether an interval holds all that a share, or with `sign` a difference of two, can be."""
    return low <= (-1.0 if sign else 0.0) and high >= 1.0


def estimate_text(estimate: Estimate, *, sign: bool = False) -> str:
    """Return a share in percent, with half the width of its interval, `?` if it says nothing; `sign`: a difference, in points."""
    shown = signed(estimate.mean) if sign else points(estimate.mean)
    if estimate.low is None or estimate.high is None:
        return shown
    if says_nothing(estimate.low, estimate.high, sign=sign):
        return f"{shown} ± ?"
    return f"{shown} ± {points((estimate.high - estimate.low) / 2)}"


def hourly_text(estimate: Estimate) -> str:
    """Return a number an hour, with half the width of its interval, `?` if it says nothing."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.1f}"
    return f"{estimate.mean:.1f} ± {half_text(estimate.mean, (estimate.high - estimate.low) / 2, 1)}"


def half_text(mean: float, half: float, decimals: int, *, negative: bool = False) -> str:
    """Return half the width of an interval around `mean`, `?` if it says nothing.

    It does where it is more than the mean of what cannot be negative; with `negative` it can.
    """
    return "?" if half > mean and not negative else f"{half:.{decimals}f}"


def difference_text(difference: Difference) -> str:
    """Return a difference in points with its interval, `?` if it says nothing; starred where it answers the study's question."""
    star = "*" if difference.holds else ""
    if says_nothing(difference.low, difference.high, sign=True):
        return f"{signed(difference.value)}{star} [?]"
    return f"{signed(difference.value)}{star} [{signed(difference.low)}, {signed(difference.high)}]"


def range_text(low: float, high: float) -> str:
    """Return the interval of a share in percent, cut to what a share can be; of one that says nothing, that."""
    if says_nothing(low, high):
        return "0 to 100, which says nothing"
    return f"{100 * max(low, 0.0):.1f} to {100 * min(high, 1.0):.1f}"
