"""What a data set's parts are good for: training, validating, testing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crescendo.trainables.data.annotations import Recording
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import BACKGROUND, frame_span
from crescendo.trainables.data.part_faults import part_faults, unusable_parts
from crescendo.trainables.errors import InputError


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
    return unusable_parts(dataset.annotations).get("test")


def _spans(recordings: Iterable[Recording], fps: float) -> Iterator[tuple[int, int]]:
    for one in recordings:
        yield from (
            frame_span(segment.start, segment.end, fps) for segment in one.segments if segment.label != BACKGROUND
        )
