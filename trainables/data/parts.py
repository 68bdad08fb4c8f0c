"""What a data set's parts are good for: a training needs segments to train on and to validate with, a test needs some, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.data.frames import BACKGROUND
from crescendo.trainables.data.splits import SUBSETS
from crescendo.trainables.errors import InputError

if TYPE_CHECKING:
    from crescendo.trainables.data.dataset import Dataset

_CONSEQUENCES = dict(
    zip(SUBSETS, ("nothing can be trained", "no training can be validated", "nothing is tested"), strict=True)
)


def part_faults(annotations: Annotations) -> dict[str, str]:
    """Return subset -> why it cannot be used, and what follows; only those that cannot: no recordings, or no segments."""
    counts = {subset: [0, 0] for subset in SUBSETS}
    for one in annotations.recordings.values():
        if one.subset in counts:
            counts[one.subset][0] += 1
            counts[one.subset][1] += sum(segment.label != BACKGROUND for segment in one.segments)
    return {
        subset: f"{_why(subset, recordings)}: {_CONSEQUENCES[subset]}"
        for subset, (recordings, segments) in counts.items()
        if not segments
    }


def check_parts(dataset: Dataset, what: str = "") -> None:
    """Refuse a data set that nothing can be trained on, or no training validated with; `what` names it, default: its folder.

    Raises
    ------
    InputError
    """
    faults = part_faults(dataset.annotations)
    for subset in ("training", "validation"):
        if subset in faults:
            raise InputError(
                f"{what or dataset.path}: {faults[subset]}; see `crescendo data describe`, and import it again"
            )


def scored_subsets(dataset: Dataset) -> tuple[str, ...]:
    """Return the subsets that a trained model is scored on: `validation`, and `test` where it has segments."""
    return ("validation",) if "test" in part_faults(dataset.annotations) else ("validation", "test")


def untested(dataset: Dataset) -> str | None:
    """Return why nothing can be tested on `dataset`; None where it can."""
    return part_faults(dataset.annotations).get("test")


def _why(subset: str, recordings: int) -> str:
    if not recordings:
        return f"there is no {subset} part"
    if recordings == 1:
        return f"the one {subset} recording has no segment"
    return f"none of the {recordings:,} {subset} recordings has a segment"
