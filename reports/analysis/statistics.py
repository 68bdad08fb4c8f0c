"""How sure a difference between two arms is (protocol section 8, docs/statistics.md).

Runs of two arms differ by the seed of the training, by what their searches found, and by the recordings they are tested on.
All are samples: what is asked is whether other trainings, tested on other recordings of this kind, would show the same.
Recordings of one group (a person, say) are alike, so groups are what is sampled. All arms share seeds and resamples of groups,
so every difference is taken within a seed and within a resample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy import optimize, stats

from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.family import adjusted_p, critical_value
from crescendo.reports.analysis.variance import (
    FoldSample,
    Layout,
    Parts,
    Variance,
    combined,
    layout_of,
    parts_of,
    with_times_the_seeds,
)

LEVEL = 0.05
POWER = 0.8
# A standard error, as a fraction of 1, that sums of floating-point numbers leave where nothing varies.
_NOISE = 1e-12


@dataclass(frozen=True)
class PairedDifference:
    """A mean difference with its interval.

    `low`, `high`: the 95 % interval, simultaneous over the arms; `p`: two-sided, of this arm alone; `p_adjusted`: over all arms
    and looks, at most 0.05 where the interval is without 0. Both p are 1 where nothing varied, which is no evidence.
    `percentile`: the plain percentile interval of groups and seeds resampled together; `improvement`: see
    `probability_of_improvement`.
    """

    value: float
    low: float
    high: float
    p: float
    p_adjusted: float
    standard_error: float
    variance: Variance
    layout: Layout
    percentile: tuple[float, float]
    improvement: float

    @property
    def degrees(self) -> float:
        """Degrees of freedom of its standard error."""
        return float(self.variance.degrees)


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Return the mean over seeds and its interval by Student's t, (1 - `level`) of it."""
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Estimate(mean, None, None, tuple(values))
    half = float(stats.t.ppf(1 - level / 2, len(sample) - 1) * sample.std(ddof=1) / math.sqrt(len(sample)))
    return Estimate(mean, mean - half, mean + half, tuple(values))


def paired_differences(
    arms: Sequence[Sequence[FoldSample]], *, seed: int = 0, level: float = LEVEL
) -> list[PairedDifference]:
    """Return the mean difference of every arm, whose folds are given, with its interval and p.

    It is the mean over folds of the mean over repeats of the mean over seeds. Interval and p are Student's t, with variance and
    degrees of freedom of `variance.combined`; the intervals of all arms hold together with probability 1 - `level`, and p is
    adjusted for their number (`family`). Where the level is that of one of several looks (`spending`), p is for all of them.

    The usual percentile interval of resampled recordings and seeds is given beside it, but not relied upon: of three seeds it
    calls equal arms different in up to a quarter of all studies, since three values resampled know little of how far a fourth
    may lie. `seed` is of the resampling of seeds in it.

    Raises
    ------
    ValueError
        If an arm has one fold, and in it one group, or one seed: one says nothing of how much others would differ.
    """
    layouts = [layout_of(folds) for folds in arms]
    for layout in layouts:
        if layout.folds == 1 and (layout.groups[0] < 2 or layout.units < 2):
            raise ValueError(f"at least 2 groups and 2 seeds are needed but got {layout.groups[0]} and {layout.units}")
    parts = [parts_of(folds) for folds in arms]
    return [
        _difference(folds, _variance(number, parts, layouts), parts[number], layouts[number], (len(arms), seed, level))
        for number, folds in enumerate(arms)
    ]


def _variance(arm: int, parts: Sequence[Parts], layouts: Sequence[Layout]) -> Variance:
    """Return the variance of one arm's difference, drawn towards those of the arms that have as many folds and repeats.

    An arm of which nothing varied, a training that came out as the baseline's, says nothing of others.
    """
    own = layouts[arm]
    like = [
        one
        for one, layout in enumerate(layouts)
        if (layout.folds, layout.repeats) == (own.folds, own.repeats) and (one == arm or _varied(parts[one]))
    ]
    scaled = [with_times_the_seeds(parts[one], own.seeds / layouts[one].seeds, own.repeats > 1) for one in like]
    found = combined(Parts(*(np.array([getattr(one, part.name) for one in scaled]) for part in fields(Parts))), own)
    place = like.index(arm)
    mine = Parts(*(float(np.asarray(getattr(found.parts, part.name))[place]) for part in fields(Parts)))
    return Variance(mine, float(np.asarray(found.total)[place]), float(np.asarray(found.degrees)[place]), len(like))


