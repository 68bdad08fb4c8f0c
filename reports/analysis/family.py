"""p and intervals that hold for several arms at once.

With k true differences of 0, the largest of k Student's t statistics is compared with the distribution of the studentised
maximum modulus: of the largest of k independent normal values, in absolute value, over one common estimate of their spread.
It is exact for independent differences, and on the safe side for those that share a baseline (Sidak 1967).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)
_REST = 1e-18
"""Of the distribution of a spread, what is left out at either end."""


def adjusted_p(statistic: float, degrees: float, comparisons: int) -> float:
    """Return how probably any of as many `comparisons` of equal arms has a t of at least `statistic`, two-sided."""
    size = abs(statistic)
    if comparisons == 1:
        return float(2 * stats.t.sf(size, degrees))
    if degrees > 1e9:
        return float(_any(np.array([size]), comparisons)[0])
    spread, share = _spreads(degrees)
    return min(1.0, float((share * _any(size * spread, comparisons)).sum()))


@lru_cache(maxsize=64)
def _spreads(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return spreads, relative to the true one, of estimates with these degrees of freedom, and the share of each."""
    lowest, highest = np.log([stats.chi2.ppf(_REST, degrees) / degrees, stats.chi2.isf(_REST, degrees) / degrees]) / 2
    logarithm = (highest - lowest) / 2 * _NODES + (highest + lowest) / 2
    spread, half = np.exp(logarithm), degrees / 2
    density = 2 * np.exp(half * (math.log(half) + 2 * logarithm - spread**2) - special.gammaln(half))
    return spread, _WEIGHTS * density * (highest - lowest) / 2


@lru_cache(maxsize=4096)
def critical_value(degrees: float, comparisons: int, level: float) -> float:
    """Return the t that any of as many `comparisons` of equal arms passes, two-sided, with probability `level`."""
    single = float(stats.t.ppf(1 - level / 2, degrees))
    if comparisons == 1:
        return single
    # Bonferroni's is never smaller.
    highest = float(stats.t.ppf(1 - level / (2 * comparisons), degrees))
    return float(optimize.brentq(lambda size: adjusted_p(size, degrees, comparisons) - level, single, 1.001 * highest))


def _any(size: np.ndarray, comparisons: int) -> np.ndarray:
    """Return how probably any of the independent normal values is larger than `size`, either way."""
    with np.errstate(divide="ignore"):  # all of them are larger than 0
        passed: np.ndarray = -np.expm1(comparisons * np.log1p(-2 * special.ndtr(-size)))
    return passed
