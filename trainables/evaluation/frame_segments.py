"""Unbroken runs of one frame label, and which of two lists of them share frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FrameSegments:
    """Unbroken runs of one label, (n,) int64 each, in time; frames are numbered through all recordings."""

    recording: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, recording: np.ndarray) -> FrameSegments:
        """Return the segments of all recordings, whose frames follow each other, (frames,) int64 each; at least one."""
        changes = np.flatnonzero((labels[1:] != labels[:-1]) | (recording[1:] != recording[:-1])) + 1
        start, end = np.append(0, changes), np.append(changes, len(labels))
        return cls(recording[start], labels[start], start, end)

    def without(self, label: int) -> FrameSegments:
        """Return the segments of all other labels."""
        kept = self.label != label
        return FrameSegments(self.recording[kept], self.label[kept], self.start[kept], self.end[kept])


def overlaps(truth: FrameSegments, found: FrameSegments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all pairs of a true and a found segment that share frames, in time, and how many they share."""
    first = np.searchsorted(found.end, truth.start, side="right")
    behind = np.searchsorted(found.start, truth.end, side="left")
    count = np.maximum(behind - first, 0)
    mine = np.repeat(np.arange(len(count)), count)
    theirs = np.arange(len(mine)) + np.repeat(first - (np.cumsum(count) - count), count)
    shared = np.minimum(truth.end[mine], found.end[theirs]) - np.maximum(truth.start[mine], found.start[theirs])
    return mine, theirs, shared
