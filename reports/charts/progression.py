"""How scores move while an activity goes on: the paper's figures 10 and 11. Everything in percent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from crescendo.reports.analysis.arm_summary import ProgressionCurves, ProgressionSnapshot
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, LeftOut, Numbers
from crescendo.reports.charts.hover import hover_along
from crescendo.reports.charts.style import (
    MARKERS,
    PAGE,
    PERCENT,
    POINTS,
    STEPS,
    ArmStyle,
    Bounds,
    legend_above,
    panels,
    within,
)
from crescendo.reports.tables import captions

QUANTITIES = {
    "score": "score of the true label (%)",
    "worst_negative": "score of the worst negative (%)",
    "margin": "margin (points)",
}
_WHILE_TRAINING = ("score", "margin")
SNAPSHOTS = len(STEPS)


def progression(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw the curves of every arm on the test split."""
    name, title = "progression", "Scores along an activity, per arm"
    curves = {arm.name: arm.progression for arm in model.arms if arm.progression is not None}
    if not curves:
        yield LeftOut(name, title, "no confirmed run has progression curves")
        return
    figure, numbers = _by_arm(curves, looks)
    caption = (
        f"The paper's Figure 11. Every {model.scored} segment from its first frame to its last: the score of its label, the "
        "highest score of another label (background included), and their difference; resampled to 20 points, averaged over "
        f"segments, and over {captions.seeds(model)}."
    )
    yield Chart(name, title, caption, figure, numbers)


def progression_while_training(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw the curves of every arm on the validation split, at several iterations."""
    name, title = "progression_while_training", "Scores along an activity, while training"
    kept = {arm.name: spread(arm.snapshots) for arm in model.arms if arm.snapshots}
    if not kept:
        yield LeftOut(name, title, "the confirmed runs kept no snapshots.json; runs of this version keep one")
        return
    figure, numbers = _over_training(kept)
    caption = (
        "The paper's Figure 10. The same curves over the validation segments, at the reports of the confirmed runs "
        f"(at most {SNAPSHOTS}); the stronger, the later; mean over {captions.seeds(model)}."
    )
    yield Chart(name, title, caption, figure, numbers)


def spread(snapshots: Sequence[ProgressionSnapshot], limit: int = SNAPSHOTS) -> list[ProgressionSnapshot]:
    """Return at most `limit` snapshots spread evenly, the first and the last among them."""
    if len(snapshots) <= limit:
        return list(snapshots)
    return [snapshots[round(place)] for place in np.linspace(0, len(snapshots) - 1, limit)]


def _by_arm(curves: Mapping[str, ProgressionCurves], looks: Mapping[str, ArmStyle]) -> tuple[Figure, Numbers]:
    """Draw arm -> curves, a panel for each quantity."""
    figure, [row] = panels(1, len(QUANTITIES), PAGE, 3.1, sharex=True)
    for axes, (quantity, title) in zip(row, QUANTITIES.items(), strict=True):
        for arm, of_arm in curves.items():
            look, values = looks[arm], _percent(of_arm, quantity)
            options: dict[str, Any] = {
                "color": look.colour,
                "linestyle": look.dashes,
                "marker": look.marker,
                "markevery": 4,
            }
            axes.plot(_course(values), values, label=arm, **options)
        drawn = {arm: _percent(of_arm, quantity) for arm, of_arm in curves.items()}
        hover_along(axes, _along, {arm: (_course(one), one) for arm, one in drawn.items()}, unit=_unit(quantity))
        axes.set_title(title, loc="left")
        axes.set_xlabel("course of the activity (%)")
        within(axes, x=PERCENT, y=_bounds(quantity))
    legend_above(figure, row[0])
    columns = {
        f"{title}: {arm}": _percent(curves[arm], quantity) for quantity, title in QUANTITIES.items() for arm in curves
    }
    return figure, _numbers(columns)


def _over_training(kept: Mapping[str, Sequence[ProgressionSnapshot]]) -> tuple[Figure, Numbers]:
    """Draw arm -> snapshots: a column for each arm, score and margin below each other."""
    width = max(PAGE, 1.45 * len(kept))
    figure, grid = panels(len(_WHILE_TRAINING), len(kept), width, 4.2, sharex=True, sharey="row")
    for column, (arm, snapshots) in enumerate(kept.items()):
        grid[0][column].set_title(arm, loc="left")
        grid[-1][column].set_xlabel("course (%)")
        for row, quantity in enumerate(_WHILE_TRAINING):
            for snapshot, colour, marker in zip(snapshots, _shades(len(snapshots)), MARKERS, strict=False):
                values = _percent(snapshot.curves, quantity)
                options: dict[str, Any] = {"color": colour, "marker": marker, "markevery": 6, "markersize": 3.5}
                grid[row][column].plot(_course(values), values, label=f"iteration {snapshot.iteration}", **options)
            drawn = {f"iteration {one.iteration}": _percent(one.curves, quantity) for one in snapshots}
            lines = {name: (_course(values), values) for name, values in drawn.items()}
            hover_along(grid[row][column], _along, lines, unit=_unit(quantity), lead=f"{arm}, ")
    for row, quantity in enumerate(_WHILE_TRAINING):
        grid[row][0].set_ylabel(QUANTITIES[quantity])
        for axes in grid[row]:
            within(axes, x=PERCENT, y=_bounds(quantity))
    legend_above(figure, grid[0][0])
    columns = {
        f"{arm}, {QUANTITIES[quantity]}, iteration {snapshot.iteration}": _percent(snapshot.curves, quantity)
        for arm, snapshots in kept.items()
        for quantity in _WHILE_TRAINING
        for snapshot in snapshots
    }
    return figure, _numbers(columns)


def _bounds(quantity: str) -> Bounds:
    """Return what a score, and a margin of two scores, lies within."""
    return POINTS if quantity == "margin" else PERCENT


def _unit(quantity: str) -> str:
    return " points" if quantity == "margin" else " %"


def _percent(curves: ProgressionCurves, quantity: str) -> np.ndarray:
    values: np.ndarray = getattr(curves, quantity)
    return 100 * values


def _along(course: float) -> str:
    return f"at {course:.0f} % of the activity"


def _course(values: np.ndarray) -> np.ndarray:
    return np.linspace(0, 100, len(values))


def _numbers(columns: Mapping[str, np.ndarray]) -> Numbers:
    points = len(next(iter(columns.values())))
    rows = tuple(
        (round(float(place), 1), *(float(values[number]) for values in columns.values()))
        for number, place in enumerate(np.linspace(0, 100, points))
    )
    return Numbers(("course of the activity (%)", *columns), rows)


def _shades(count: int) -> list[str]:
    """Return `count` shades as far apart as can be, the last one the darkest."""
    if count == 1:
        return [STEPS[-1]]
    return [STEPS[round(place)] for place in np.linspace(0, len(STEPS) - 1, count)]
