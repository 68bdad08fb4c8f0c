"""How sure a rate of alarms is, of those that were counted."""

from __future__ import annotations

from scipy import special

LEVEL = 0.05
"""What the intervals of rates leave out."""


def rate_interval(count: float, hours: float) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate an hour, of so many events in `hours` (Garwood 1936): of a Poisson count.

    A mean over several counts of the same hours may be no whole number; it has the interval between its neighbours'.
    """
    low = special.gammaincinv(count, LEVEL / 2) if count > 0 else 0.0
    return float(low) / hours, float(special.gammaincinv(count + 1, 1 - LEVEL / 2)) / hours
