"""What people do with the report of a study of `simulated_studies.py`, before and now: look again and again, read single
intervals, count stars. Each function returns in which studies any equal arm is taken for different, (studies,) bool: by the
report as it was, and by that of today.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from simulated_studies import Case, called_different, called_different_before, differences, p_before

from crescendo.reports.analysis.statistics import LEVEL

COLUMNS = 18
FIRST_SEEDS = 3
Taken = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Habit:
    """A study and what is done with its report: of the study, its `differences` and a generator for more."""

    case: Case
    taken: Callable[[Case, np.ndarray, np.random.Generator], Taken]


def seeds_added(case: Case, values: np.ndarray, _: np.random.Generator) -> Taken:
    """With 3 seeds first, one more is added by hand and looked at until some arm is different, at most those of the case."""
    return seeds_added_before(case, values), _ever(called_different, case, values)


def seeds_added_before(case: Case, values: np.ndarray) -> np.ndarray:
    """Return what the report as it was took for different, one seed after another."""
    return _ever(called_different_before, case, values)


def _ever(called: Callable[[Case, np.ndarray], np.ndarray], case: Case, values: np.ndarray) -> np.ndarray:
    numbers = range(FIRST_SEEDS, case.seeds + 1)
    return np.any([called(replace(case, seeds=seeds), values[..., :seeds, :, :]) for seeds in numbers], axis=0)


def intervals_read(case: Case, values: np.ndarray, _: np.random.Generator) -> Taken:
    """An arm is different whose interval lies beside 0: each was by itself, now all hold together."""
    return p_before(case, values).min(axis=-1) < LEVEL, called_different(case, values)


def stars_counted(alike: float) -> Callable[[Case, np.ndarray, np.random.Generator], Taken]:
    """An arm is different that has a star in any column: all 18 had them, now the primary one has.

    `alike` is the correlation of columns.
    """

    def taken(case: Case, values: np.ndarray, random: np.random.Generator) -> Taken:
        before = np.zeros(len(values), dtype=bool)
        for _ in range(COLUMNS):
            own = differences(case, len(values), random)
            before |= called_different_before(case, math.sqrt(alike) * values + math.sqrt(1 - alike) * own)
        return before, called_different(case, values)

    return taken
