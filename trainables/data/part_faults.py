"""What the parts of annotations lack: a training needs segments to train on and to validate with, a test needs some, too."""

from __future__ import annotations

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.data.frames import BACKGROUND
from crescendo.trainables.data.splits import SUBSETS

_CONSEQUENCES = dict(
    zip(SUBSETS, ("nothing can be trained", "no training can be validated", "nothing is tested"), strict=True)
)


def part_faults(annotations: Annotations) -> dict[str, str]:
    """Return subset -> why it cannot be used, and what follows; only those that cannot: no recordings, or no segments."""
    return {subset: f"{why}: {_CONSEQUENCES[subset]}" for subset, why in unusable_parts(annotations).items()}


def unusable_parts(annotations: Annotations) -> dict[str, str]:
    """Return subset -> why it cannot be used; only those that cannot."""
    counts = {subset: [0, 0] for subset in SUBSETS}
    for one in annotations.recordings.values():
        if one.subset in counts:
            counts[one.subset][0] += 1
            counts[one.subset][1] += sum(segment.label != BACKGROUND for segment in one.segments)
    return {subset: _why(subset, recordings) for subset, (recordings, segments) in counts.items() if not segments}


def _why(subset: str, recordings: int) -> str:
    if not recordings:
        return f"there is no {subset} part"
    if recordings == 1:
        return f"the one {subset} recording has no segment"
    return f"none of the {recordings:,} {subset} recordings has a segment"
