"""What a difference between two arms varies with, estimated from the layout of a study (docs/statistics.md).

A study has folds (divisions of the recordings; one where there are none), in each fold repeats (independent searches), in
each repeat seeds. All of a fold is tested on the same groups of recordings. So groups are nested in folds, searches in folds
and seeds in searches, while groups are crossed with the searches and seeds of their fold.

All variances are of the mean difference over the whole study. Those of single arms have few degrees of freedom, so they are
drawn towards their mean over the arms (Smyth 2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

OWN = 0.25
"""How much an arm's own estimate counts beside the mean over all arms."""


@dataclass(frozen=True)
class Layout:
    """`groups` of test recordings in each fold, `repeats` of the search in each fold, `seeds` in each repeat."""

    groups: tuple[float, ...]
    repeats: int
    seeds: int

    @property
    def folds(self) -> int:
        """How many divisions of the recordings there are."""
        return len(self.groups)

    @property
    def units(self) -> int:
        """What is crossed with the groups of a fold: its repeats; of a single one, its seeds."""
        return self.repeats if self.repeats > 1 else self.seeds


@dataclass(frozen=True)
class FoldSample:
    """The differences of one arm in one fold.

    Attributes
    ----------
    observed : by repeat, (seeds,) differences on all recordings
    resampled : by repeat, (resamples, seeds), the same on bootstrap resamples of the fold's groups, shared by all
    groups : how many were resampled
    """

    observed: tuple[np.ndarray, ...]
    resampled: tuple[np.ndarray, ...]
    groups: int

    @property
    def mean(self) -> float:
        """The mean over the repeats of the mean over the seeds."""
        return float(np.mean([one.mean() for one in self.observed]))


@dataclass(frozen=True)
class Parts:
    """Variances of a mean difference, each estimated by itself; floats, or arrays with one place an arm (the last axis).

    Attributes
    ----------
    groups
        Due to the groups of recordings, with what they do together with the units.
    units
        Due to the units (see `Layout.units`), with what they do together with groups. Searches hold their seeds' share.
    together
        Due to what groups and units do only together, which `groups` and `units` both hold.
    seeds
        Due to the seeds alone, where units are searches; otherwise 0.
    folds
        Of everything, as the folds differ; 0 for a single one.
    """

    groups: float | np.ndarray
    units: float | np.ndarray
    together: float | np.ndarray
    seeds: float | np.ndarray
    folds: float | np.ndarray


@dataclass(frozen=True)
class Variance:
    """The variance of a mean difference, its degrees of freedom, and the parts it was put together from, over how many arms."""

    parts: Parts
    total: float | np.ndarray
    degrees: float | np.ndarray
    arms: int = 1


def layout_of(folds: Sequence[FoldSample]) -> Layout:
    """Return the layout of an arm's differences; where repeats or seeds are lacking somewhere, the fewest there are."""
    return Layout(
        tuple(fold.groups for fold in folds),
        min(len(fold.observed) for fold in folds),
        min(len(one) for fold in folds for one in fold.observed),
    )


def parts_of(folds: Sequence[FoldSample]) -> Parts:
    """Return the parts of the variance of one arm's mean difference."""
    number = len(folds)
    within = np.array([_within(fold) for fold in folds]).sum(axis=0) / number**2
    groups, units, together, seeds = map(float, within)
    between = float(np.var([fold.mean for fold in folds], ddof=1)) / number if number > 1 else 0.0
    return Parts(groups, units, together, seeds, between)


def _within(fold: FoldSample) -> tuple[float, float, float, float]:
    """Return what groups, units, both only together, and seeds alone contribute to the variance of a fold's mean."""
    observed, resampled, seeds = fold.observed[0], fold.resampled[0], 0.0
    if len(fold.observed) > 1:
        observed = np.array([one.mean() for one in fold.observed])
        resampled = np.stack([one.mean(axis=1) for one in fold.resampled], axis=1)
        spread = [one.var(ddof=1) / len(one) if len(one) > 1 else 0.0 for one in fold.observed]
        seeds = float(np.mean(spread)) / len(fold.observed)
    units = len(observed)
    # A bootstrap over n groups gives (n - 1) / n of a mean's variance.
    enlarged = fold.groups / (fold.groups - 1) if fold.groups > 1 else 0.0
    by_groups = enlarged * float(resampled.mean(axis=1).var(ddof=1))
    if units < 2:
        return by_groups, 0.0, 0.0, seeds
    single = enlarged * float(resampled.var(axis=0, ddof=1).mean())
    return by_groups, float(observed.var(ddof=1)) / units, max(0.0, (single - by_groups) / (units - 1)), seeds


