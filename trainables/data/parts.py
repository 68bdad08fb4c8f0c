"""What a data set's parts are good for: a training needs segments to train on and to validate with, a test needs some, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.data.frames import BACKGROUND, frame_span
from crescendo.trainables.data.splits import SUBSETS
from crescendo.trainables.errors import InputError

if TYPE_CHECKING:
    from crescendo.trainables.data.dataset import Dataset

_CONSEQUENCES = dict(
    zip(SUBSETS, ("nothing can be trained", "no training can be validated", "nothing is tested"), strict=True)
)


def part_faults(annotations: Annotations) -> dict[str, str]:
    """Return subset -> why it cannot be used, and what follows; only those that cannot: no recordings, or no segments."""
    return {subset: f"{why}: {_CONSEQUENCES[subset]}" for subset, why in _unusable(annotations).items()}


def _unusable(annotations: Annotations) -> dict[str, str]:
    counts = {subset: [0, 0] for subset in SUBSETS}
    for one in annotations.recordings.values():
        if one.subset in counts:
            counts[one.subset][0] += 1
            counts[one.subset][1] += sum(segment.label != BACKGROUND for segment in one.segments)
    return {subset: _why(subset, recordings) for subset, (recordings, segments) in counts.items() if not segments}


def check_parts(dataset: Dataset) -> None:
    """Refuse a data set that nothing can be trained on, or no training validated with.

    Raises
    ------
    InputError
    """
    faults = part_faults(dataset.annotations)
    for subset in ("training", "validation"):
        if subset in faults:
            raise InputError(
                f"{dataset.path}: {faults[subset]}; look at it with `crescendo data describe`, and import it anew"
            )
    trained = (one for one in dataset.annotations.recordings.values() if one.subset == "training")
    if not any(first < last for first, last in _spans(trained, dataset.fps)):
        raise InputError(
            f"{dataset.path}: no training segment covers a frame at {dataset.fps:g} frames a second: nothing can be trained; "
            "segments must be in seconds, and last longer than a frame"
        )


def scored_subsets(dataset: Dataset) -> tuple[str, ...]:
    """Return the subsets that a trained model is scored on: `validation`, and `test` where it has segments."""
    return ("validation", "test") if untested(dataset) is None else ("validation",)


def untested(dataset: Dataset) -> str | None:
    """Return why nothing can be tested on `dataset`; None where it can."""
    return _unusable(dataset.annotations).get("test")


def _spans(recordings: Iterable[Recording], fps: float) -> Iterator[tuple[int, int]]:
    for one in recordings:
        yield from (
            frame_span(segment.start, segment.end, fps) for segment in one.segments if segment.label != BACKGROUND
        )


def _why(subset: str, recordings: int) -> str:
    if not recordings:
        return f"there is no {subset} part"
    if recordings == 1:
        return f"the one {subset} recording has no segment"
    return f"none of the {recordings:,} {subset} recordings has a segment"
