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

_MOST, _MOST_SMALL, _PADDING = 28, 10, 2.6
"""Letters of a column that stays in sight, on a wide screen and a narrow one, and its padding in letters."""
_BOLD = 1.2
"""Letters that one of a column's head is as wide as."""
_NARROW = 40.0
"""Letters of a narrow screen that columns may take which stay in sight there."""

Item = Mapping[str, Any]
"""`kind` (table, chart or left out), `title`, and what the templates show of each kind."""


@dataclass(frozen=True)
class PageCell:
    """A cell of a table on the page: its text, its CSS classes, and its style."""

    text: str
    classes: str = ""
    style: str = ""


def items_of(part: ReportPart, *, pictures: bool) -> dict[str, Item]:
    """Return name -> item; charts are drawn as SVG if `pictures`."""
    tables = {table.name.removeprefix(part.prefix): _table(table) for table in part.tables}
    charts = {chart.name.removeprefix(part.prefix): _chart(chart, pictures=pictures) for chart in part.charts}
    return {**{one.name: _left_out(one) for one in part.left_out}, **tables, **charts}


def _left_out(one: LeftOut) -> Item:
    return {"kind": "left out", "title": one.title, "reason": one.reason}


def _table(table: Table) -> Item:
    numeric = [any(row[place].value is not None for row in table.rows) for place in range(len(table.columns))]
    styles = _kept(table)
    rows = [
        [
            _cell(cell.text, numeric[place], styles[place], "best" if cell.bold else "", "holds" if cell.mark else "")
            for place, cell in enumerate(row)
        ]
        for row in table.rows
    ]
    return {
        "kind": "table",
        "name": table.name,
        "title": table.title,
        "caption": table.caption,
        "columns": _heads(table.columns, numeric, styles),
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
        "columns": _heads(numbers.columns, numeric, [""] * len(numeric)),
        "rows": [[_cell(text, numeric[place]) for place, text in enumerate(row)] for row in numbers.text()],
        "wide": chart.figure.get_figwidth() > _WIDE,
        "svg": themed_svg(chart.svg, chart.name, str(escape(visible(chart.title)))) if pictures else "",
    }


def _kept(table: Table) -> list[str]:
    """Return the style of each column: of those that stay in sight, where they stand and how wide they are.

    In letters, on a wide screen and (`near`, `small`) on a narrow one, where their texts are broken into lines and what does not
    fit scrolls all the same (`far`).
    """
    styles, left, near = [], 0.0, 0.0
    for place in range(min(table.kept, len(table.columns)) if table.kept > 1 else 0):
        head = max(map(len, table.columns[place].split()), default=0)
        longest = max(_BOLD * head, *(len(row[place].text) for row in table.rows))
        size, small = min(longest, _MOST) + _PADDING, min(longest, _MOST_SMALL) + _PADDING
        far = "; --far: 1" if near + small > _NARROW else ""
        styles.append(f"--left: {left:g}; --size: {size:g}; --near: {near:g}; --small: {small:g}{far}")
        left, near = left + size, near + small
    return [*styles, *[""] * (len(table.columns) - len(styles))]


def _heads(columns: Sequence[str], numeric: Sequence[bool], styles: Sequence[str]) -> list[PageCell]:
    return [
        PageCell(column, _classes("" if number else "text", _sticky(style)), style)
        for column, number, style in zip(columns, numeric, styles, strict=True)
    ]


def _cell(text: str, numeric: bool, style: str = "", *more: str) -> PageCell:
    long = "long" if len(text) > _LONG else ""
    return PageCell(text, _classes("" if numeric else "text", long, _sticky(style), *more), style)


def _sticky(style: str) -> str:
    return "" if not style else "kept far" if "--far" in style else "kept"


def _classes(*names: str) -> str:
    return " ".join(name for name in names if name)
