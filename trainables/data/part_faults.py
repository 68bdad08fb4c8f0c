"""What the parts of annotations lack: a training needs segments to train on and to validate with, a test needs some, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.data.frames import BACKGROUND, frames_covered
from crescendo.trainables.data.splits import SUBSETS
from crescendo.trainables.plurals import rate_text

_CONSEQUENCES = dict(
    zip(SUBSETS, ("nothing can be trained", "no training can be validated", "nothing is tested"), strict=True)
)


def part_faults(
    annotations: Annotations,
    fps: float,
    frames: Mapping[str, int] | None = None,
    unscored: Collection[str] = (),
) -> dict[str, str]:
    """Return subset -> why it cannot be used, and what follows; only those that cannot: see `unusable_parts`."""
    return {
        subset: f"{why}: {_CONSEQUENCES[subset]}"
        for subset, why in unusable_parts(annotations, fps, frames, unscored).items()
    }


def unusable_parts(
    annotations: Annotations,
    fps: float,
    frames: Mapping[str, int] | None = None,
    unscored: Collection[str] = (),
) -> dict[str, str]:
    """Return subset -> why it cannot be used; only those without recordings, without segments, or without one with a frame.

    `fps` frames a second are meant to cover the recordings; `frames` says how many there are of each, None: as many as its
    segments need. Segments with the labels `unscored` are trained on, but neither validate nor test
    (`MatchingRule.unscored`).
    """
    there = frames or {}
    unusable: dict[str, str] = {}
    for subset in SUBSETS:
        recordings = {name: one for name, one in annotations.recordings.items() if one.subset == subset}
        segments = [
            (name, segment)
            for name, one in recordings.items()
            for segment in one.segments
            if segment.label != BACKGROUND
        ]
        scored = [one for one in segments if subset == "training" or one[1].label not in unscored]
        if not segments:
            unusable[subset] = _why(subset, len(recordings))
        elif not scored:
            unusable[subset] = (
                f"all {subset} segments are {' or '.join(sorted(unscored))}, which the protocol does not score"
            )
        elif not any(frames_covered(segment, fps, there.get(name)) for name, segment in scored):
            unusable[subset] = f"no {subset} segment covers a frame at {rate_text(fps)}"
    return unusable


def _why(subset: str, recordings: int) -> str:
    if not recordings:
        return f"there is no {subset} part"
    if recordings == 1:
        return f"the one {subset} recording has no segment"
    return f"none of the {recordings:,} {subset} recordings has a segment"
