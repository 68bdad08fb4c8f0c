"""The tables of a report: as data, and as CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crescendo.reports.escaping import csv_lines, latex_text, markdown_cell, markdown_text
from crescendo.trainables.storage.files import atomic_file


@dataclass(frozen=True)
class Cell:
    """One cell: its `text`; if it is a number, its `value`, and `low` and `high` if that has an interval.

    `bold`: the best of its column; `mark`: a difference that holds.
    """

    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bold: bool = False
    mark: bool = False


@dataclass(frozen=True)
class Table:
    """A table: file name, title, caption that says how it was computed, column heads, rows.

    The first `kept` columns stay in sight where the page scrolls sideways.
    """

    name: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kept: int = 1

    def csv(self) -> str:
        """Return the numbers, four decimals, intervals in columns of their own; the units are those of the table."""
        spread = [any(row[number].low is not None for row in self.rows) for number in range(len(self.columns))]
        heads = [
            head
            for column, wide in zip(self.columns, spread, strict=True)
            for head in ((column, f"{column} low", f"{column} high") if wide else (column,))
        ]
        rows = [
            [value for cell, wide in zip(row, spread, strict=True) for value in _csv_values(cell, wide=wide)]
            for row in self.rows
        ]
        return csv_lines([heads, *rows])

    def markdown(self) -> str:
        """Return the table in Markdown, its caption below."""
        numbers = self._numeric()
        lines = [
            _markdown_row(map(markdown_cell, self.columns)),
            _markdown_row("---:" if numeric else "---" for numeric in numbers),
            *(_markdown_row(map(_markdown_cell, row)) for row in self.rows),
        ]
        return "\n".join([*lines, "", markdown_text(self.caption), ""])

    def latex(self) -> str:
        """Return a `table` environment; it needs the packages booktabs and graphicx."""
        alignment = "".join("r" if numeric else "l" for numeric in self._numeric())
        rows = [
            " & ".join(f"\\textbf{{{latex_text(cell.text)}}}" if cell.bold else latex_text(cell.text) for cell in row)
            + r" \\"
            for row in self.rows
        ]
        return "\n".join(
            [
                r"% needs \usepackage{booktabs} and \usepackage{graphicx}",
                r"\begin{table}",
                r"\centering",
                f"\\caption{{{latex_text(self.title)}. {latex_text(self.caption)}}}",
                f"\\label{{tab:{self.name}}}",
                r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
                f"\\begin{{tabular}}{{{alignment}}}",
                r"\toprule",
                " & ".join(latex_text(column) for column in self.columns) + r" \\",
                r"\midrule",
                *rows,
                r"\bottomrule",
                r"\end{tabular}}",
                r"\end{table}",
                "",
            ]
        )

    def _numeric(self) -> list[bool]:
        return [any(row[number].value is not None for row in self.rows) for number in range(len(self.columns))]


def write_table(folder: Path, table: Table) -> list[Path]:
    """Write a table as CSV, LaTeX and Markdown into `folder`, which must exist; return the files."""
    files = []
    for ending, text in (("csv", table.csv()), ("tex", table.latex()), ("md", table.markdown())):
        files.append(folder / f"{table.name}.{ending}")
        with atomic_file(files[-1]) as partial:
            partial.write_text(text, encoding="utf-8")
    return files


def _csv_values(cell: Cell, *, wide: bool) -> Sequence[str]:
    first = cell.text if cell.value is None else _decimal(cell.value)
    return (first, _decimal(cell.low), _decimal(cell.high)) if wide else (first,)


def _decimal(value: float | None) -> str:
    if value is None:
        return ""
    # Nothing is lost on the reader, and the last bits of a sum differ from machine to machine.
    shown = f"{value:.4f}"
    return "0.0000" if shown == "-0.0000" else shown


def _markdown_cell(cell: Cell) -> str:
    text = markdown_cell(cell.text)
    return f"**{text}**" if cell.bold else text


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
