"""Studies of equal arms whose measure is a mean over labels, some of which few groups of recordings have.

A label that no group of a resample has is left out of its mean, as in the report (`resampling.mean_ap`); so the measure is no
mean over groups, and resamples are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from simulated_studies import PARTS, critical_values

from crescendo.reports.analysis.variance import Layout, Parts, combined

RESAMPLES, AT_ONCE = 200, 50


@dataclass(frozen=True)
class LabelCase:
    """`having`: of how many groups of a fold each label is; the other names as in `simulated_studies.Case`."""

    having: tuple[int, ...]
    groups: int = 10
    arms: int = 4
    seeds: int = 3
    parts: str = "normal"
    folds: int = 1

    @property
    def layout(self) -> Layout:
        """The layout of every arm's differences."""
        return Layout((self.groups,) * self.folds, 1, self.seeds)


def called_different(case: LabelCase, studies: int, seed: int) -> Iterator[np.ndarray]:
    """Yield in which studies the report calls any arm different, (studies,) bool, some studies at a time."""
    for number, begin in enumerate(range(0, studies, AT_ONCE)):
        yield _called(case, min(AT_ONCE, studies - begin), np.random.default_rng([seed, number]))


def _called(case: LabelCase, studies: int, random: np.random.Generator) -> np.ndarray:
    folds = [_fold(case, studies, random) for _ in range(case.folds)]
    means = np.array([mean for mean, _ in folds])
    within = (sum(parts) / case.folds**2 for parts in zip(*(parts for _, parts in folds), strict=True))
    between = means.var(axis=0, ddof=1) / case.folds if case.folds > 1 else np.zeros_like(means[0])
    variance = combined(Parts(*within, np.zeros_like(between), between), case.layout)
    statistic = np.abs(means.mean(axis=0)) / np.sqrt(variance.total)
    return np.asarray((statistic > critical_values(np.asarray(variance.degrees), case.arms)).any(axis=-1))


def _fold(
    case: LabelCase, studies: int, random: np.random.Generator
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return the differences of a fold, (studies, arms), and their variance by groups, by seeds and by both together."""
    present = np.zeros((case.groups, len(case.having)))
    for label, having in enumerate(case.having):
        present[random.permutation(case.groups)[:having], label] = random.integers(1, 8, having)
    share = np.full(case.groups, 1 / case.groups)
    drawn = np.concatenate([np.ones((1, case.groups)), random.multinomial(case.groups, share, size=RESAMPLES)])
    measured = _means(_found(case, studies, random) * present, present, drawn)
    kept = ~np.isnan(measured).any(axis=(0, 1, 2))
    gained = (measured[:, 1:] - measured[:, :1])[..., kept]
    return gained[..., 0].mean(axis=-1), _parts(gained, case)


def _found(case: LabelCase, studies: int, random: np.random.Generator) -> np.ndarray:
    """Return the share found of each label in each group, (studies, arms and the baseline, seeds, groups, labels)."""
    draw, lead = PARTS[case.parts], (studies, case.arms + 1)
    of_group = draw(random, (*lead, 1, case.groups, 1)) + draw(random, (*lead, 1, case.groups, len(case.having)))
    of_seed = 0.3 * draw(random, (*lead, case.seeds, 1, 1))
    return np.asarray(of_group + of_seed + 0.3 * draw(random, (*lead, case.seeds, case.groups, len(case.having))))


def _means(found: np.ndarray, present: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the mean over the labels that each draw has, (studies, arms, seeds, draws)."""
    positives = drawn @ present
    with np.errstate(invalid="ignore"):
        shares = found.swapaxes(-1, -2) @ drawn.T / np.where(positives > 0, positives, np.nan).T
    had = (positives > 0).sum(axis=-1)
    return np.asarray(np.nansum(shares, axis=-2) / np.where(had > 0, had, np.nan))


def _parts(gained: np.ndarray, case: LabelCase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the variance of a fold (`variance.parts_of`); of the draws, the last axis, the first is all groups."""
    resampled, enlarged = gained[..., 1:], case.groups / (case.groups - 1)
    by_groups = enlarged * resampled.mean(axis=2).var(axis=-1, ddof=1)
    single = enlarged * resampled.var(axis=-1, ddof=1).mean(axis=2)
    by_seeds = gained[..., 0].var(axis=2, ddof=1) / case.seeds
    return by_groups, by_seeds, np.maximum(0, (single - by_groups) / (case.seeds - 1))
