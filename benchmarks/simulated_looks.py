"""Studies of `simulated_studies.py` that run until they are decided: what `calibration.py` puts their looks to.

All seeds of a study are drawn; how many of them an arm uses, its looks say. What the report does arm by arm is done here for
all studies at once; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
from scipy import stats
from scipy.interpolate import RegularGridInterpolator
from simulated_studies import Case, parts_of_means

from crescendo.reports.analysis.family import critical_value
from crescendo.reports.analysis.spending import CHANCE, careful_times, level_of_look, more_of_seeds
from crescendo.reports.analysis.statistics import LEVEL
from crescendo.reports.analysis.variance import Layout, Parts, combined, put_together, with_times_the_seeds
from crescendo.search_spaces.schema.confirm import Confirm

_FEWEST = 1e-4


@dataclass(frozen=True)
class Decided:
    """Of every study and arm: 1 better, -1 worse, 2 equivalent, 0 undecided; and with how many seeds."""

    answers: np.ndarray
    seeds: np.ndarray


def decided(case: Case, values: np.ndarray, margin: float, seeds: Sequence[int]) -> Decided:
    """Return what comes of `values` (`simulated_studies.differences`), looked at with these numbers of `seeds`."""
    groups, most, left = values.mean(axis=-1), seeds[-1], len(seeds)
    answers, used = np.zeros(values.shape[:2], dtype=int), np.full(values.shape[:2], most)
    still, spent = np.ones(values.shape[:2], dtype=bool), np.zeros(len(values))
    parts: Parts | None = None
    for number, now in enumerate(seeds):
        left -= 1
        layout, fresh = replace(case.layout, seeds=now), parts_of_means(groups[..., :now, :])
        parts = fresh if parts is None else _kept(parts, fresh, still, now / seeds[number - 1], case.repeats > 1)
        found, value = combined(parts, layout), groups[..., :now, :].mean(axis=(-4, -3, -2, -1))
        share = _share(found.parts, layout, most, case.arms, still)
        level = np.array(
            [level_of_look(one, before, len(seeds), left) for one, before in zip(share, spent, strict=True)]
        )
        spent += level
        came = _answers(value, np.asarray(found.total), np.asarray(found.degrees), level, margin)
        answers = np.where(still, came, answers)
        stops = came != 0
        if left:
            stops |= _chance(value, found.parts, layout, most, case.arms, LEVEL - spent, margin) < CHANCE
        used = np.where(still & stops, now, used)
        still &= ~stops
    return Decided(answers, used)


def looks(first: int, most: int) -> tuple[int, ...]:
    """Return the numbers of seeds at which a study looks."""
    return Confirm(seeds=first, until="decided", at_most=most).looks


def _kept(before: Parts, fresh: Parts, still: np.ndarray, times: float, by_search: bool) -> Parts:
    """Return fresh parts of the arms that go on, and those of the others as they would be with as many seeds."""
    then = with_times_the_seeds(before, times, by_search)
    return Parts(*(np.where(still, getattr(fresh, one.name), getattr(then, one.name)) for one in fields(Parts)))


def _with_seeds(parts: Parts, layout: Layout, seeds: int, arms: int) -> tuple[np.ndarray, np.ndarray]:
    """Return variance and degrees of freedom with so many seeds: what `planning.parts_with` says, of arrays."""
    together = np.minimum(np.minimum(parts.together, parts.groups), parts.units)
    of_seeds = np.minimum(np.asarray(parts.units) - together, parts.seeds)
    told_apart = replace(parts, together=together, seeds=of_seeds)
    wanted = with_times_the_seeds(told_apart, seeds / layout.seeds, layout.repeats > 1)
    if layout.folds > 1:
        within = put_together(replace(parts, folds=np.zeros_like(together)), layout, arms)[0]
        beyond = np.maximum(0.0, np.asarray(parts.folds) - within)
        none = replace(wanted, folds=np.zeros_like(together))
        then = put_together(none, replace(layout, seeds=seeds), arms)[0]
        wanted = replace(wanted, folds=np.where(beyond > 0, beyond + then, 0.0))
    total, degrees = put_together(wanted, replace(layout, seeds=seeds), arms)
    return np.asarray(total), np.asarray(degrees)


def _share(parts: Parts, layout: Layout, most: int, arms: int, still: np.ndarray) -> np.ndarray:
    doubtful = more_of_seeds(parts, layout, careful_times(layout, arms))
    now, then = (
        np.where(still, _with_seeds(doubtful, layout, seeds, arms)[0], 0.0).sum(axis=1)
        for seeds in (layout.seeds, most)
    )
    return np.minimum(1.0, np.divide(then, now, out=np.ones_like(now), where=now > 0))


def _answers(value: np.ndarray, total: np.ndarray, degrees: np.ndarray, level: np.ndarray, margin: float) -> np.ndarray:
    error, arms = np.sqrt(total), value.shape[1]
    shown = np.abs(value) > critical(degrees, arms, level) * error
    same = np.abs(value) + stats.t.isf(level[:, None] / arms, degrees) * error < margin
    return np.where(shown, np.where(value > 0, 1, -1), np.where(same, 2, 0))


def _chance(
    value: np.ndarray, parts: Parts, layout: Layout, most: int, arms: int, level: np.ndarray, margin: float
) -> np.ndarray:
    now, (then, degrees) = _with_seeds(parts, layout, layout.seeds, arms)[0], _with_seeds(parts, layout, most, arms)
    error, moves, level = np.sqrt(then), np.sqrt(np.maximum(now - then, 1e-24)), np.maximum(level, _FEWEST)
    shown = critical(degrees, arms, level) * error
    within = margin - stats.t.isf(level[:, None] / arms, degrees) * error
    better, worse = stats.norm.sf((shown - value) / moves), stats.norm.cdf((-shown - value) / moves)
    inside = stats.norm.cdf((within - value) / moves) - stats.norm.cdf((-within - value) / moves)
    return np.asarray(better + worse + np.maximum(0.0, inside))


def critical(degrees: np.ndarray, comparisons: int, level: np.ndarray) -> np.ndarray:
    """Return `family.critical_value` of each, (studies, arms), within 1 %: read off a surface."""
    places = np.stack(
        [1 / np.maximum(degrees, 0.5), np.broadcast_to(np.log(level)[:, None], np.shape(degrees))], axis=-1
    )
    return np.asarray(np.exp(_surface(comparisons)(places)))


@lru_cache(maxsize=8)
def _surface(comparisons: int) -> RegularGridInterpolator:
    inverse, logarithm = np.linspace(0, 1, 25) ** 2 * 2, np.linspace(math.log(_FEWEST), math.log(LEVEL), 20)
    curves = [
        [math.log(critical_value(1 / one if one else math.inf, comparisons, math.exp(level))) for level in logarithm]
        for one in inverse
    ]
    return RegularGridInterpolator((inverse, logarithm), np.array(curves), bounds_error=False, fill_value=None)
