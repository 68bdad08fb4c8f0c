"""How sure a difference between two arms is (protocol section 8).

Runs of two arms differ by the seed of the training and by the recordings they are tested on. Both are samples: what is
asked is whether another training, tested on other recordings of this kind, would show the same. Recordings of one group (a
person, say) are alike, so groups are what is sampled. All arms share seeds and resamples of groups, so every difference is
taken within a seed and within a resample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from crescendo.reports.analysis.estimates import Estimate

LEVEL = 0.05
POWER = 0.8
# A standard error, as a fraction of 1, that sums of floating-point numbers leave where nothing varies.
_NOISE = 1e-12


@dataclass(frozen=True)
class Variance:
    """The variance of a mean difference and its degrees of freedom, by its source: see `mean_variance`.

    `groups` and `seeds` both hold what the two do `together`.
    """

    groups: float
    seeds: float
    together: float
    total: float
    degrees: float


@dataclass(frozen=True)
class PairedDifference:
    """A mean difference with its interval.

    `low`, `high`: the 95 % interval, simultaneous over the comparisons; `p`: two-sided, 1 where nothing varied, which is no
    evidence; `percentile`: the plain percentile interval of groups and seeds resampled together; `improvement`: see
    `probability_of_improvement`.
    """

    value: float
    low: float
    high: float
    p: float
    standard_error: float
    variance: Variance
    percentile: tuple[float, float]
    improvement: float


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Return the mean over seeds and its interval by Student's t, (1 - `level`) of it."""
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Estimate(mean, None, None, tuple(values))
    half = float(stats.t.ppf(1 - level / 2, len(sample) - 1) * sample.std(ddof=1) / math.sqrt(len(sample)))
    return Estimate(mean, mean - half, mean + half, tuple(values))


def paired_difference(
    observed: np.ndarray,
    resampled: np.ndarray,
    groups: int,
    *,
    comparisons: int = 1,
    seed: int = 0,
    level: float = LEVEL,
) -> PairedDifference:
    """Return the mean over seeds of a paired difference, its interval and p value.

    The interval is one of as many as there are `comparisons`, which hold together with probability 1 - `level` or more
    (Bonferroni); p is of this one alone.

    Interval and p are Student's t, with the variance and the degrees of freedom of `mean_variance`. The usual percentile
    interval of resampled recordings and seeds is given beside it, but not relied upon: of three seeds it calls equal arms
    different in up to a quarter of all studies, since three values resampled know little of how far a fourth may lie.

    Parameters
    ----------
    observed
        (seeds,) difference of each seed on all recordings.
    resampled
        (resamples, seeds) the same on bootstrap resamples of the groups of recordings, shared by all seeds.
    groups
        How many were resampled.
    seed
        Of the resampling of seeds in the percentile interval.

    Raises
    ------
    ValueError
        If there is but one group or one seed: one says nothing of how much others would differ.
    """
    value = float(observed.mean())
    variance = mean_variance(observed, resampled, groups)
    error = math.sqrt(variance.total)
    error = error if error > _NOISE else 0.0
    half = float(stats.t.ppf(1 - level / (2 * comparisons), variance.degrees)) * error
    p = 1.0
    if error > 0:
        p = float(2 * stats.t.sf(abs(value) / error, variance.degrees))
    return PairedDifference(
        value=value,
        low=value - half,
        high=value + half,
        p=p,
        standard_error=error,
        variance=variance,
        percentile=percentile_interval(resampled, seed, level),
        improvement=probability_of_improvement(resampled),
    )


