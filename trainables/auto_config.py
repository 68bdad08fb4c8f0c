"""The configuration `auto`: sequence length, BPTT and merge gap from the frame rate and the activities' median length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.describe import describe
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

SEQUENCE = (100, 400)
"""Frames a sequence, at least (the paper's) and at most: a step's time and memory grow with it."""
CHUNKS = 5
"""Chunks of truncated BPTT in a sequence: the paper's 100 frames of 20."""
LONGEST_GAP = 20 / 6
"""Seconds: the paper's merge gap, 20 frames at 6 frames a second."""


@dataclass(frozen=True)
class AutoConfig:
    """What `auto` stands for on a data set: `settings`, and in lines, in the same order, how each follows."""

    settings: dict[str, Any]
    reasons: tuple[str, ...]


def auto_config(dataset: Dataset) -> AutoConfig:
    """Return what `auto` stands for on `dataset`.

    All goes by the training part; all three are in frames. A sequence holds an activity of median length and a quarter more,
    within `SEQUENCE`, and is no longer than the longest recording. Gradients go through a fifth of it. The merge gap is a
    quarter of the median length, and `LONGEST_GAP` at most.

    Raises
    ------
    InputError
        If the training part has no segments.
    """
    training = describe(dataset)["subsets"].get("training", {"length_frames": None})
    if training["length_frames"] is None:
        raise InputError(
            f"{dataset.path}: config: auto takes the length of activities, and no training recording has any"
        )
    fps, median = dataset.fps, training["length_frames"]["0.5"]
    longest = max(map(dataset.frames, dataset.recordings("training")))
    sequence, why = _sequence(median, longest)
    bptt = max(sequence // CHUNKS, 1)
    quarter = max(math.floor(median / 4 + 0.5), 1)
    most = max(math.floor(LONGEST_GAP * fps + 1e-9), 1)
    gap = min(quarter, most)
    return AutoConfig(
        {"sequence_length": sequence, "bptt": bptt, "merge_gap": gap},
        (
            f"sequence_length {counted(sequence, 'frame')} ({sequence / fps:.3g} s): {why}; the median activity has {median:g} "
            f"{agreeing(median, 'frame', 'frames')} ({median / fps:.3g} s at {fps:g} a second)",
            f"bptt {counted(bptt, 'frame')} ({bptt / fps:.3g} s): a fifth of a sequence, as the paper's 20 of 100",
            f"merge_gap {counted(gap, 'frame')} ({gap / fps:.3g} s): "
            + (
                "a quarter of the median activity"
                if quarter <= most
                else f"no more than the paper's {LONGEST_GAP:.3g} s"
            ),
        ),
    )


def _sequence(median: float, longest: int) -> tuple[int, str]:
    least, most = SEQUENCE
    wanted = math.ceil(median * 1.25 / CHUNKS) * CHUNKS
    sequence, why = wanted, "a quarter more than the median activity"
    if wanted < least:
        sequence, why = least, f"no fewer than the paper's {least}"
    elif wanted > most:
        sequence, why = most, f"no more than {most}, which bounds the time and memory of a step"
    return (sequence, why) if sequence <= longest else (max(longest, 2), "the longest training recording")
