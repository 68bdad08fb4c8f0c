"""Studies of equal arms, drawn at random: what `calibration.py` puts the report's statistics to.

The measure of a training is a mean over recordings. An arm's measure varies by group of recordings, by what its search found,
by seed, and by seed and recording together; each arm, the baseline too, draws its own of each, so that differences of equal
arms have no sign. All of it is one array a study, and the variances of bootstraps, which of means are known, are taken without
drawing any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from crescendo.reports.analysis.family import critical_value
from crescendo.reports.analysis.statistics import LEVEL
from crescendo.reports.analysis.variance import Layout, Parts, combined

_VALUES = 20_000_000
"""Numbers drawn at a time."""


@dataclass(frozen=True)
class Case:
    """What is simulated.

    Attributes
    ----------
    arms : compared with the baseline
    folds, repeats, seeds : of the layout
    groups, each, alike : groups a fold, recordings a group, and their intraclass correlation
    parts : how what varies is distributed
    search : standard deviation of a difference due to the search, in standard errors of a study of one search
    unequal : spread of the first arm's search, in those of the others
    seed, both : standard deviations due to the seed, and to seed and recording, in those due to recordings
    training : standard deviation of a fold's difference due to what it was trained on, in standard errors; folds share it
    """

    arms: int = 4
    folds: int = 1
    repeats: int = 1
    seeds: int = 3
    groups: int = 19
    each: int = 1
    alike: float = 0.0
    parts: str = "normal"
    search: float = 0.0
    unequal: float = 1.0
    seed: float = 0.2
    both: float = 0.3
    training: float = 0.0

    @property
    def layout(self) -> Layout:
        """The layout of every arm's differences."""
        return Layout((self.groups,) * self.folds, self.repeats, self.seeds)

    @property
    def error(self) -> float:
        """Standard error of an arm's mean in one fold with one search."""
        by_groups = (self.alike + (1 - self.alike) / self.each) / self.groups
        return math.sqrt(by_groups + self.seed**2 / self.seeds + self.both**2 / self.seeds / self.groups / self.each)


Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
PARTS: dict[str, Draw] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "t3": lambda random, shape: random.standard_t(3, shape) / math.sqrt(3),
    "skewed": lambda random, shape: random.standard_exponential(shape) - 1,
}
"""Distributions with mean 0 and variance 1."""


def differences(case: Case, studies: int, random: np.random.Generator) -> np.ndarray:
    """Return differences of recordings, (studies, arms, folds, repeats, seeds, groups, recordings a group)."""
    draw = PARTS[case.parts]
    lead, folds, groups = (studies, case.arms + 1), (case.folds,), (case.groups,)
    people = draw(random, (*lead, *folds, 1, 1, *groups, 1)) * math.sqrt(case.alike)
    single = draw(random, (*lead, *folds, 1, 1, *groups, case.each)) * math.sqrt(1 - case.alike)
    found = draw(random, (*lead, *folds, case.repeats, 1, 1, 1)) * case.search * case.error
    found[:, 1] *= case.unequal
    shape = (*lead, *folds, case.repeats, case.seeds)
    trained = draw(random, (*shape, 1, 1)) * case.seed
    values = people + single + found + trained + case.both * draw(random, (*shape, *groups, case.each))
    if case.training:
        values += _training(case, lead, draw, random)[..., None, None, None, None]
    return np.asarray(values[:, 1:] - values[:, :1])


def _training(case: Case, lead: tuple[int, int], draw: Draw, random: np.random.Generator) -> np.ndarray:
    """Return what the training recordings of each fold do to it, (studies, arms, folds).

    Each of `folds` parts of the recordings has an effect; fold k is trained on all parts but k and k + 1.
    """
    of_part = draw(random, (*lead, case.folds))
    inside = [[part not in (fold, (fold + 1) % case.folds) for part in range(case.folds)] for fold in range(case.folds)]
    trained = of_part @ np.array(inside, dtype=float).T
    return np.asarray(trained / math.sqrt(case.folds - 2) * case.training * case.error)


