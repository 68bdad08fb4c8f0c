"""How a study that is looked at several times divides its 5 % of error among the looks, and when a look is the last of an arm.

The more of the information that the last look will have an earlier one has, the more of the error may be spent by then (Lan and
DeMets, "Discrete sequential boundaries for clinical trials", 1983, here with the share of the information itself; information
is measured, as in Mehta and Tsiatis, "Flexible sample size considerations using information-based interim monitoring", 2001).
The level of a look is what it adds to that. The levels add up to the whole, so by Bonferroni's inequality the looks together err
no more often than one alone, however alike they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from crescendo.reports.analysis.family import critical_value
from crescendo.reports.analysis.planning import components_of, parts_with
from crescendo.reports.analysis.statistics import LEVEL, PairedDifference
from crescendo.reports.analysis.variance import Layout, Parts, Variance, gained, put_together

LEAST = 0.0005
"""What every look has of the error, whatever its information, so that it has an interval."""
CHANCE = 0.1
"""More seeds cannot decide an arm that would be decided at the last look with a smaller probability."""
_DOUBT = 0.1
_WHOLE = 0.99


def level_of_look(share: float, spent: float, looks: int, left: int) -> float:
    """Return the level of a look, which may call equal arms different, any of them, with this probability.

    Parameters
    ----------
    share
        Of the information of the last look, what this one has (`information`).
    spent
        The sum of the levels of the looks before it.
    looks, left
        How many are planned, and how many of them come after this one.
    """
    kept = LEAST * left
    if left == 0 or share >= _WHOLE:
        return max(LEAST, LEVEL - spent - kept)
    return max(LEAST, (LEVEL - LEAST * looks) * share + LEAST * (looks - left) - spent)


def information(differences: Sequence[PairedDifference], most: int) -> float:
    """Return which share of the information of a study with `most` seeds is there, from the `differences` of its arms.

    That of seeds is estimated from few values, and luck must not let an arm spend early what its small standard error seems to
    allow. So what seeds vary is taken as large as it is but in one of ten such studies. Where nothing varied there is none.
    """
    now = sum(_careful(one.variance, one.layout, one.layout.seeds) for one in differences)
    return min(1.0, sum(_careful(one.variance, one.layout, most) for one in differences) / now) if now > 0 else 0.0


def _careful(variance: Variance, layout: Layout, seeds: int) -> float:
    doubtful = more_of_seeds(variance.parts, layout, careful_times(layout, variance.arms))
    return _with_seeds(doubtful, variance.arms, layout, seeds)[0]


def careful_times(layout: Layout, arms: int) -> float:
    """Return how many times as much seeds may vary, with a probability of 10 %, as was estimated over so many `arms`."""
    degrees = gained(arms) * layout.folds * layout.repeats * (layout.seeds - 1)
    return degrees / float(stats.chi2.ppf(_DOUBT, degrees)) if degrees > 0 else 1.0


def more_of_seeds(parts: Parts, layout: Layout, times: float) -> Parts:
    """Return `parts` as they are if seeds vary so many times as much."""
    if layout.repeats == 1:
        return replace(parts, units=parts.units * times)
    return replace(parts, units=parts.units + parts.seeds * (times - 1), seeds=parts.seeds * times)


def _with_seeds(parts: Parts, arms: int, layout: Layout, seeds: int) -> tuple[float, float]:
    """Return the variance of a difference, and its degrees of freedom, with so many seeds in place of those of `layout`."""
    wanted = replace(layout, seeds=seeds)
    total, degrees = put_together(parts_with(components_of(parts, layout), wanted), wanted, arms)
    return float(total), float(degrees)


def more_seeds_may_decide(
    difference: PairedDifference, most: int, level: float, *, comparisons: int, margin: float
) -> bool:
    """Tell whether an undecided arm would be decided at a last look, with `most` seeds at this `level`, probably enough.

    The difference there is normal about what it is now; what it varies by is what the variance falls by until then.
    """
    layout, variance = difference.layout, difference.variance
    now = _with_seeds(variance.parts, variance.arms, layout, layout.seeds)[0]
    then, degrees = _with_seeds(variance.parts, variance.arms, layout, most)
    error, moves = math.sqrt(then), math.sqrt(max(now - then, 1e-24))
    shown = critical_value(degrees, comparisons, level) * error
    within = margin - float(stats.t.isf(level / comparisons, degrees)) * error
    ends = np.array([shown, -shown, within, -within]) - difference.value
    better, worse, below, above = stats.norm.cdf(ends / moves)
    chance = (1 - better) + worse + max(0.0, below - above)
    return bool(chance >= CHANCE)
