"""Over- and under-segmentation: true segments that are broken, and predicted ones that merge several (protocol section 4).

After the segment errors of Ward et al., "Performance Metrics for Activity Recognition" (ACM TIST 2011): fragmentation, merge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crescendo.trainables.evaluation.frame_segments import FrameSegments, overlaps


@dataclass(frozen=True)
class Fragmentation:
    """How segments of one label break and merge; None where no predicted segment shares a frame with a true one of its label.

    Attributes
    ----------
    pieces, broken
        Predicted segments of its label that share a frame with a true segment, the mean over true segments that have one;
        and the share of these that have two or more (over-segmentation).
    merged, merging
        True segments of its label that share a frame with a predicted segment, the mean over predicted segments that have one;
        and the share of these that have two or more (under-segmentation).
    """

    pieces: float | None
    broken: float | None
    merged: float | None
    merging: float | None

    def measures(self) -> dict[str, float]:
        """Return the figures by name; those that are None are absent."""
        return {name: value for name, value in vars(self).items() if value is not None}


def fragmentation(truth: FrameSegments, found: FrameSegments) -> Fragmentation:
    """Return how the segments of `truth` are broken and merged in `found`."""
    mine, theirs, _ = overlaps(truth, found)
    agree = truth.label[mine] == found.label[theirs]
    return Fragmentation(*_partners(mine[agree]), *_partners(theirs[agree]))


def _partners(segment: np.ndarray) -> tuple[float | None, float | None]:
    """Return how many partners a segment has, the mean over those in `segment`, and the share of them with several."""
    _, count = np.unique(segment, return_counts=True)
    return (float(count.mean()), float((count > 1).mean())) if len(count) else (None, None)
