"""The chart of early warning: how much of an activity has been seen when its alarm goes off, against false alarms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, SymmetricalLogLocator

from crescendo.reports.analysis.report_model import Estimate
from crescendo.reports.charts.chart import Cell, Numbers
from crescendo.reports.charts.style import PAGE, Look, legend_above, panels

_PANELS = {
    "seen_median": "seen at the alarm, median (%)",
    "seen_quantile_90": "seen, 90 % quantile (%)",
    "detected": "activities announced (%)",
}
_COLUMNS = {
    "false_alarms_per_hour": "false alarms/h",
    "seen_median": "seen, median (%)",
    "seen_quantile_90": "seen, 90 % quantile (%)",
    "detected": "announced (%)",
}

Alarms = Mapping[str, Mapping[str, Estimate]]
"""Rate that thresholds were chosen for -> measure -> estimate."""


def time_to_detection(found: Mapping[str, Alarms], looks: Mapping[str, Look]) -> tuple[Figure, Numbers]:
    """Draw arm -> alarms, a point a rate: what has been seen, and share announced, against false alarms on test.

    A quantile that no arm reaches at any rate has no panel.
    """
    points = [measures for alarms in found.values() for measures in alarms.values()]
    shown = {measure: title for measure, title in _PANELS.items() if any(measure in one for one in points)}
    figure, [row] = panels(1, len(shown), PAGE, 3.0, sharex=True)
    least = min(one["false_alarms_per_hour"].mean for one in points)
    for axes, (measure, title) in zip(row, shown.items(), strict=True):
        for arm, alarms in found.items():
            _draw(axes, alarms, measure, looks[arm], arm)
        _scale(axes, least)
        axes.set_title(title, loc="left")
    figure.supxlabel("false alarms an hour, all labels together", fontsize="medium")
    legend_above(figure, row[0])
    rows = tuple(
        (arm, rate, *(_shown(measures.get(name), name) for name in _COLUMNS))
        for arm, alarms in found.items()
        for rate, measures in alarms.items()
    )
    return figure, Numbers(("arm", "allowed a label", *_COLUMNS.values()), rows)


def _draw(axes: Axes, alarms: Alarms, measure: str, look: Look, arm: str) -> None:
    reached = [one for one in alarms.values() if measure in one]
    x = [one["false_alarms_per_hour"].mean for one in reached]
    y = [100 * one[measure].mean for one in reached]
    axes.plot(x, y, color=look.colour, linestyle=look.dashes, marker=look.marker, label=arm)
    bounds = [(one[measure].low, one[measure].high) for one in reached]
    if all(low is not None and high is not None for low, high in bounds):
        low, high = np.clip(np.array(bounds, dtype=np.float64).reshape(-1, 2).T, 0, 1)
        axes.fill_between(x, 100 * low, 100 * high, color=look.colour, alpha=0.12, linewidth=0)


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


def _shown(one: Estimate | None, name: str) -> Cell:
    if one is None:
        return None
    return one.mean if name == "false_alarms_per_hour" else 100 * one.mean
