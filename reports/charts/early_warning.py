"""The chart of early warning: how much of an activity has been seen when its alarm goes off, against false alarms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, SymmetricalLogLocator

from crescendo.reports.analysis.alarm_hours import AlarmHours
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, ChartValue, LeftOut, Numbers
from crescendo.reports.charts.hover import hover
from crescendo.reports.charts.style import PAGE, PAPER, ArmStyle, legend_above, panels, within
from crescendo.reports.tables import captions
from crescendo.trainables.evaluation.calibration import FEWEST
from crescendo.trainables.evaluation.early_classification import ALPHAS
from crescendo.trainables.evaluation.early_warning import read_rate

_PANELS = {
    "seen_median": "seen at the alarm, median (%)",
    "seen_quantile_90": "seen, 90 % quantile (%)",
    "detected": "activities announced (%)",
    "latency_median": "latency, median (s)",
    "cost": "cost, mean over alpha (%)",
}
_COLUMNS = {
    "false_alarms_per_hour": "false alarms/h",
    "seen_median": "seen, median (%)",
    "seen_quantile_90": "seen, 90 % quantile (%)",
    "detected": "announced (%)",
}

_MOST = {"cost": 1 + sum(ALPHAS) / len(ALPHAS), "latency_median": math.inf}
"""How large a measure can be that may be more than 1."""
_AS_IT_IS = ("false_alarms_per_hour", "latency_median")
"""Measures that are no shares, shown in percent."""
_SEEN = ("seen_median", "seen_quantile_90")
_TOLD = {
    "latency_median": "Latency: the median of what was seen, in seconds since the activity began. ",
    "cost": "Cost: of the first alarm within an activity as its early classification, (1 - accuracy) + alpha x earliness, the "
    "mean over alpha from 0 to 1. ",
}
"""Measures that runs of earlier versions lack, in the order of their panels, and what captions say of them."""

_Alarms = Mapping[str, Mapping[str, Estimate]]
"""Rate that thresholds were chosen for -> measure -> estimate."""


def time_to_detection(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw what has been seen at the alarm, and the share announced, against false alarms."""
    name, title = "time_to_detection", "Early warning: time to detection against false alarms"
    alarms = {arm.name: arm.alarms for arm in model.arms if arm.alarms}
    if not alarms:
        yield LeftOut(name, title, "no confirmed run has online metrics; runs of this version have them")
        return
    rates = ", ".join(f"{read_rate(rate):g}" for rate in next(iter(alarms.values())))
    hours = model.alarm_hours
    added = [one for one in _TOLD if _measured(alarms, one)]
    columns = {**_COLUMNS, **{one: _PANELS[one] for one in added}}
    caption = (
        "A point for each rate of false alarms, an hour and label, that the thresholds keep to on the validation split: "
        f"{rates}. Across: the false alarms that this leads to on "
        f"the {model.scored} split, all labels together. {_seen(model, alarms)}Announced: activities whose alarm goes off while "
        f"they go on. {''.join(_TOLD[one] for one in added)}Mean over {captions.seeds(model)}; shaded: "
        f"{captions.interval(model)}."
        f"{'' if hours is None else _calibration(hours, next(iter(alarms.values())))}"
    )
    rows = tuple(
        (
            arm,
            rate,
            *([] if hours is None else [hours.allowed(rate)]),
            *(_shown(measures.get(measure), measure) for measure in columns),
        )
        for arm, rates_of_arm in alarms.items()
        for rate, measures in rates_of_arm.items()
    )
    allowed = [] if hours is None else ["allowed in validation"]
    numbers = Numbers(("arm", "allowed a label", *allowed, *columns.values()), rows)
    yield Chart(name, title, caption, _draw_panels(alarms, looks, hours), numbers)


def _seen(model: ReportModel, alarms: Mapping[str, _Alarms]) -> str:
    """Say what was seen at the alarm, of the panels that there are."""
    if not any(_measured(alarms, one) for one in _SEEN):
        return "Too many activities are missed at every rate for a panel of what was seen at the alarm. "
    return (
        f"Seen: the part of an activity that has passed when its alarm goes off, over all {model.scored} activities, missed ones "
        "counted as never seen; a rate at which too many are missed for the quantile to be reached by every seed has no point. "
    )


def _measured(alarms: Mapping[str, _Alarms], measure: str) -> bool:
    """Return whether any arm has the measure at any rate."""
    return any(measure in measures for of_arm in alarms.values() for measures in of_arm.values())


