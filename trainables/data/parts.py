"""What a data set's parts are good for: training, validating, testing.

`unscored` are the labels that the matching rule does not score (`MatchingRule.unscored`).
"""

from __future__ import annotations

from collections.abc import Collection

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.part_faults import part_faults, unusable_parts
from crescendo.trainables.errors import InputError


def check_parts(dataset: Dataset, unscored: Collection[str] = ()) -> None:
    """Refuse a data set that nothing can be trained on, or no training validated with.

    Raises
    ------
    InputError
    """
    faults = faults_of(dataset, unscored)
    for subset in ("training", "validation"):
        if subset in faults:
            raise InputError(
                f"{dataset.path}: {faults[subset]}; look at it with `crescendo data describe`, and import it anew"
            )


def faults_of(dataset: Dataset, unscored: Collection[str] = ()) -> dict[str, str]:
    """Return subset -> why it cannot be used, and what follows; only those that cannot."""
    return part_faults(dataset.annotations, dataset.fps, _frames(dataset), unscored)


def scored_subsets(dataset: Dataset, unscored: Collection[str] = ()) -> tuple[str, ...]:
    """Return the subsets that a trained model is scored on: `validation`, and `test` where it has segments with frames."""
    return ("validation", "test") if untested(dataset, unscored) is None else ("validation",)


def untested(dataset: Dataset, unscored: Collection[str] = ()) -> str | None:
    """Return why nothing can be tested on `dataset`; None where it can."""
    return unusable_parts(dataset.annotations, dataset.fps, _frames(dataset), unscored).get("test")


def _frames(dataset: Dataset) -> dict[str, int]:
    return {name: dataset.frames(name) for name in dataset.annotations.recordings}
