"""What a prepared data set holds, in numbers."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from crescendo.trainables.data.annotations import Recording, Segment
from crescendo.trainables.data.dataset import SUBSETS, Dataset
from crescendo.trainables.data.frames import frame_span, frames_covered

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return metadata and counts of `dataset` as plain JSON types.

    `groups_are` is what groups of recordings are called; `groups`, only where recordings have any, subset -> their names,
    sorted; `folds`, only where the data set brings any along, fold -> subset ->
    recordings. `subsets` holds the counts of each subset, `all` those of the whole
    data set: `recordings`, `groups` (a recording without one counts as one), `hours`, `frames`, `segments`,
    `segments_per_recording`, `segments_per_label`, `length_seconds` and `length_frames` (quantiles of the segments' lengths,
    keyed by the quantile; None without segments), `background_share` (of the frames), `overlapping_pairs` (of segments that
    share time), `overlapping_frames` (frames whose centre is covered by activities of different labels), `too_short`
    (segments that cover no frame's centre: they lie between two, or after the last) and `lacking` (the labels that no
    segment has).
    """
    recordings = dataset.annotations.recordings
    present = [*SUBSETS, *sorted({one.subset for one in recordings.values()} - set(SUBSETS))]
    subsets = {subset: [name for name, one in recordings.items() if one.subset == subset] for subset in present}
    return {
        "path": str(dataset.path),
        "name": dataset.metadata.name,
        "fps": dataset.fps,
        "labels": list(dataset.labels),
        "feature_dim": dataset.feature_dim,
        "features": dataset.metadata.features,
        "source": dataset.metadata.source,
        "licence": dataset.metadata.licence,
        "notes": list(dataset.metadata.notes),
        "content_hash": dataset.content_hash,
        "groups_are": dataset.annotations.groups_are,
        **_groups(dataset, subsets),
        **({"folds": {fold: _sizes(parts) for fold, parts in dataset.splits.items()}} if dataset.splits else {}),
        "subsets": {subset: _counts(dataset, names) for subset, names in subsets.items() if names},
        "all": _counts(dataset, list(recordings)),
    }


def _groups(dataset: Dataset, subsets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    of = dataset.annotations.groups().of
    found = {
        subset: sorted({of[name] for name in names if name in of}, key=_by_number) for subset, names in subsets.items()
    }
    return {"groups": {subset: names for subset, names in found.items() if names}} if of else {}


def _by_number(name: str) -> list[tuple[int, int, str]]:
    """Order names as people do: user 5 before user 11."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _sizes(parts: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {subset: len(parts[subset]) for subset in SUBSETS}


def _counts(dataset: Dataset, names: list[str]) -> dict[str, Any]:
    chosen = [dataset.annotations.recordings[name] for name in names]
    segments = [segment for one in chosen for segment in one.segments]
    per_label = Counter(segment.label for segment in segments)
    frames = [dataset.frames(name) for name in names]
    lengths = [
        frames_covered(segment, dataset.fps, count)
        for one, count in zip(chosen, frames, strict=True)
        for segment in one.segments
    ]
    covered = [covered_frames(one, count, dataset.fps) for one, count in zip(chosen, frames, strict=True)]
    background = sum(frames) - sum(some for some, _ in covered)
    return {
        "recordings": len(names),
        "groups": dataset.annotations.groups(names).count(names),
        "hours": sum(one.duration for one in chosen) / 3600,
        "frames": sum(frames),
        "segments": len(segments),
        "segments_per_recording": len(segments) / len(names) if names else 0.0,
        "segments_per_label": {label: per_label[label] for label in dataset.labels[1:]},
        "length_seconds": _quantiles(segment.end - segment.start for segment in segments),
        "length_frames": _quantiles(lengths),
        "background_share": background / sum(frames) if sum(frames) else 0.0,
        "overlapping_pairs": sum(overlapping_pairs(one.segments) for one in chosen),
        "overlapping_frames": sum(several for _, several in covered),
        "too_short": lengths.count(0),
        "lacking": [label for label in dataset.labels[1:] if not per_label[label]],
    }


def overlapping_pairs(segments: Iterable[Segment]) -> int:
    """Return how many pairs of `segments` overlap; a common end point, or a segment without length, is no overlap."""
    solid = sorted((one.start, one.end) for one in segments if one.end > one.start)
    starts = [start for start, _ in solid]
    # Of those that start no earlier, the ones that start before it ends.
    return sum(bisect_left(starts, end) - number - 1 for number, (_, end) in enumerate(solid))


def covered_frames(recording: Recording, frames: int, fps: float) -> tuple[int, int]:
    """Return how many of the recording's `frames` have a centre that an activity covers, and activities of several labels."""
    by_label = defaultdict[str, list[tuple[int, int]]](list)
    for segment in recording.segments:
        by_label[segment.label].append(frame_span(segment.start, segment.end, fps))
    # At which frames how many labels more, or fewer, cover the centre.
    changes = Counter[int]()
    for spans in by_label.values():
        end = 0
        for span in sorted(spans):
            first, last = max(span[0], end), min(span[1], frames)
            if first < last:
                changes.update({first: 1})
                changes.subtract({last: 1})
                end = last
    some = several = labels = before = 0
    for frame in sorted(changes):
        some += (frame - before) * (labels > 0)
        several += (frame - before) * (labels > 1)
        labels, before = labels + changes[frame], frame
    return some, several


def _quantiles(lengths: Iterable[float]) -> dict[str, float] | None:
    values = list(lengths)
    return {f"{q:g}": float(np.quantile(values, q)) for q in QUANTILES} if values else None
