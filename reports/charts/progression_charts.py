"""How scores move while an activity goes on (the paper's figures 10 and 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from crescendo.reports.charts.chart import Numbers
from crescendo.reports.charts.style import MARKERS, PAGE, STEPS, Look, legend_above, panels

QUANTITIES = {
    "score": "score of the true label",
    "worst_negative": "score of the worst negative",
    "margin": "margin",
}
SNAPSHOTS = len(STEPS)


@dataclass(frozen=True)
class Snapshot:
    """The curves at one iteration: quantity -> values along the activity."""

    iteration: int
    curves: Mapping[str, Sequence[float]]


def by_arm(found: Mapping[str, Mapping[str, Sequence[float]]], looks: Mapping[str, Look]) -> tuple[Figure, Numbers]:
    """Draw arm -> quantity -> curve, a panel for each quantity (figure 11)."""
    figure, [row] = panels(1, len(QUANTITIES), PAGE, 3.1, sharex=True)
    for axes, (quantity, title) in zip(row, QUANTITIES.items(), strict=True):
        for arm, curves in found.items():
            look, values = looks[arm], curves[quantity]
            options: dict[str, Any] = {
                "color": look.colour,
                "linestyle": look.dashes,
                "marker": look.marker,
                "markevery": 4,
            }
            axes.plot(_course(values), values, label=arm, **options)
        axes.set_title(title, loc="left")
        axes.set_xlabel("course of the activity (%)")
    legend_above(figure, row[0])
    columns = {f"{title}: {arm}": found[arm][quantity] for quantity, title in QUANTITIES.items() for arm in found}
    return figure, _numbers(columns)


def over_training(found: Mapping[str, Sequence[Snapshot]]) -> tuple[Figure, Numbers]:
    """Draw arm -> snapshots: a column for each arm, score and margin below each other (figure 10)."""
    chosen = {arm: spread(snapshots) for arm, snapshots in found.items()}
    shown = ("score", "margin")
    width = max(PAGE, 1.45 * len(chosen))
    figure, grid = panels(len(shown), len(chosen), width, 4.2, sharex=True, sharey="row")
    for column, (arm, snapshots) in enumerate(chosen.items()):
        grid[0][column].set_title(arm, loc="left")
        grid[-1][column].set_xlabel("course (%)")
        for row, quantity in enumerate(shown):
            for snapshot, colour, marker in zip(snapshots, _shades(len(snapshots)), MARKERS, strict=False):
                values = snapshot.curves[quantity]
                options: dict[str, Any] = {"color": colour, "marker": marker, "markevery": 6, "markersize": 3.5}
                grid[row][column].plot(_course(values), values, label=f"iteration {snapshot.iteration}", **options)
    for row, quantity in enumerate(shown):
        grid[row][0].set_ylabel(QUANTITIES[quantity])
    legend_above(figure, grid[0][0])
    columns = {
        f"{arm}, {QUANTITIES[quantity]}, iteration {snapshot.iteration}": snapshot.curves[quantity]
        for arm, snapshots in chosen.items()
        for quantity in shown
        for snapshot in snapshots
    }
    return figure, _numbers(columns)


def spread(snapshots: Sequence[Snapshot], limit: int = SNAPSHOTS) -> list[Snapshot]:
    """Return at most `limit` snapshots spread evenly, the first and the last among them."""
    if len(snapshots) <= limit:
        return list(snapshots)
    return [snapshots[round(place)] for place in np.linspace(0, len(snapshots) - 1, limit)]


def _course(values: Sequence[float]) -> np.ndarray:
    return np.linspace(0, 100, len(values))


def _numbers(columns: Mapping[str, Sequence[float]]) -> Numbers:
    points = len(next(iter(columns.values())))
    rows = tuple(
        (round(float(place), 1), *(float(values[number]) for values in columns.values()))
        for number, place in enumerate(np.linspace(0, 100, points))
    )
    return Numbers(("course of the activity (%)", *columns), rows, (".1f", ".3f"))


def _shades(count: int) -> list[str]:
    """Return `count` shades as far apart as can be, the last one the darkest."""
    if count == 1:
        return [STEPS[-1]]
    return [STEPS[round(place)] for place in np.linspace(0, len(STEPS) - 1, count)]
