"""How far an activity has gone at each of its frames: what losses may be told beside the labels.

As for the ranking losses, an activity is an unbroken run of one label (protocol section 1, reading 5), and the run is that
of the whole recording: a training sequence that begins inside an activity does not begin it anew.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from crescendo.trainables.data.frames import seconds

Values = TypeVar("Values")


class RunPositions(NamedTuple, Generic[Values]):
    """Where in its run each frame lies; both of the labels' shape, float.

    Of the n frames of a run, frame k, counted from 0, has

    passed : (k + 1) / n, the part of the activity that has been seen once the frame has; 1 at the last one
    remaining : (n - 1 - k) / fps, the seconds from the frame's end to the activity's; 0 at the last one
    """

    passed: Values
    remaining: Values


LAST_FRAME = RunPositions(np.float32(1), np.float32(0))
"""Where the last frame of a run lies, for which frames that pad a sequence pass."""


def run_positions(labels: np.ndarray, fps: float) -> RunPositions[np.ndarray]:
    """Return the positions, (frames,) float32, of a whole recording's frames by their `labels` (frames,).

    They are given for runs of background, too, where no loss looks at them.
    """
    begins = np.ones(len(labels), dtype=bool)
    begins[1:] = labels[1:] != labels[:-1]
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=len(labels))
    done = np.arange(len(labels)) - np.repeat(starts, lengths) + 1
    length = np.repeat(lengths, lengths)
    return RunPositions((done / length).astype(np.float32), seconds(length - done, fps).astype(np.float32))
