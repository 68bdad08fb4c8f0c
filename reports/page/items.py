"""Tables and charts as the templates take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from crescendo.reports.charts.chart import Chart, LeftOut
from crescendo.reports.charts.style import themed_svg
from crescendo.reports.page.part import ReportPart
from crescendo.reports.tables.table import Table
from crescendo.trainables.text import visible

_LONG = 60
_WIDE = 6.0
"""Inches from which on a chart is scrolled on a phone rather than shrunk."""

Item = Mapping[str, Any]
"""`kind` (table, chart or left out), `title`, and what the templates show of each kind."""


@dataclass(frozen=True)
class PageCell:
    """A cell of a table on the page: its text and its CSS classes."""

    text: str
    classes: str = ""


def items_of(part: ReportPart, *, pictures: bool) -> dict[str, Item]:
    """Return name -> item; charts are drawn as SVG if `pictures`."""
    tables = {table.name.removeprefix(part.prefix): _table(table) for table in part.tables}
    charts = {chart.name.removeprefix(part.prefix): _chart(chart, pictures=pictures) for chart in part.charts}
    return {**{one.name: _left_out(one) for one in part.left_out}, **tables, **charts}


def _left_out(one: LeftOut) -> Item:
    return {"kind": "left out", "title": one.title, "reason": one.reason}


def _table(table: Table) -> Item:
    numeric = [any(row[place].value is not None for row in table.rows) for place in range(len(table.columns))]
    rows = [
        [
            _cell(cell.text, numeric[place], "best" if cell.bold else "", "holds" if cell.mark else "")
            for place, cell in enumerate(row)
        ]
        for row in table.rows
    ]
    return {
        "kind": "table",
        "name": table.name,
        "title": table.title,
        "caption": table.caption,
        "columns": _heads(table.columns, numeric),
        "rows": rows,
        "markdown": table.markdown(),
    }


def _chart(chart: Chart, *, pictures: bool) -> Item:
    numbers = chart.numbers
    numeric = [
        any(isinstance(row[place], int | float) for row in numbers.rows) for place in range(len(numbers.columns))
    ]
    return {
        "kind": "chart",
        "name": chart.name,
        "title": chart.title,
        "caption": chart.caption,
        "columns": _heads(numbers.columns, numeric),
        "rows": [[_cell(text, numeric[place]) for place, text in enumerate(row)] for row in numbers.text()],
        "wide": chart.figure.get_figwidth() > _WIDE,
        "svg": themed_svg(chart.svg, chart.name, str(escape(visible(chart.title)))) if pictures else "",
    }


def _heads(columns: Sequence[str], numeric: Sequence[bool]) -> list[PageCell]:
    return [PageCell(column, "" if number else "text") for column, number in zip(columns, numeric, strict=True)]


def _cell(text: str, numeric: bool, *more: str) -> PageCell:
    classes = ("" if numeric else "text", "long" if len(text) > _LONG else "", *more)
    return PageCell(text, " ".join(name for name in classes if name))