def _calibration(hours: AlarmHours, rates: Iterable[str]) -> str:
    """Say how many alarms the validation hours allow at each rate, which rates are not calibrated, and which coincide."""
    every = sorted(rates, key=read_rate)
    by_allowed = {
        count: [read_rate(rate) for rate in same] for count, same in itertools.groupby(every, key=hours.allowed)
    }
    told = ", ".join(str(hours.allowed(rate)) for rate in every)
    unsure = [f"{read_rate(rate):g}" for rate in every if not hours.calibrated(rate)]
    same = [" and ".join(f"{one:g}" for one in ones) for ones in by_allowed.values() if len(ones) > 1]
    return (
        f" The {hours.validation:.2f} hours of validation allow {told} false alarms of a label at these rates"
        + (f"; fewer than {FEWEST} calibrate no threshold (hollow points: {', '.join(unsure)})" if unsure else "")
        + (f"; {', '.join(same)} allow as many, so that their points coincide" if same else "")
        + "."
    )


def _draw_panels(alarms: Mapping[str, _Alarms], looks: Mapping[str, ArmStyle], hours: AlarmHours | None) -> Figure:
    """Draw a point a rate; a quantile that no arm reaches at any rate has no panel."""
    points = [measures for of_arm in alarms.values() for measures in of_arm.values()]
    shown = {measure: title for measure, title in _PANELS.items() if _measured(alarms, measure)}
    rows = 1 if len(shown) < 4 else 2
    figure, grid = panels(rows, -(-len(shown) // rows), PAGE, 0.6 + 2.4 * rows, sharex=True)
    row = [axes for one in grid for axes in one]
    least = min(one["false_alarms_per_hour"].mean for one in points)
    for number, axes in enumerate(row[len(shown) :], len(shown)):
        axes.set_visible(False)
        row[number - len(grid[0])].tick_params(labelbottom=True)
    for axes, (measure, title) in zip(row, shown.items(), strict=False):
        for arm, of_arm in alarms.items():
            _draw(axes, of_arm, measure, looks[arm], arm)
            _tell(axes, of_arm, measure, arm, title)
            if hours is not None:
                _hollow(axes, [one for rate, one in of_arm.items() if not hours.calibrated(rate)], measure, looks[arm])
        _scale(axes, least)
        within(axes, y=(0, _value(_MOST.get(measure, 1.0), measure)))
        axes.set_title(title, loc="left")
    figure.supxlabel("false alarms an hour, all labels together", fontsize="medium")
    legend_above(figure, row[0])
    return figure


def _draw(axes: Axes, alarms: _Alarms, measure: str, look: ArmStyle, arm: str) -> None:
    reached = [one for one in alarms.values() if measure in one]
    x = [one["false_alarms_per_hour"].mean for one in reached]
    y = [_value(one[measure].mean, measure) for one in reached]
    axes.plot(x, y, color=look.colour, linestyle=look.dashes, marker=look.marker, label=arm)
    bounds = [(one[measure].low, one[measure].high) for one in reached]
    if all(low is not None and high is not None for low, high in bounds):
        low, high = np.clip(np.array(bounds, dtype=np.float64).reshape(-1, 2).T, 0, _MOST.get(measure, 1.0))
        axes.fill_between(x, *(_value(one, measure) for one in (low, high)), color=look.colour, alpha=0.12, linewidth=0)


def _tell(axes: Axes, alarms: _Alarms, measure: str, arm: str, title: str) -> None:
    for rate, one in alarms.items():
        if measure in one:
            x, y = one["false_alarms_per_hour"].mean, _value(one[measure].mean, measure)
            told = f"{arm}, thresholds for {read_rate(rate):g}/h\n{y:.1f}  {title}\n{x:.1f}  false alarms an hour"
            hover(axes, told, x=x, y=y)


def _hollow(axes: Axes, unsure: Iterable[Mapping[str, Estimate]], measure: str, look: ArmStyle) -> None:
    """Draw over the points of rates that are not calibrated."""
    points = [
        (one["false_alarms_per_hour"].mean, _value(one[measure].mean, measure)) for one in unsure if measure in one
    ]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, linestyle="none", marker=look.marker, color=look.colour, markerfacecolor=PAPER, zorder=3)


def _scale(axes: Axes, least: float) -> None:
    """Make the horizontal axis logarithmic: all of it, or from 1 on where there are rates below that, even 0."""
    subs = (1.0, 2.0, 5.0)
    if least >= 1:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
    else:
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(left=-0.05)
        axes.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=subs))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _shown(one: Estimate | None, measure: str) -> ChartValue:
    return None if one is None else _value(one.mean, measure)


def _value(one: Any, measure: str) -> Any:
    """Return a number or an array as it is shown: shares in percent."""
    return one if measure in _AS_IT_IS else 100 * one
