"""Conversion between seconds and frames; it is done nowhere else.

Frame t covers [t / fps, (t + 1) / fps) seconds and takes the label of the activity that covers its centre
(protocol section 1, reading 8).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from crescendo.trainables.data.annotations import Segment

FrameNumbers = TypeVar("FrameNumbers", float, np.ndarray)

BACKGROUND = "background"
BACKGROUND_INDEX = 0

# A feature extractor drops or repeats a few frames at the end, and durations are rounded: a recording may differ from
# duration x fps by this many seconds, or this share of its frames, whichever is more.
TOLERANCE_SECONDS = 1.0
TOLERANCE_SHARE = 0.02

# As near as that to a frame's centre, as a share of the frame's number, a bound lies on it: the difference is what floating
# point makes of the decimals, or of the fractions, that are meant.
_ROUNDING = 1e-14


def frame_span(start: float, end: float, fps: float) -> tuple[int, int]:
    """Return [first, last) of the frames whose centre lies in [`start`, `end`) seconds; empty if first == last.

    The numbers are taken as what is meant by them: at 6.25 frames a second 0.56 s is the centre of frame 3.
    """
    first = max(0, _centre_from(start, fps))
    return first, max(first, _centre_from(end, fps))


def frames_covered(segment: Segment, fps: float, frames: int | None = None) -> int:
    """Return of how many frames `segment` covers the centre; its recording has so many `frames`, None: all that it needs."""
    first, last = frame_span(segment.start, segment.end, fps)
    return last - first if frames is None else max(0, min(last, frames) - first)


def _centre_from(time: float, fps: float) -> int:
    """Return the first frame whose centre is not before `time` seconds."""
    frame = time * fps - 0.5
    nearest = round(frame)
    return nearest if abs(frame - nearest) <= _ROUNDING * max(1.0, abs(frame)) else math.ceil(frame)


def seconds(frame: FrameNumbers, fps: float) -> FrameNumbers:
    """Return the second at which `frame`, a number or an array of them, begins."""
    return frame / fps


def tolerated_seconds(duration: float) -> float:
    """Return by how many seconds features or pictures may differ in length from a recording of `duration` seconds."""
    return max(TOLERANCE_SECONDS, TOLERANCE_SHARE * duration)


def frame_labels(segments: Iterable[Segment], frames: int, fps: float, index: Mapping[str, int]) -> np.ndarray:
    """Return the label of every frame, (`frames`,) int64; where activities overlap, the one that started later wins.

    Of activities that start together, the one listed later wins.
    """
    labels = np.full(frames, BACKGROUND_INDEX, dtype=np.int64)
    for segment in sorted(segments, key=lambda one: one.start):
        first, last = frame_span(segment.start, segment.end, fps)
        labels[first:last] = index[segment.label]
    return labels
