"""Numbers as cells of tables: what is shown, and the value behind it for those who compute with it."""

from __future__ import annotations

from crescendo.reports.analysis.estimates import Difference, Estimate
from crescendo.reports.formatting import difference_text, estimate_text, hourly_text, p_text, plain, points
from crescendo.reports.tables.table import Cell

NONE = Cell("-")


def share(estimate: Estimate, *, bold: bool = False, sign: bool = False) -> Cell:
    """Return a share in percent, with half the width of its interval; `sign`: a difference, in points."""
    text = estimate_text(estimate, sign=sign)
    if estimate.low is None or estimate.high is None:
        return Cell(text, 100 * estimate.mean, bold=bold)
    return Cell(text, 100 * estimate.mean, 100 * estimate.low, 100 * estimate.high, bold=bold)


def hourly(estimate: Estimate) -> Cell:
    """Return a number an hour, with half the width of its interval."""
    return Cell(hourly_text(estimate), estimate.mean, estimate.low, estimate.high)


def difference(one: Difference | None) -> Cell:
    """Return a difference in points with its interval, starred where it answers the study's question."""
    if one is None:
        return NONE
    return Cell(difference_text(one), 100 * one.value, 100 * one.low, 100 * one.high, mark=one.holds)


def difference_cells(one: Difference | None) -> list[Cell]:
    """Return a difference, its p, which exploration has none of, and the smallest detectable one."""
    if one is None:
        return [NONE] * 3
    return [
        difference(one),
        NONE if one.verdict is None else Cell(p_text(one.p_adjusted), one.p_adjusted),
        Cell(points(one.detectable), 100 * one.detectable),
    ]


def count(number: int) -> Cell:
    """Return a whole number."""
    return Cell(str(number), number)


def number(value: float) -> Cell:
    """Return a number with three significant digits."""
    return Cell(plain(float(value)), value)


def percentage(value: float) -> Cell:
    """Return a fraction of 1 in percent."""
    return Cell(points(value), 100 * value)
