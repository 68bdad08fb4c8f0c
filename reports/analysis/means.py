"""Means over the trainings of an arm: over folds, in each over repeats, in each over seeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.member import Training
from crescendo.reports.analysis.statistics import mean_interval


def means(rows: Mapping[Training, Mapping[str, float]]) -> dict[str, Estimate]:
    """Return figure -> its mean over the trainings that have it; `rows` are the figures of each training.

    A label that a fold's test recordings lack has its mean over the other folds.
    """
    figures = dict.fromkeys(figure for row in rows.values() for figure in row)
    return {name: _mean({key: row[name] for key, row in rows.items() if name in row}) for name in figures}


def _mean(values: Mapping[Training, float]) -> Estimate:
    """Return the mean of folds; of one fold, of its repeats; of one repeat, of its seeds."""
    folds: dict[str | None, dict[int, list[float]]] = {}
    for (replicate, _), value in values.items():
        folds.setdefault(replicate.fold, {}).setdefault(replicate.repeat, []).append(value)
    if len(folds) > 1:
        return mean_interval([_of(list(map(_of, repeats.values()))) for repeats in folds.values()])
    [repeats] = folds.values()
    if len(repeats) > 1:
        return mean_interval(list(map(_of, repeats.values())))
    [seeds] = repeats.values()
    return mean_interval(seeds)


def over(replicates: Collection[tuple[str | None, int]]) -> str:
    """Return what the mean and interval of an arm with these (fold, repeat) are over: `folds`, `repeats` or `seeds`."""
    if len({fold for fold, _ in replicates}) > 1:
        return "folds"
    return "repeats" if len(set(replicates)) > 1 else "seeds"


def _of(values: Sequence[float]) -> float:
    return float(np.mean(values))