def mean_variance(observed: np.ndarray, resampled: np.ndarray, groups: int) -> Variance:
    """Return the variance of the mean difference over seeds and groups of recordings, both random and crossed.

    With r the variance of the mean over seeds due to the groups (bootstrap), s that of the mean due to the seeds
    (their sample variance over their number), and i the variance due to what groups and seeds do together, which
    both r and s hold: r + s - i, as in the two-way analysis of variance with random effects, and at least the larger of
    r and s. i follows from the bootstrap: the variance of single seeds' differences is larger than r by i times (seeds -
    1). A bootstrap over n groups gives (n - 1) / n of a mean's variance, which is put right. The degrees of freedom
    are Satterthwaite's (1946), and no fewer than the smaller sample has.

    An AP is no mean over groups; to first order it behaves like one, and the bootstrap, which takes it anew on each
    resample, is what makes r right.
    """
    seeds = len(observed)
    if groups < 2 or seeds < 2:
        raise ValueError(f"at least 2 groups and 2 seeds are needed but got {groups} and {seeds}")
    enlarged = groups / (groups - 1)
    by_seeds = float(observed.var(ddof=1)) / seeds
    by_groups = enlarged * float(resampled.mean(axis=1).var(ddof=1))
    single = enlarged * float(resampled.var(axis=0, ddof=1).mean())
    together = max(0.0, (single - by_groups) / (seeds - 1))
    total = max(by_groups, by_seeds, by_groups + by_seeds - together)
    degrees = _degrees(total, (by_groups, by_seeds, together), groups - 1, seeds - 1)
    return Variance(by_groups, by_seeds, together, total, degrees)


def percentile_interval(resampled: np.ndarray, seed: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentiles of the mean difference over resampled seeds, on the resamples of recordings."""
    resamples, seeds = resampled.shape
    counts = np.random.default_rng(seed).multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples)
    low, high = np.quantile((resampled * counts).sum(axis=1) / seeds, [level / 2, 1 - level / 2])
    return float(low), float(high)


def probability_of_improvement(resampled: np.ndarray) -> float:
    """Return how probably a training beats the baseline's of the same seed on recordings like these; ties are halves.

    The share of (resample, seed) with a positive difference: the probability of improvement of Agarwal et al.,
    "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (2021), with runs paired by seed.
    """
    return float((resampled > 0).mean() + (resampled == 0).mean() / 2)


def holm(p: Sequence[float]) -> list[float]:
    """Return the p values corrected for their number by Holm's method (1979), in the order given."""
    corrected = [0.0] * len(p)
    largest = 0.0
    for rank, number in enumerate(sorted(range(len(p)), key=lambda one: p[one])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[number]))
        corrected[number] = largest
    return corrected


def detectable_difference(
    standard_error: float, degrees: float, comparisons: int = 1, *, power: float = POWER, level: float = LEVEL
) -> float:
    """Return the smallest true difference that would be shown with probability `power`.

    Where the true difference is d, difference over standard error has a noncentral t distribution with the noncentrality
    d / `standard_error`; it must pass the t of the level, which is divided by the number of comparisons, the hardest step
    of Holm's correction.
    """
    shown = float(stats.t.ppf(1 - level / (2 * comparisons), degrees))
    # With few degrees of freedom the t is large, and so is what passes it.
    found = optimize.brentq(lambda shift: stats.nct.sf(shown, degrees, shift) - power, 0.0, 10 * (shown + 1))
    return float(found) * standard_error


def equivalent(value: float, standard_error: float, degrees: float, margin: float, level: float) -> bool:
    """Tell whether a difference is shown to lie within plus and minus `margin`: two one-sided tests, each at `level`.

    Schuirmann, "A comparison of the two one-sided tests procedure and the power approach" (1987).
    """
    return abs(value) + float(stats.t.ppf(1 - level, degrees)) * standard_error < margin


def detectable_with(variance: Variance, seeds: int, groups: int, wanted: int | None, comparisons: int = 1) -> float:
    """Return the detectable difference that `wanted` seeds would have had in place of `seeds`; None: any number of them.

    Of the variance (`mean_variance`), what groups do alone stays; what seeds do, alone or with groups, falls as their number
    rises.
    """
    share = 0.0 if wanted is None else seeds / wanted
    alone = max(0.0, variance.groups - variance.together)
    by_groups = alone + (variance.groups - alone) * share
    by_seeds, together = variance.seeds * share, variance.together * share
    total = max(by_groups, by_seeds, alone + by_seeds)
    freedom = math.inf if wanted is None else wanted - 1
    degrees = _degrees(total, (by_groups, by_seeds, together), groups - 1, freedom)
    return detectable_difference(math.sqrt(total), degrees, comparisons)


def _degrees(total: float, parts: tuple[float, float, float], by_groups: float, by_seeds: float) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of variances, at least those of the smaller sample."""
    freedom = np.array([by_groups, by_seeds, by_groups * by_seeds])
    weighed = float((np.array(parts) ** 2 / freedom).sum())
    fewest = float(min(by_groups, by_seeds))
    return max(fewest, total**2 / weighed) if weighed else fewest
