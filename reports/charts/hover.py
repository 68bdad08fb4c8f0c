"""What a chart tells of the place that a reader points at: its values, as text beside the pointer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_Bounds = tuple[float, float]
_LEAST, _SAME = 0.13, 0.05
"""Inches that a place is wide and high at least, and within which points are one place."""


@dataclass(frozen=True)
class _Area:
    """A part of `axes` with what it tells; bounds in the units of the axes, None: all of them."""

    axes: Axes
    text: str
    x: _Bounds | None
    y: _Bounds | None

    @property
    def is_point(self) -> bool:
        return all(bounds is not None and bounds[0] == bounds[1] for bounds in (self.x, self.y))


@dataclass(frozen=True)
class Spot:
    """A place of a chart with what it tells, in lines; edges in percent of the chart's width and height, from the top left."""

    left: float
    top: float
    width: float
    height: float
    text: str


class HoverFigure(Figure):
    """A figure that knows what its places tell."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.areas: list[_Area] = []


def hover(axes: Axes, text: str, *, x: float | _Bounds | None = None, y: float | _Bounds | None = None) -> None:
    """Let a place of `axes` tell `text`: a point, a band over all of one axis, or a rectangle; in the units of the axes."""
    figure = axes.figure
    if not isinstance(figure, HoverFigure):
        raise TypeError("figures of charts come from `panels`")
    figure.areas.append(_Area(axes, text, _bounds(x), _bounds(y)))


def hover_rows(axes: Axes, texts: Iterable[str]) -> None:
    """Let the rows of a chart, which lie at 0, 1, 2 and so on, tell `texts`."""
    for row, text in enumerate(texts):
        hover(axes, text, y=(row - 0.5, row + 0.5))


def hover_along(
    axes: Axes,
    name: Callable[[float], str],
    lines: Mapping[str, tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]],
    *,
    unit: str = " %",
    lead: str = "",
) -> None:
    """Let every place along the horizontal axis tell the values of all `lines`, the highest first.

    Parameters
    ----------
    name
        Returns what a place is called: `IoU 0.5`.
    lines
        Line's name -> places and values, in the units of the axes.
    unit
        Of the values.
    lead
        Stands before what a place is called.
    """
    found = {line: dict(zip(map(float, x), map(float, y), strict=True)) for line, (x, y) in lines.items()}
    places = sorted({x for values in found.values() for x in values})
    for x, bounds in zip(places, _between(places), strict=True):
        told = sorted(((values[x], line) for line, values in found.items() if x in values), key=lambda one: -one[0])
        hover(axes, "\n".join([f"{lead}{name(x)}", *value_lines(told, unit=unit)]), x=bounds)


def value_lines(values: Iterable[tuple[float, str]], *, unit: str = " %") -> Iterator[str]:
    """Yield a line for each (value, name)."""
    return (f"{value:.1f}{unit}  {name}" for value, name in values)


def spots(figure: Figure) -> list[Spot]:
    """Return the places of a figure that has been laid out; points that lie on one another are one place."""
    if not isinstance(figure, HoverFigure) or not figure.areas:
        return []
    dots = figure.dpi * np.array([figure.get_figwidth(), figure.get_figheight()])
    least = np.full(2, _LEAST * figure.dpi)
    found: list[Spot] = []
    centres: dict[int, np.ndarray] = {}
    for area in figure.areas:
        low, high = _corners(area)
        centre, half = (low + high) / 2, np.maximum(high - low, least) / 2
        same = _near(centres, centre, _SAME * figure.dpi) if area.is_point else None
        if same is not None:
            found[same] = replace(found[same], text=f"{found[same].text}\n{area.text}")
            continue
        if area.is_point:
            centres[len(found)] = centre
        found.append(_spot(100 * (centre - half) / dots, 100 * (centre + half) / dots, area.text))
    return found


def _spot(low: np.ndarray, high: np.ndarray, text: str) -> Spot:
    """Return the spot between two corners in percent, lower left and upper right, so far as it lies within the chart."""
    (left, bottom), (right, top) = np.clip(low, 0, 100), np.clip(high, 0, 100)
    left, top, width, height = (round(float(one), 2) for one in (left, 100 - top, right - left, top - bottom))
    return Spot(left, top, width, height, text)


def _bounds(ends: float | _Bounds | None) -> _Bounds | None:
    return ends if ends is None or isinstance(ends, tuple) else (ends, ends)


def _between(places: Sequence[float]) -> list[_Bounds | None]:
    """Return the stretch of each place, to half the way to its neighbours; the only one has everything."""
    if len(places) == 1:
        return [None]
    middle = (np.array(places)[1:] + np.array(places)[:-1]) / 2
    ends = np.array([2 * places[0] - middle[0], *middle, 2 * places[-1] - middle[-1]])
    return [(float(low), float(high)) for low, high in itertools.pairwise(ends)]


def _corners(area: _Area) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower left and the upper right corner of an area, in dots."""
    axes = area.axes
    x, y = area.x or axes.get_xlim(), area.y or axes.get_ylim()
    corners = axes.transData.transform(np.array([x, y], dtype=np.float64).T)
    low, high = corners.min(axis=0), corners.max(axis=0)
    if area.is_point:
        return low, high
    return np.maximum(low, axes.bbox.min), np.minimum(high, axes.bbox.max)


def _near(centres: Mapping[int, np.ndarray], centre: np.ndarray, within: float) -> int | None:
    return next((key for key, other in centres.items() if np.abs(other - centre).max() <= within), None)
