"""What the annotations of a data set hold that no figure would show: counted and listed where the data set is made."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from crescendo.trainables.data.annotations import Annotations, Segment, listed, placed
from crescendo.trainables.data.frames import BACKGROUND, frames_covered
from crescendo.trainables.data.part_faults import part_faults
from crescendo.trainables.plurals import counted


def findings(annotations: Annotations, fps: float, frames: Mapping[str, int] | None = None) -> tuple[str, ...]:
    """Return, in lines, what is odd about `annotations`, in the order in which it matters.

    These are parts without recordings, or without segments that cover a frame; labels that no training segment has, or that look
    alike; segments without length, without a frame, given twice, or over the ends of their recording; recordings without a
    segment. `fps` frames a second are meant to cover them; `frames` says how many there are of each recording, None: as many
    as its segments need.
    """
    return (
        *part_faults(annotations, fps, frames).values(),
        *unlearnable(annotations),
        *_alike(annotations),
        *_without_length(annotations),
        *_without_frames(annotations, fps, frames or {}),
        *_twice(annotations),
        *_over_the_ends(annotations),
        *_without_segments(annotations),
    )


def _segments(annotations: Annotations) -> Iterator[tuple[str, Segment]]:
    for name, one in annotations.recordings.items():
        for segment in one.segments:
            yield name, segment


def unlearnable(annotations: Annotations) -> tuple[str, ...]:
    """Return a line on labels that no training segment has, if there are any."""
    counts = {
        subset: Counter(
            segment.label
            for one in annotations.recordings.values()
            if one.subset == subset
            for segment in one.segments
            if segment.label != BACKGROUND
        )
        for subset in annotations.subsets()
    }
    trained = counts.pop("training", None)
    if not trained:
        return ()
    lacking = sorted(set().union(*counts.values()) - set(trained))
    if not lacking:
        return ()
    told = [
        f"{label} ({', '.join(f'{count[label]} in {subset}' for subset, count in counts.items() if count[label])})"
        for label in lacking
    ]
    return (
        f"{counted(len(lacking), 'label')} without a training segment, which cannot be learned (AP 0 where scored): "
        f"{listed(told)}",
    )


def _alike(annotations: Annotations) -> list[str]:
    alike: dict[str, list[str]] = {}
    for label in annotations.labels():
        alike.setdefault(_composed(_composed(label).casefold()), []).append(label)
    found = [" and ".join(_told_apart(those)) for those in alike.values() if len(those) > 1]
    if not found:
        return []
    return [
        f"labels that differ only in case or in how an accent is written: {listed(found)}; write them alike if they "
        "are one"
    ]


def _told_apart(labels: Sequence[str]) -> list[str]:
    """Return `labels` as they are, or by the codes of their characters where two look the same."""
    return [*map(repr if len(set(map(_composed, labels))) == len(labels) else ascii, labels)]


def _composed(label: str) -> str:
    return unicodedata.normalize("NFC", label)


def _without_length(annotations: Annotations) -> list[str]:
    found = [placed(name, one) for name, one in _segments(annotations) if one.start == one.end]
    if not found:
        return []
    has = counted(len(found), "segment has", "segments have")
    return [f"{has} no length: none is trained on, and no detection matches it: {listed(found)}"]


def _without_frames(annotations: Annotations, fps: float, frames: Mapping[str, int]) -> list[str]:
    found = [
        placed(name, one)
        for name, one in _segments(annotations)
        if one.start < one.end and not frames_covered(one, fps, frames.get(name))
    ]
    if not found:
        return []
    cover = counted(len(found), "segment covers", "segments cover")
    return [f"{cover} no frame's centre, too short or after the last frame, and none is trained on: {listed(found)}"]


def _twice(annotations: Annotations) -> list[str]:
    counts = Counter(_segments(annotations))
    found = [f"{placed(*one)}{f' {count} times' if count > 2 else ''}" for one, count in counts.items() if count > 1]
    if not found:
        return []
    are = counted(len(found), "segment is", "segments are")
    return [f"{are} given more than once, and one detection matches only one of them: {listed(found)}"]


def _over_the_ends(annotations: Annotations) -> list[str]:
    over = {
        (name, one): max(-one.start, one.end - annotations.recordings[name].duration)
        for name, one in _segments(annotations)
    }
    found = [placed(*one) for one, seconds in over.items() if seconds > 0]
    if not found:
        return []
    reach = counted(len(found), "segment reaches", "segments reach")
    return [
        f"{reach} over the ends of the recording, by {max(over.values()):.2g} s at most (kept as given): {listed(found)}"
    ]


def _without_segments(annotations: Annotations) -> list[str]:
    empty = [name for name, one in annotations.recordings.items() if not one.segments]
    if not empty or len(empty) == len(annotations.recordings):
        return []
    hold = counted(len(empty), "recording holds", "recordings hold")
    return [f"{hold} no segment, all background: {listed(empty)}"]
