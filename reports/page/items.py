"""Tables and charts as the templates take them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from crescendo.reports.charts.chart import Chart, LeftOut
from crescendo.reports.charts.hover import Spot
from crescendo.reports.charts.style import themed_svg
from crescendo.reports.page.part import ReportPart
from crescendo.reports.tables.cells import NONE
from crescendo.reports.tables.table import Cell, Table
from crescendo.trainables.text import visible

_LONG = 60
_NUMERIC = re.compile(r"[-+]?[\d.]+(e[-+]\d+)?|–")
_SPREAD = re.compile(r"(\S+) (± .*|\[.*\]|\(.*\))")
"""A number, and what it varies by or differs by: `65.0 ± 2.1`, `+6.0* [+4.5, +7.5]`, `71.0 (+6.0)`."""
_WIDE = 6.0
"""Inches from which on a chart is scrolled on a phone rather than shrunk."""

_BROAD, _MIDDLE = 33.0, 50.0
"""Percent of a chart: a spot wider than this has its text below or above; beyond the middle, texts stand before and above."""

_MOST, _MOST_SMALL, _PADDING = 28, 10, 2.6
"""Letters of a column that stays in sight, on a wide screen and a narrow one, and its padding in letters."""
_BOLD = 1.2
"""Letters that one of a column's head is as wide as."""
_MANY, _MOST_ROWS = 12, 24
"""Columns of numbers from which on they are turned, if they have fewer rows than this."""
_NARROW = 40.0
"""Letters of a narrow screen that columns may take which stay in sight there."""

Item = Mapping[str, Any]
"""`kind` (table, chart or left out), `title`, and what the templates show of each kind."""


@dataclass(frozen=True)
class PageCell:
    """A cell of a table on the page: its text, its CSS classes, its style, and what may stand on a line of its own below."""

    text: str
    classes: str = ""
    style: str = ""
    spread: str = ""


def items_of(part: ReportPart, *, pictures: bool) -> dict[str, Item]:
    """Return name -> item; charts are drawn as SVG if `pictures`."""
    tables = {table.name.removeprefix(part.prefix): _table(table) for table in part.tables}
    charts = {chart.name.removeprefix(part.prefix): _chart(chart, pictures=pictures) for chart in part.charts}
    return {**{one.name: _left_out(one) for one in part.left_out}, **tables, **charts}


def _left_out(one: LeftOut) -> Item:
    return {"kind": "left out", "title": one.title, "reason": one.reason}


def _table(table: Table) -> Item:
    numeric = [_is_numeric([row[place] for row in table.rows]) for place in range(len(table.columns))]
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


def _is_numeric(cells: Sequence[Cell]) -> bool:
    return any(cell.value is not None for cell in cells) or all(cell.text == NONE.text for cell in cells)


def _chart(chart: Chart, *, pictures: bool) -> Item:
    columns, rows = _turned(chart.numbers.columns, chart.numbers.text())
    numeric = [all(_NUMERIC.fullmatch(row[place]) for row in rows) for place in range(len(columns))]
    return {
        "kind": "chart",
        "name": chart.name,
        "title": chart.title,
        "caption": chart.caption,
        "columns": _heads(columns, numeric, [""] * len(numeric)),
        "rows": [[_cell(text, numeric[place]) for place, text in enumerate(row)] for row in rows],
        "wide": chart.figure.get_figwidth() > _WIDE,
        "spots": [_spot(one) for one in chart.spots] if pictures else [],
        "width": round(96 * chart.figure.get_figwidth()),
        "svg": themed_svg(chart.svg, chart.name, str(escape(visible(chart.title)))) if pictures else "",
    }


def _spot(spot: Spot) -> Item:
    """Return a spot with its style and the side on which its text has room."""
    across, down = spot.left + spot.width / 2, spot.top + spot.height / 2
    side = "row" if spot.width > _BROAD else "before" if across > _MIDDLE else ""
    return {
        "classes": _classes(side, "above" if down > _MIDDLE else ""),
        "style": f"left:{spot.left:g}%;top:{spot.top:g}%;width:{spot.width:g}%;height:{spot.height:g}%",
        "text": spot.text,
    }


def _kept(table: Table) -> list[str]:
    """Return the style of each column: of those that stay in sight, where they stand and how wide they are.

    In letters, on a wide screen and (`near`, `small`) on a narrow one, where their texts are broken into lines and what does not
    fit scrolls all the same (`far`).
    """
    styles, left, near = [], 0.0, 0.0
    for place in range(min(table.kept, len(table.columns)) if table.kept > 1 else 0):
        head = max(map(len, table.columns[place].split()), default=0)
        longest = max(_BOLD * head, *(_widest(row[place].text) for row in table.rows))
        size, small = min(longest, _MOST) + _PADDING, min(longest, _MOST_SMALL) + _PADDING
        far = "; --far: 1" if near + small > _NARROW else ""
        styles.append(f"--left: {left:g}; --size: {size:g}; --near: {near:g}; --small: {small:g}{far}")
        left, near = left + size, near + small
    return [*styles, *[""] * (len(table.columns) - len(styles))]


def _widest(text: str) -> int:
    """Return the letters of the longest part of a cell that stands on one line."""
    parts = _SPREAD.fullmatch(text)
    return max(map(len, parts.groups() if parts else text.split()), default=0)


def _turned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return a chart's numbers so that they are as narrow as can be: few rows of many columns as columns of many rows."""
    if len(columns) <= _MANY or len(rows) >= _MOST_ROWS:
        return columns, rows
    heads, *lines = zip(columns, *rows, strict=True)
    return heads, lines


def _heads(columns: Sequence[str], numeric: Sequence[bool], styles: Sequence[str]) -> list[PageCell]:
    return [
        PageCell(column, _classes("" if number else "text", _sticky(style)), style)
        for column, number, style in zip(columns, numeric, styles, strict=True)
    ]


def _cell(text: str, numeric: bool, style: str = "", *more: str) -> PageCell:
    long = "long" if len(text) > _LONG else ""
    classes = _classes("" if numeric else "text", long, _sticky(style), *more)
    parts = _SPREAD.fullmatch(text) if numeric else None
    if parts is None:
        return PageCell(text, classes, style)
    spread = parts[2] if parts[2].startswith("[") else parts[2].replace(" ", "\N{NO-BREAK SPACE}")
    return PageCell(parts[1], classes, style, spread)


def _sticky(style: str) -> str:
    return "" if not style else "kept far" if "--far" in style else "kept"


def _classes(*names: str) -> str:
    return " ".join(name for name in names if name)
