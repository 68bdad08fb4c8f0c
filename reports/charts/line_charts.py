"""Charts of mAP against something: IoU, observed fraction, merge gap, lambda_r, trials. Everything in percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crescendo.reports.charts.chart import Numbers
from crescendo.reports.charts.style import COLUMN, PAGE, Look, legend_above, panels


@dataclass(frozen=True)
class Curve:
    """One arm's line: `y` (fractions of 1) at `x`, with the ends of its interval where it has one."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


@dataclass(frozen=True)
class Point:
    """One trial: what was proposed, what came out (a fraction of 1), and whether it is its arm's best."""

    arm: str
    number: int
    x: float
    y: float
    best: bool = False


def curves(
    found: Mapping[str, Curve], looks: Mapping[str, Look], x_label: str, y_label: str, *, x_percent: bool = False
) -> tuple[Figure, Numbers]:
    """Draw one panel of arm -> curve."""
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    _draw(axes, found, looks, x_percent=x_percent)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    legend_above(figure, axes)
    return figure, _numbers({"": found}, x_label, x_percent=x_percent)


def curve_panels(
    found: Mapping[str, Mapping[str, Curve]],
    looks: Mapping[str, Look],
    x_label: str,
    y_label: str,
    *,
    x_percent: bool = False,
) -> tuple[Figure, Numbers]:
    """Draw panel title -> arm -> curve, side by side on one scale."""
    figure, [row] = panels(1, len(found), PAGE, 3.1, sharex=True, sharey=True)
    for axes, (title, part) in zip(row, found.items(), strict=True):
        _draw(axes, part, looks, x_percent=x_percent)
        axes.set_title(title, loc="left")
        axes.set_xlabel(x_label)
    row[0].set_ylabel(y_label)
    legend_above(figure, row[0])
    return figure, _numbers(found, x_label, x_percent=x_percent)


def gap_curves(
    found: Mapping[str, Curve], chosen: Mapping[str, int], looks: Mapping[str, Look], y_label: str
) -> tuple[Figure, Numbers]:
    """Draw mAP against the merge gap, with a large marker at the gap that was chosen."""
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    for arm, curve in found.items():
        look = looks[arm]
        values = 100 * np.asarray(curve.y)
        axes.plot(curve.x, values, color=look.colour, linestyle=look.dashes, label=arm, drawstyle="steps-post")
        if chosen.get(arm) in curve.x:
            at = list(curve.x).index(chosen[arm])
            axes.plot(chosen[arm], values[at], color=look.colour, marker=look.marker, markersize=8, zorder=5)
    axes.set_xlabel("merge gap (frames)")
    axes.set_ylabel(y_label)
    legend_above(figure, axes)
    return figure, _numbers({"": found}, "merge gap", x_percent=False)


def weights(found: Sequence[Point], looks: Mapping[str, Look], y_label: str) -> tuple[Figure, Numbers]:
    """Draw every trial's mAP against its lambda_r, on a logarithmic axis; each arm's best has a ring."""
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    for arm in dict.fromkeys(point.arm for point in found):
        own = [point for point in found if point.arm == arm]
        look = looks[arm]
        axes.plot([one.x for one in own], [100 * one.y for one in own], look.marker, color=look.colour, label=arm)
        best = [one for one in own if one.best]
        axes.plot(
            [one.x for one in best],
            [100 * one.y for one in best],
            "o",
            markersize=11,
            markerfacecolor="none",
            color=look.colour,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("lambda_r, weight of the ranking loss")
    axes.set_ylabel(y_label)
    legend_above(figure, axes)
    rows = tuple((one.arm, one.number + 1, one.x, 100 * one.y) for one in found)
    return figure, Numbers(("arm", "trial", "lambda_r", "mAP (%)"), rows, ("", "", ".3g", ".1f"))


def history(found: Sequence[Point], looks: Mapping[str, Look], y_label: str) -> tuple[Figure, Numbers]:
    """Draw every trial's mAP, and the best so far of its arm, in the order in which trials were proposed."""
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    rows = []
    for arm in dict.fromkeys(point.arm for point in found):
        own = sorted((point for point in found if point.arm == arm), key=lambda point: point.number)
        look = looks[arm]
        numbers, values = [one.number + 1 for one in own], 100 * np.array([one.y for one in own])
        best = np.maximum.accumulate(values)
        axes.plot(numbers, values, look.marker, color=look.colour, alpha=0.45, markersize=4)
        axes.plot(numbers, best, color=look.colour, linestyle=look.dashes, drawstyle="steps-post")
        # The legend shows marker and line together.
        axes.plot([], [], color=look.colour, linestyle=look.dashes, marker=look.marker, label=arm)
        rows += [
            (arm, one.number + 1, float(value), float(top)) for one, value, top in zip(own, values, best, strict=True)
        ]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial of the arm")
    axes.set_ylabel(y_label)
    legend_above(figure, axes)
    return figure, Numbers(("arm", "trial", "mAP (%)", "best so far (%)"), tuple(rows))


def _draw(axes: Axes, found: Mapping[str, Curve], looks: Mapping[str, Look], *, x_percent: bool) -> None:
    for arm, curve in found.items():
        look = looks[arm]
        x, y = np.asarray(curve.x) * (100 if x_percent else 1), 100 * np.asarray(curve.y)
        options: dict[str, Any] = {"color": look.colour, "linestyle": look.dashes, "marker": look.marker, "label": arm}
        axes.plot(x, y, **options)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(
                x, 100 * np.asarray(curve.low), 100 * np.asarray(curve.high), color=look.colour, alpha=0.12, linewidth=0
            )


def _numbers(found: Mapping[str, Mapping[str, Curve]], x_label: str, *, x_percent: bool) -> Numbers:
    """Return one row for each place on the horizontal axis, and one column for each panel and arm."""
    lines = {
        (f"{title}: {arm}" if title else arm): dict(zip(curve.x, curve.y, strict=True))
        for title, part in found.items()
        for arm, curve in part.items()
    }
    places = sorted({x for line in lines.values() for x in line})
    rows = tuple(
        (
            round(100 * x, 6) if x_percent else x,
            *(None if x not in line else 100 * line[x] for line in lines.values()),
        )
        for x in places
    )
    return Numbers((x_label, *lines), rows, (".4g", ".1f"))
