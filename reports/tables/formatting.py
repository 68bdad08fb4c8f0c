"""Numbers as cells of tables: what is shown, and the value behind it for those who compute with it."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import Difference, Estimate
from crescendo.reports.numbers import p_text, points, signed
from crescendo.reports.tables.table import Cell

NONE = Cell("-")


def estimate(one: Estimate, *, bold: bool = False, sign: bool = False) -> Cell:
    """Return a share in percent, with half the width of its interval; `sign`: a difference, in points."""
    shown = signed(one.mean) if sign else points(one.mean)
    if one.low is None or one.high is None:
        return Cell(shown, 100 * one.mean, bold=bold)
    half = points((one.high - one.low) / 2)
    return Cell(f"{shown} ± {half}", 100 * one.mean, 100 * one.low, 100 * one.high, bold=bold)


def hourly(one: Estimate) -> Cell:
    """Return a number an hour, with half the width of its interval."""
    half = "" if one.low is None or one.high is None else f" ± {(one.high - one.low) / 2:.1f}"
    return Cell(f"{one.mean:.1f}{half}", one.mean, one.low, one.high)


def difference(one: Difference | None) -> Cell:
    """Return a difference in points with its interval, starred where it holds after Holm's correction."""
    if one is None:
        return NONE
    star = "*" if one.holds else ""
    text = f"{signed(one.value)}{star} [{signed(one.low)}, {signed(one.high)}]"
    return Cell(text, 100 * one.value, 100 * one.low, 100 * one.high, mark=one.holds)


def difference_cells(one: Difference | None) -> list[Cell]:
    """Return a difference, its p and the smallest detectable one."""
    if one is None:
        return [NONE] * 3
    return [
        difference(one),
        Cell(p_text(one.p_holm), one.p_holm),
        Cell(points(one.detectable), 100 * one.detectable),
    ]


def count(number: int) -> Cell:
    """Return a whole number."""
    return Cell(str(number), number)
