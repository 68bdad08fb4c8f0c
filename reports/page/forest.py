"""Where differences and their intervals stand on an axis as wide as the page has room for: everything in percent of its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from crescendo.reports.charts.style import POINTS
from crescendo.reports.formatting import plain

_TICKS = 6
_AIR, _LEAST = 0.03, 0.05
"""Of the width, left free at each end, and so many points at least."""


@dataclass(frozen=True)
class Scale:
    """An axis of differences: from `low` to `high` points; zero, margin and ticks in percent of its width."""

    low: float
    high: float
    zero: float
    margin: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]

    def place(self, points: float) -> float:
        """Return where a difference stands, in percent of the width; what is outside stands at the end."""
        share = (points - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


@dataclass(frozen=True)
class Strip:
    """One arm on the axis: its difference, and where its interval begins and how wide it is, in percent of the width."""

    at: float
    left: float
    width: float


def scale_of(intervals: Sequence[tuple[float, float]], margin: float) -> Scale:
    """Return an axis that holds all `intervals`, 0 and the `margin` to both sides; all fractions of 1."""
    ends = [0.0, -margin, margin, *(end for interval in intervals for end in interval)]
    low, high = max(100 * min(ends), POINTS[0]), min(100 * max(ends), POINTS[1])
    air = max(_AIR * (high - low), _LEAST)
    low, high = low - air, high + air
    bare = Scale(low, high, 0.0, (0.0, 0.0), ())
    ticks = [
        float(one) for one in MaxNLocator(_TICKS, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= one <= high
    ]
    return Scale(
        low,
        high,
        bare.place(0.0),
        (bare.place(-100 * margin), bare.place(100 * margin)),
        tuple((bare.place(one), _signed(one)) for one in ticks),
    )


def strip_of(scale: Scale, value: float, low: float, high: float) -> Strip:
    """Return where a difference and its interval stand; all fractions of 1."""
    left, right = scale.place(100 * low), scale.place(100 * high)
    return Strip(scale.place(100 * value), left, round(right - left, 2))


def _signed(points: float) -> str:
    return f"{'+' if points > 0 else ''}{plain(round(points, 6) + 0.0)}"
