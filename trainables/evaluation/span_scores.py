"""The score so far of every span while it goes on, and the segments that it may announce.

A live detector holds a span open from its first frame until the merge gap has passed after its last one. Its score so
far is the mean of its label's score over its frames so far, those of filled gaps included (protocol section 3, step 4,
for the frames seen so far).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import BACKGROUND, frame_span
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.mean_ap import checked_scores
from crescendo.trainables.inference.decoding import decode


@dataclass(frozen=True)
class SpanScores:
    """The spans and segments of one subset, on one axis of frames.

    Every pair of recording and label has a stretch of the axis of its own, so that spans and segments meet only where
    both agree.

    Attributes
    ----------
    labels : activities, without background
    hours : of recording
    span_label, start, end : (spans,) int64, sorted; end excluded
    begin : (spans,) int64, where in `so_far` each span's frames begin
    so_far : (frames of all spans,) float64, the score so far; -inf at frames of gaps, which are filled only after the gap
    segment_label, onset, offset : (segments,) int64, sorted by onset; offset excluded
    without_frames : segments that no frame's centre lies in; they are left out
    """

    labels: tuple[str, ...]
    hours: float
    span_label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    begin: np.ndarray
    so_far: np.ndarray
    segment_label: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    without_frames: int

    def last_true(self) -> np.ndarray:
        """Return the last frame of each span that lies over a segment of its label, -1 where none does; (spans,) int64."""
        reach = np.append(-1, np.maximum.accumulate(self.offset))
        furthest = np.minimum(reach[np.searchsorted(self.onset, self.end, side="left")], self.end)
        return np.where(furthest > self.start, furthest - 1, -1)

    def highest_until(self, frame: np.ndarray) -> np.ndarray:
        """Return the highest score so far of each span up to `frame`, included; -inf where that is before its start."""
        if len(frame) == 0:
            return np.zeros(0)
        lengths = self.end - self.start
        last = np.repeat(self.begin + frame - self.start, lengths)
        counted = np.where(np.arange(len(self.so_far)) <= last, self.so_far, -np.inf)
        highest: np.ndarray = np.maximum.reduceat(counted, self.begin)
        return highest


def span_scores(dataset: Dataset, subset: str, scores: Mapping[str, np.ndarray], merge_gap: int) -> SpanScores:
    """Follow the score so far of every span that `scores` hold.

    Parameters
    ----------
    scores
        Recording -> (frames, labels), at least the recordings of `subset`.
    merge_gap
        Frames.

    Raises
    ------
    InputError
        If scores are lacking, NaN or of another shape than frames and labels, or the subset has no recordings.
    """
    names = dataset.recordings(subset)
    index = {label: number for number, label in enumerate(dataset.labels)}
    lengths = [dataset.frames(name) for name in names]
    stretch = max(lengths) + 1
    spans, courses, segments = [], [np.zeros(0)], []
    for number, name in enumerate(names):
        matrix = checked_scores(dataset, name, scores)
        base = number * len(index) * stretch
        try:
            found = decode(matrix, merge_gap)
        except InputError as error:
            raise InputError(f"recording {name!r}: {error}") from None
        order = np.lexsort((found.start, found.label))
        label, start, end = found.label[order], found.start[order], found.end[order]
        place = base + label * stretch
        spans.append(np.stack((label, place + start, place + end)))
        courses.append(_scores_so_far(matrix, label, start, end))
        for segment in dataset.annotations.recordings[name].segments:
            if segment.label != BACKGROUND:
                first, last = (
                    min(bound, lengths[number]) for bound in frame_span(segment.start, segment.end, dataset.fps)
                )
                place_of = base + index[segment.label] * stretch
                segments.append((index[segment.label], place_of + first, place_of + last))
    span_label, start, end = np.concatenate(spans, axis=1)
    table = np.array(segments, dtype=np.int64).reshape(-1, 3)
    filled = table[table[:, 1] < table[:, 2]]
    segment_label, onset, offset = filled[np.lexsort((filled[:, 2], filled[:, 1]))].T
    return SpanScores(
        labels=dataset.labels[1:],
        hours=sum(lengths) / dataset.fps / 3600,
        span_label=span_label - 1,
        start=start,
        end=end,
        begin=np.cumsum(end - start) - (end - start),
        so_far=np.concatenate(courses),
        segment_label=segment_label - 1,
        onset=onset,
        offset=offset,
        without_frames=len(table) - len(filled),
    )


def _scores_so_far(scores: np.ndarray, label: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the mean of each span's score from its start up to each of its frames; -inf in its gaps."""
    length = end - start
    begin = np.cumsum(length) - length
    number = np.arange(length.sum()) - np.repeat(begin, length)
    frame, column = number + np.repeat(start, length), np.repeat(label, length)
    total = np.cumsum(scores[frame, column], dtype=np.float64)
    before = np.repeat(np.append(0.0, total)[begin], length)
    own = np.argmax(scores, axis=1)[frame] == column
    return np.where(own, (total - before) / (number + 1), -np.inf)
