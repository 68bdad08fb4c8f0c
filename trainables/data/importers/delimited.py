"""Text in cells, as spreadsheets and annotation tools write it: commas, semicolons or tabs, decimal points or commas."""

from __future__ import annotations

import csv
import io
import math
import re

from crescendo.trainables.errors import InputError

# Of equally many, the comma is the last: in numbers it may be the decimal one.
_SEPARATORS = (";", "\t", ",")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d*)?)")


def cells(text: str, where: str) -> list[tuple[str, ...]]:
    """Return the rows of `text` that are not empty, their cells without blanks at the ends; see `cells_as_written`."""
    return [tuple(cell.strip() for cell in row) for row in cells_as_written(text, where)]


def cells_as_written(text: str, where: str) -> list[tuple[str, ...]]:
    """Return the rows of `text` that are not empty, with all blanks of their cells; `where` is its file.

    Raises
    ------
    InputError
        If it cannot be divided into cells.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    if first.lower().startswith("sep="):  # as Excel writes it
        separator, text = first[4:5] or ",", text.partition(first)[2]
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(text), delimiter=separator)]
    except (csv.Error, TypeError) as error:
        raise InputError(f"{where}: is no table of cells ({error})") from None
    return [row for row in rows if any(cell.strip() for cell in row)]


def seconds(cell: str) -> float:
    """Return the time that `cell` says: seconds, with a decimal point or comma, or h:mm:ss. `ValueError` if it says none."""
    if (clock := _CLOCK.fullmatch(cell)) is not None:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3].replace(",", "."))
    value = float(cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell)
    if not math.isfinite(value):
        raise ValueError(f"{cell} is no time")
    return value
