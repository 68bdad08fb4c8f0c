"""The figure of the findings: each arm's difference to the baseline on each data set, in detection and early detection."""

from __future__ import annotations

from collections.abc import Sequence

from findings_study import CONTROLS, RANKING, RIVALS, Finished
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.charts.style import ARMS, GRID, INK, MUTED, PAGE, PAPER, POINTS, panels, styled, within
from crescendo.reports.charts.style import image as drawn

KINDS = {"ranking losses": RANKING, "controls": CONTROLS, "rivals": RIVALS}
_DETECTION, _EARLY = ARMS[0], MUTED
_MARKERS = {"better": "^", "worse": "v", "equivalent": "s", "undecided": "o"}
_APART = 0.7
"""Of a row, between two kinds of arms."""


def svg(studies: Sequence[Finished]) -> bytes:
    """Return the figure as SVG, light whatever it stands on: a panel for each data set, a row for each arm."""
    with styled():
        return drawn(_figure(studies), "svg")


def _figure(studies: Sequence[Finished]) -> Figure:
    if not studies:
        figure, [[axes]] = panels(1, 1, PAGE, 1)
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no study has finished", ha="center", va="center")
        return figure
    heights = _heights(studies)
    lowest = max(heights.values())
    figure, [row] = panels(1, len(studies), 2.2 + 3.0 * len(studies), 1.5 + 0.34 * (lowest + 1), sharey=True)
    for axes, study in zip(row, studies, strict=True):
        _panel(axes, study, heights)
    row[0].set_yticks(list(heights.values()), list(heights))
    row[0].set_ylim(lowest + 0.7, -1.1)
    for title, variants in KINDS.items():
        first = min((heights[variant] for variant in variants if variant in heights), default=None)
        if first is not None:
            row[0].text(
                0.01, first - 0.5, title, transform=row[0].get_yaxis_transform(), color=MUTED, fontsize=8, va="center"
            )
    _legend(figure)
    return figure


def _heights(studies: Sequence[Finished]) -> dict[str, float]:
    """Return variant -> its place, from the top; kinds of arms stand apart."""
    there = {arm.variant for study in studies for arm in study.arms}
    heights: dict[str, float] = {}
    place = 0.0
    for variants in KINDS.values():
        for variant in (one for one in variants if one in there):
            heights[variant] = place
            place += 1
        place += _APART
    return heights


def _panel(axes: Axes, study: Finished, heights: dict[str, float]) -> None:
    margin = 100 * study.arms[0].verdict.margin
    axes.axvspan(-margin, margin, color=GRID, alpha=0.6, linewidth=0)
    axes.axvline(0, color=MUTED, linewidth=1)
    for arm in study.arms:
        height = heights[arm.variant]
        _line(axes, arm.early, height + 0.2, _EARLY, ".", filled=True)
        _line(axes, arm.difference, height - 0.08, _DETECTION, _MARKERS[arm.answer], filled=arm.difference.holds)
    for variant, height in heights.items():
        if variant not in {arm.variant for arm in study.arms}:
            place = {"xy": (0, height), "xytext": (12, 0), "textcoords": "offset points"}
            axes.annotate("not in this study", **place, color=MUTED, fontsize=8, va="center")
    axes.set_title(f"{study.data}: {study.recordings} recordings of {study.groups} {study.groups_are}", loc="left")
    axes.set_xlabel("difference to cross entropy alone (points)")
    within(axes, x=POINTS)


def _line(axes: Axes, one: Difference, height: float, colour: str, marker: str, *, filled: bool) -> None:
    low, high = 100 * max(one.low, -1.0), 100 * min(one.high, 1.0)
    axes.plot([low, high], [height, height], color=colour, linewidth=1.8 if colour == _DETECTION else 1)
    axes.plot(100 * one.value, height, marker, color=colour, markerfacecolor=colour if filled else PAPER, markersize=6)


def _legend(figure: Figure) -> None:
    def mark(marker: str, colour: str, name: str, *, filled: bool) -> Line2D:
        fill = colour if filled else PAPER
        return Line2D(
            [], [], color=colour, marker=marker, markerfacecolor=fill, markersize=6, linewidth=1.6, label=name
        )

    handles = [
        *(
            mark(marker, _DETECTION, f"detection: {answer}", filled=answer in ("better", "worse"))
            for answer, marker in _MARKERS.items()
        ),
        mark(".", _EARLY, "early detection (exploration)", filled=True),
        Line2D([], [], color=GRID, linewidth=8, label="equivalent: within the margin"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, labelcolor=INK, handlelength=2.4)
