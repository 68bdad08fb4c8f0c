"""A chart and the numbers it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from matplotlib.figure import Figure

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.hover import Spot, spots
from crescendo.reports.charts.style import ArmStyle, image

ChartValue = str | float | int | None
"""What a chart shows at one place: a number, a name, or nothing."""


@dataclass(frozen=True)
class Numbers:
    """What a chart shows, to be read by value.

    `columns` name the cells of each of `rows`; `formats` say how numbers of a column are written (the last one holds for
    all columns that follow).
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[ChartValue, ...], ...]
    formats: tuple[str, ...] = (".1f",)

    def text(self) -> list[list[str]]:
        """Return the rows as a reader sees them; what is missing is a dash."""
        return [
            [_text(cell, self.formats[min(place, len(self.formats) - 1)]) for place, cell in enumerate(row)]
            for row in self.rows
        ]


def _text(cell: ChartValue, form: str) -> str:
    if cell is None:
        return "–"
    return format(cell, form) if isinstance(cell, float) else str(cell)


@dataclass(frozen=True)
class Chart:
    """A chart of a report.

    Attributes
    ----------
    name
        Its files' name.
    title
        What it shows, in words.
    caption
        How it was computed.
    figure
        What is drawn.
    numbers
        The values drawn.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    numbers: Numbers

    @cached_property
    def svg(self) -> bytes:
        """The figure as SVG, drawn once for its file and for the page."""
        return image(self.figure, "svg")

    @property
    def spots(self) -> list[Spot]:
        """What its places tell when pointed at; they are known once it is drawn."""
        return spots(self.figure) if self.svg else []


@dataclass(frozen=True)
class LeftOut:
    """A chart that could not be drawn, and why."""

    name: str
    title: str
    reason: str


Draw = Callable[[ReportModel, Mapping[str, ArmStyle]], Iterator[Chart | LeftOut]]
"""Draws one chart or several that belong together; arms are drawn as their looks say."""
