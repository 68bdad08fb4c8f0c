"""From frame scores to spans (protocol section 3, paper section 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crescendo.trainables.data.frames import BACKGROUND_INDEX
from crescendo.trainables.errors import InputError


@dataclass(frozen=True)
class Spans:
    """Detected spans of one recording, ordered by start, then label.

    `label` (n,) int64; `start` and `end` (n,) int64, frames, end excluded; `score` (n,) float64, the mean score of the
    span's label over all its frames.
    """

    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True)
class Runs:
    """Unbroken runs of one activity in one or several recordings, before merging.

    Ordered by recording, then label, then start, so that what may be merged stands side by side. `recording`, `label`,
    `start`, `end` (n,) int64; `score_sum` (n,) float64, the sum over the run's frames of the score of its label;
    `gap` (n,) int64, frames strictly between a run and the one before it of the same recording and label (a number
    larger than any merge gap where there is none); `gap_sum` (n,) float64, the sum of the label's score over that gap,
    0 where the gap is too wide to be merged.
    """

    recording: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    score_sum: np.ndarray
    gap: np.ndarray
    gap_sum: np.ndarray


@dataclass(frozen=True)
class MergedSpans:
    """The spans of several merge gaps; a span that several gaps give is listed once.

    Merge gaps are numbered in rising order. A span exists for those numbered `since` to `until`, the last not included;
    (n,) int64. The other fields are those of `Spans`, and `recording`, the number of the span's recording.
    """

    since: np.ndarray
    until: np.ndarray
    recording: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    score: np.ndarray


_NEVER = np.iinfo(np.int64).max


def decode(scores: np.ndarray, merge_gap: int, background: int = BACKGROUND_INDEX) -> Spans:
    """Return the spans of one recording.

    Each frame takes the label of its highest score (ties: the lowest index). Unbroken runs of one activity are spans,
    runs of `background` are not. Spans of one label with fewer than `merge_gap` frames strictly between them are merged
    until nothing changes; spans of other labels in between neither block nor vanish.

    Parameters
    ----------
    scores
        (frames, labels), softmax probabilities.
    merge_gap
        Frames; 0 and 1 merge nothing.

    Raises
    ------
    InputError
        If the highest score of a frame is NaN or infinite; the message names the frame.
    ValueError
        If `scores` is not two-dimensional or `merge_gap` is negative.
    """
    return decode_gaps(scores, [merge_gap], background)[0]


def decode_gaps(scores: np.ndarray, merge_gaps: Sequence[int], background: int = BACKGROUND_INDEX) -> list[Spans]:
    """Return `decode(scores, gap, background)` for every gap of `merge_gaps`; what they share is computed once."""
    rising = sorted(set(merge_gaps))
    merged = merge(find_runs(scores, max(rising, default=0), background), rising)
    order = np.lexsort((merged.label, merged.start))
    spans = []
    for gap in merge_gaps:
        number = rising.index(gap)
        chosen = order[(merged.since[order] <= number) & (number < merged.until[order])]
        spans.append(Spans(merged.label[chosen], merged.start[chosen], merged.end[chosen], merged.score[chosen]))
    return spans


def find_runs(scores: np.ndarray, widest_gap: int, background: int = BACKGROUND_INDEX, recording: int = 0) -> Runs:
    """Return the runs of one recording from its `scores` (frames, labels).

    Gaps narrower than `widest_gap` frames get their sums, too. `recording` is the number that the runs carry. Every sum is
    computed by itself and not as a difference of running sums, so that no precision is lost in long recordings.
    """
    return find_runs_of([scores], widest_gap, background, [recording])


def find_runs_of(
    matrices: Sequence[np.ndarray],
    widest_gap: int,
    background: int = BACKGROUND_INDEX,
    numbers: Sequence[int] | None = None,
) -> Runs:
    """Return `find_runs` of several recordings' scores, joined, to the last bit: quick where there are many short ones.

    `numbers`, in rising order, are those of the recordings; default: 0, 1 and so on. The scores are copied as one.
    """
    scores = _one(matrices)
    frames, beginning = len(scores), _beginnings(matrices)
    best = np.argmax(scores, axis=1)
    # argmax takes the first NaN of a row as its highest score, so any NaN is among the winners.
    winners = scores[np.arange(frames), best]
    if not np.isfinite(winners).all():
        frame = int(np.flatnonzero(~np.isfinite(winners))[0])
        frame -= int(beginning[np.searchsorted(beginning, frame, side="right") - 1])
        raise InputError(f"scores of frame {frame} hold NaN or infinity; every score must be finite")
    begins = np.zeros(frames, dtype=bool)
    begins[1:] = best[1:] != best[:-1]
    begins[beginning[beginning < frames]] = True
    start = np.flatnonzero(begins)
    end = np.append(start[1:], frames)[: len(start)]
    label = best[start]
    # Of recordings without frames nothing begins: the last of those that begin at a frame is the one that has it.
    piece = np.searchsorted(beginning, start, side="right") - 1
    order = np.lexsort((label, piece))
    order = order[label[order] != background]
    label, start, end, piece = label[order], start[order], end[order], piece[order]
    gap = np.full(len(label), _NEVER, dtype=np.int64)
    follows = np.flatnonzero((label[1:] == label[:-1]) & (piece[1:] == piece[:-1])) + 1
    gap[follows] = start[follows] - end[follows - 1]
    bridged = np.flatnonzero(gap < widest_gap)
    gap_sum = np.zeros(len(label))
    gap_sum[bridged] = _sums(scores, label[bridged], end[bridged - 1], start[bridged])
    score_sum = _sums(scores, label, start, end)
    recording = piece if numbers is None else np.asarray(numbers, dtype=np.int64)[piece]
    return Runs(recording, label, start - beginning[piece], end - beginning[piece], score_sum, gap, gap_sum)


def _one(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Return the scores of several recordings, one after the other, in single precision at least."""
    arrays = [np.asarray(matrix) for matrix in matrices]
    for one in arrays:
        if one.ndim != 2 or one.shape[1] == 0:
            raise ValueError(f"scores must be (frames, labels) but have shape {one.shape}")
    scores = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return scores.astype(np.float32) if scores.dtype == np.float16 else scores