def parts_of_means(groups: np.ndarray) -> Parts:
    """Return the parts of the variance (`variance.parts_of`) of differences by group, (..., folds, repeats, seeds, groups)."""
    folds, repeats, seeds, number = groups.shape[-4:]
    units = groups.mean(axis=-2) if repeats > 1 else groups[..., 0, :, :]
    amount = units.shape[-2]
    by_groups = single = by_units = together = np.zeros(groups.shape[:-3])
    if number > 1:
        by_groups = units.mean(axis=-2).var(axis=-1, ddof=1) / number
        single = units.var(axis=-1, ddof=1).mean(axis=-1) / number
    if amount > 1:
        by_units = units.mean(axis=-1).var(axis=-1, ddof=1) / amount
        together = np.maximum(0, (single - by_groups) / (amount - 1))
    of_seeds = np.zeros_like(by_groups)
    if repeats > 1 and seeds > 1:
        of_seeds = groups.mean(axis=-1).var(axis=-1, ddof=1).mean(axis=-1) / seeds / repeats
    between = np.zeros(groups.shape[:-4])
    if folds > 1:
        between = groups.mean(axis=(-3, -2, -1)).var(axis=-1, ddof=1) / folds
    within = (one.sum(axis=-1) / folds**2 for one in (by_groups, by_units, together, of_seeds))
    return Parts(*within, between)


def called_different(case: Case, values: np.ndarray) -> np.ndarray:
    """Return in which studies the report calls any arm different, (studies,) bool."""
    groups = values.mean(axis=-1)
    found = combined(parts_of_means(groups), case.layout)
    statistic = np.abs(groups.mean(axis=(-4, -3, -2, -1))) / np.sqrt(found.total)
    return np.asarray((statistic > critical_values(np.asarray(found.degrees), case.arms)).any(axis=-1))


def called_different_before(case: Case, values: np.ndarray) -> np.ndarray:
    """Return the same of the report as it was: Holm over the arms of `p_before`."""
    # Holm's first step: if any arm is called different, the one of the smallest p is.
    return np.asarray(p_before(case, values).min(axis=-1) * case.arms < LEVEL)


def p_before(case: Case, values: np.ndarray) -> np.ndarray:
    """Return the p of every arm by itself, (studies, arms), of one fold and one search, recordings taken as independent.

    The literal formulas of `mean_variance` before groups of recordings were known.
    """
    single = values[:, :, 0, 0].reshape(*values.shape[:2], case.seeds, -1)
    recordings, seeds = single.shape[-1], case.seeds
    by_recordings = single.mean(axis=-2).var(axis=-1, ddof=1) / recordings
    by_seeds = single.mean(axis=-1).var(axis=-1, ddof=1) / seeds
    of_single = single.var(axis=-1, ddof=1).mean(axis=-1) / recordings
    together = np.maximum(0, (of_single - by_recordings) / (seeds - 1))
    total = np.maximum(np.maximum(by_recordings, by_seeds), by_recordings + by_seeds - together)
    freedom = (recordings - 1, seeds - 1, (recordings - 1) * (seeds - 1))
    weighed = sum(one**2 / by for one, by in zip((by_recordings, by_seeds, together), freedom, strict=True))
    degrees = np.maximum(min(freedom), total**2 / weighed)
    return np.asarray(2 * stats.t.sf(np.abs(single.mean(axis=(-2, -1))) / np.sqrt(total), degrees))


def critical_values(degrees: np.ndarray, comparisons: int) -> np.ndarray:
    """Return `family.critical_value` of each, within 0.1 %: read off a curve over the inverse of the degrees of freedom."""
    inverse = 1 / np.maximum(degrees, 0.5)
    places = np.linspace(0, 1, 60) ** 2 * 2
    curve = [critical_value(1 / place if place else math.inf, comparisons, LEVEL) for place in places]
    return np.exp(np.interp(inverse, places, np.log(curve)))


def simulated(case: Case, studies: int, seed: int) -> Iterator[np.ndarray]:
    """Yield `differences` of as many studies, some at a time; the same for the same seed."""
    one = (case.arms + 1) * case.folds * case.repeats * case.seeds * case.groups * case.each
    at_once = max(1, min(studies, _VALUES // one))
    for number, begin in enumerate(range(0, studies, at_once)):
        yield differences(case, min(at_once, studies - begin), np.random.default_rng([seed, number]))