def _varied(parts: Parts) -> bool:
    return any(float(one) > _NOISE**2 for one in (parts.groups, parts.units, parts.folds, parts.seeds))


def _difference(
    folds: Sequence[FoldSample], variance: Variance, own: Parts, layout: Layout, family: tuple[int, int, float]
) -> PairedDifference:
    comparisons, seed, level = family
    value, resampled = float(np.mean([fold.mean for fold in folds])), _every_run(folds)
    # Where nothing of its own varied, what other arms vary is no evidence.
    error = math.sqrt(float(variance.total)) if _varied(own) else 0.0
    half = critical_value(float(variance.degrees), comparisons, level) * error
    statistic = abs(value) / error if error > 0 else 0.0
    return PairedDifference(
        value=value,
        low=value - half,
        high=value + half,
        p=float(2 * stats.t.sf(statistic, variance.degrees)),
        p_adjusted=min(1.0, adjusted_p(statistic, float(variance.degrees), comparisons) * (LEVEL / level)),
        standard_error=error,
        variance=variance,
        layout=layout,
        percentile=percentile_interval(resampled, seed, level),
        improvement=probability_of_improvement(resampled),
    )


def _every_run(folds: Sequence[FoldSample]) -> np.ndarray:
    """Return the differences of all trainings on resamples, (resamples, trainings)."""
    fewest = min(len(one) for fold in folds for one in fold.resampled)
    return np.concatenate([one[:fewest] for fold in folds for one in fold.resampled], axis=1)


def percentile_interval(resampled: np.ndarray, seed: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentiles of the mean difference over resampled trainings, on the resamples of recordings."""
    resamples, trainings = resampled.shape
    counts = np.random.default_rng(seed).multinomial(trainings, np.full(trainings, 1 / trainings), size=resamples)
    low, high = np.quantile((resampled * counts).sum(axis=1) / trainings, [level / 2, 1 - level / 2])
    return float(low), float(high)


def probability_of_improvement(resampled: np.ndarray) -> float:
    """Return how probably a training beats the baseline's of the same seed on recordings like these; ties are halves.

    The share of (resample, seed) with a positive difference: the probability of improvement of Agarwal et al.,
    "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (2021), with runs paired by seed.
    """
    return float((resampled > 0).mean() + (resampled == 0).mean() / 2)


def detectable_difference(
    standard_error: float, degrees: float, comparisons: int = 1, *, power: float = POWER, level: float = LEVEL
) -> float:
    """Return the smallest true difference that would be shown with probability `power`.

    Where the true difference is d, difference over standard error has a noncentral t distribution with the noncentrality
    d / `standard_error`; it must pass the critical value of as many `comparisons`.
    """
    shown = critical_value(degrees, comparisons, level)
    # With few degrees of freedom the t is large, and so is what passes it.
    found = optimize.brentq(lambda shift: stats.nct.sf(shown, degrees, shift) - power, 0.0, 10 * (shown + 1))
    return float(found) * standard_error


def shown_with_power(
    difference: float, standard_error: float, degrees: float, comparisons: int = 1, *, level: float = LEVEL
) -> float:
    """Return how probably a true `difference` would be shown, of as many `comparisons`: `detectable_difference` has `POWER`."""
    return float(stats.nct.sf(critical_value(degrees, comparisons, level), degrees, difference / standard_error))


def equivalent(value: float, standard_error: float, degrees: float, margin: float, level: float) -> bool:
    """Tell whether a difference is shown to lie within plus and minus `margin`: two one-sided tests, each at `level`.

    Schuirmann, "A comparison of the two one-sided tests procedure and the power approach" (1987).
    """
    return abs(value) + float(stats.t.ppf(1 - level, degrees)) * standard_error < margin