def _beginnings(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Return at which frame of all of them each recording begins."""
    lengths = np.array([len(matrix) for matrix in matrices], dtype=np.int64)
    return np.cumsum(lengths) - lengths


def join_runs(parts: Sequence[Runs]) -> Runs:
    """Return the runs of several recordings as one; `parts` must be in the order of their recordings' numbers."""
    if not parts:
        return find_runs(np.zeros((0, 1)), 0)
    names = Runs.__dataclass_fields__
    return Runs(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def merge(runs: Runs, merge_gaps: Sequence[int]) -> MergedSpans:
    """Merge `runs` with each of `merge_gaps` (frames, in rising order); `find_runs` must have been given the widest.

    Filling a gap leaves all other gaps as wide as they were. Merging until nothing changes is therefore the same as
    cutting the list of runs at every gap that is at least as wide as the merge gap, and a wider merge gap only removes
    cuts. A span exists for every merge gap wider than its widest inner gap and not wider than the gaps at its ends, so there
    are at most twice as many spans as runs, whatever the number of merge gaps.
    """
    if min(merge_gaps, default=0) < 0:
        raise ValueError(f"merge_gap must be 0 or more but got {min(merge_gaps)}")
    # A cut before each run, and one after the last, which no merge gap removes.
    lasts = np.searchsorted(np.asarray(merge_gaps, dtype=np.int64), np.append(runs.gap, _NEVER), side="right")
    cuts = np.arange(len(lasts))
    since, first, following = [cuts[:0]], [cuts[:0]], [cuts[:0]]
    for number in range(len(merge_gaps)):
        kept = np.flatnonzero(lasts[cuts] > number)
        left, right = kept[:-1], kept[1:]
        if number > 0:
            widened = right - left > 1
            left, right = left[widened], right[widened]
        since.append(np.full(len(left), number))
        first.append(cuts[left])
        following.append(cuts[right])
        cuts = cuts[kept]
    begin, behind = np.concatenate(first, dtype=np.int64), np.concatenate(following, dtype=np.int64)
    # gap, run, gap, run ...: the sum over a span leaves out the gap before its first run.
    pieces = np.zeros(2 * len(runs.gap) + 1)
    pieces[0:-1:2], pieces[1::2] = runs.gap_sum, runs.score_sum
    total = _sums(pieces[:, None], np.zeros_like(begin), 2 * begin + 1, 2 * behind)
    start, end = runs.start[begin], runs.end[behind - 1]
    return MergedSpans(
        np.concatenate(since, dtype=np.int64),
        np.minimum(lasts[begin], lasts[behind]),
        runs.recording[begin],
        runs.label[begin],
        start,
        end,
        total / (end - start),
    )


def _sums(scores: np.ndarray, label: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the sum of `scores` over frames [`start`, `end`) of column `label`, each at least one frame, in float64.

    Scores are added frame by frame, as in live detection (`detector.span_decoder`), so that both give the same bits.
    """
    length = end - start
    begin = np.cumsum(length) - length
    number = np.repeat(np.arange(len(length)), length)
    frame = np.arange(len(number)) + (start - begin)[number]
    return np.bincount(number, weights=scores[frame, label[number]], minlength=len(length))
