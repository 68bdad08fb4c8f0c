"""What a prepared data set holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from crescendo.trainables.data.annotations import Recording, Segment
from crescendo.trainables.data.dataset import SUBSETS, Dataset
from crescendo.trainables.data.frames import BACKGROUND_INDEX, frame_span

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return metadata and counts of `dataset` as plain JSON types.

    `groups_are` is what groups of recordings are called. `subsets` holds the counts of each subset, `all` those of the whole
    data set: `recordings`, `groups` (a recording without one counts as one), `hours`, `frames`, `segments`,
    `segments_per_recording`, `segments_per_label`, `length_seconds` and `length_frames` (quantiles of the segments' lengths,
    keyed by the quantile; None without segments), `background_share` (of the frames), `overlapping_pairs` (of segments that
    share time), `overlapping_frames` (frames whose centre is covered by activities of different labels) and `too_short`
    (segments that cover no frame's centre).
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
        "subsets": {subset: _counts(dataset, names) for subset, names in subsets.items() if names},
        "all": _counts(dataset, list(recordings)),
    }


def _counts(dataset: Dataset, names: list[str]) -> dict[str, Any]:
    chosen = [dataset.annotations.recordings[name] for name in names]
    segments = [segment for one in chosen for segment in one.segments]
    per_label = Counter(segment.label for segment in segments)
    frames = [dataset.frames(name) for name in names]
    background = sum(int((dataset.frame_labels(name) == BACKGROUND_INDEX).sum()) for name in names)
    spans = [frame_span(segment.start, segment.end, dataset.fps) for segment in segments]
    covered = [last - first for first, last in spans]
    return {
        "recordings": len(names),
        "groups": dataset.annotations.groups(names).count(names),
        "hours": sum(one.duration for one in chosen) / 3600,
        "frames": sum(frames),
        "segments": len(segments),
        "segments_per_recording": len(segments) / len(names) if names else 0.0,
        "segments_per_label": {label: per_label[label] for label in dataset.labels[1:]},
        "length_seconds": _quantiles(segment.end - segment.start for segment in segments),
        "length_frames": _quantiles(covered),
        "background_share": background / sum(frames) if sum(frames) else 0.0,
        "overlapping_pairs": sum(overlapping_pairs(one.segments) for one in chosen),
        "overlapping_frames": sum(
            overlapping_frames(one, count, dataset.fps) for one, count in zip(chosen, frames, strict=True)
        ),
        "too_short": covered.count(0),
    }


def overlapping_pairs(segments: Iterable[Segment]) -> int:
    """Return how many pairs of `segments` overlap; a common end point, or a segment without length, is no overlap."""
    solid = sorted((one.start, one.end) for one in segments if one.end > one.start)
    return sum(other[0] < one[1] for number, one in enumerate(solid) for other in solid[number + 1 :])


def overlapping_frames(recording: Recording, frames: int, fps: float) -> int:
    """Return how many of the recording's `frames` have a centre that is covered by activities of several labels."""
    labels = sorted({segment.label for segment in recording.segments})
    covered = np.zeros((len(labels), frames), dtype=bool)
    for segment in recording.segments:
        covered[labels.index(segment.label), slice(*frame_span(segment.start, segment.end, fps))] = True
    return int((covered.sum(axis=0) > 1).sum())


def _quantiles(lengths: Iterable[float]) -> dict[str, float] | None:
    values = list(lengths)
    return {f"{q:g}": float(np.quantile(values, q)) for q in QUANTILES} if values else None
