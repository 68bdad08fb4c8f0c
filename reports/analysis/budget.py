"""What the best of fewer trials would have been: expected validation performance by the number of trials.

Dodge et al., "Show Your Work: Improved Reporting of Experimental Results" (2019), ask what the best of n trials is expected to
reach. With N finished trials it is the mean over all ways to take n of them, which is exact (drawing with replacement, as they
do, is biased downwards: Tang et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

BAND = (0.1, 0.9)
"""Of the best of n trials: the shares of all ways to take them that lie below the band, and not above it."""


@dataclass(frozen=True)
class ExpectedBest:
    """The best of `trials` trials: its mean, and from where to where it lies in `BAND`; an array each, by number of trials."""

    trials: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def expected_best(searches: Sequence[Sequence[float]]) -> ExpectedBest:
    """Return the expected best by number of trials, from the values of the finished trials of each search of an arm.

    The mean is over the searches; the band over all ways to take the trials from any one of them. It goes as far as the
    search with the fewest finished trials.
    """
    ranked = [np.sort(np.asarray(one, dtype=np.float64)) for one in searches]
    trials = np.arange(1, min(map(len, ranked)) + 1)
    shares = [best_shares(len(one), len(trials)) for one in ranked]
    mean = np.mean([share @ one for share, one in zip(shares, ranked, strict=True)], axis=0)
    values, weights = np.concatenate(ranked), np.concatenate(shares, axis=1) / len(ranked)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    # Sums of shares are 1 only up to rounding.
    low, high = (values[order][(reached >= share - 1e-9).argmax(axis=1)] for share in BAND)
    return ExpectedBest(trials, mean, low, high)


def best_shares(trials: int, most: int) -> np.ndarray:
    """Return in which share of all ways to take n of `trials` trials the one of each rank is the best, (most, trials).

    Row n - 1, column i - 1: C(i - 1, n - 1) / C(trials, n).
    """
    taken, rank = np.arange(1, most + 1)[:, None], np.arange(1, trials + 1)[None, :]
    possible = rank >= taken
    below = np.maximum(rank - taken, 0)
    ways = gammaln(rank) - gammaln(taken) - gammaln(below + 1)
    every = gammaln(trials + 1) - gammaln(taken + 1) - gammaln(trials - taken + 1)
    return np.where(possible, np.exp(ways - every), 0.0)