def with_times_the_seeds(parts: Parts, times: float, by_search: bool) -> Parts:
    """Return what `parts` would be with so many times the seeds in each repeat, of which `by_search` there are several.

    What groups and single units vary only together is in the parts of both: it becomes less with seeds where they are the
    units. What folds vary stays, though it holds what seeds do.
    """
    if by_search:
        of_seeds = np.minimum(np.maximum(0.0, parts.units - parts.together), parts.seeds)
        return replace(parts, units=parts.units - of_seeds * (1 - 1 / times), seeds=parts.seeds / times)
    shared = np.minimum(parts.together, parts.groups)
    return Parts(
        parts.groups - shared * (1 - 1 / times),
        parts.units / times,
        parts.together / times,
        parts.seeds / times,
        parts.folds,
    )


def combined(parts: Parts, layout: Layout, own: float = OWN) -> Variance:
    """Return the variance of every arm's mean difference: of `parts` the last axis is the arms.

    Within a fold it is that of the two-way analysis of variance with random effects: groups + units - together, and at least
    the larger of the two. What searches vary is at least what their seeds do; what folds vary, at least what was seen
    within them. Degrees of freedom are Satterthwaite's (1946).

    `own` is what an arm's own estimates count beside the mean over the arms.
    """
    arms = np.shape(parts.groups)[-1]
    shared = Parts(*(_shared(np.asarray(getattr(parts, name)), own) for name in Parts.__dataclass_fields__))
    total, degrees = put_together(shared, layout, arms, own)
    return Variance(shared, total, degrees, arms)


def _shared(one: np.ndarray, own: float) -> np.ndarray:
    return np.asarray(own * one + (1 - own) * one.mean(axis=-1, keepdims=True))


def gained(arms: int, own: float = OWN) -> float:
    """Return by what degrees of freedom rise as the estimates of `arms` are drawn together.

    Estimates of two arms correlate with 1/4: half of what either difference varies is the baseline's, which they share.
    """
    of_mean = (1 + (arms - 1) / 4) / arms
    return 1 / (own**2 + (1 - own**2) * of_mean)


def put_together(
    parts: Parts, layout: Layout, arms: int = 1, own: float = OWN
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """Return the variance that `parts`, drawn together over `arms`, make up, and its degrees of freedom."""
    gain, folds = gained(arms, own), layout.folds
    freedom = gain * sum(one - 1 for one in layout.groups)
    of_units = gain * folds * (layout.units - 1)
    units, by_units = np.asarray(parts.units), np.full(np.shape(parts.units), float(of_units))
    if layout.repeats > 1:
        of_seeds = gain * folds * layout.repeats * (layout.seeds - 1)
        units, by_units = _at_least(units, by_units, np.asarray(parts.seeds), of_seeds)
    groups, together = np.asarray(parts.groups), np.asarray(parts.together)
    within = np.maximum(np.maximum(groups, units), groups + units - together)
    weighed = (
        _weighed(groups, freedom) + _weighed(units, by_units) + _weighed(together, freedom * by_units / gain / folds)
    )
    fewest = np.minimum(freedom if freedom > 0 else math.inf, np.where(by_units > 0, by_units, math.inf))
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.where(weighed > 0, np.maximum(fewest, within**2 / weighed), fewest)
    if folds == 1:
        return within, degrees
    return _at_least(np.asarray(parts.folds), np.full(np.shape(within), gain * (folds - 1)), within, degrees)


def _at_least(
    variance: np.ndarray, degrees: np.ndarray, least: np.ndarray, of_least: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return `variance` and its degrees of freedom, or where it is smaller, `least` with those of its own."""
    enough = variance >= least
    return np.where(enough, variance, least), np.where(enough, degrees, of_least)


def _weighed(variance: np.ndarray, degrees: np.ndarray | float) -> np.ndarray:
    """Return a variance's term in Satterthwaite's formula."""
    degrees = np.broadcast_to(degrees, np.shape(variance))
    weighed: np.ndarray = np.divide(variance**2, degrees, out=np.zeros(np.shape(variance)), where=degrees > 0)
    return weighed
