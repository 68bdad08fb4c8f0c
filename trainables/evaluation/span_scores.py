"""The score so far of every span while it goes on, and the segments that it may announce.

A live detector holds a span open from its first frame until the merge gap has passed after its last one. Its score so
far is the mean of its label's score over its frames so far, those of filled gaps included (protocol section 3, step 4,
for the frames seen so far).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crescendo.trainables.data.frames import BACKGROUND, frame_span
from crescendo.trainables.inference.decoded_subset import DecodedSubset
from crescendo.trainables.inference.decoding import MergedSpans


@dataclass(frozen=True)
class SpanScores:
    """The spans and segments of one subset, on one axis of frames.

    Every pair of recording and label has a stretch of the axis of its own, so that spans and segments meet only where
    both agree.

    Attributes
    ----------
    labels : activities, without background
    fps : frames a second
    hours : of recording
    span_label, start, end : (spans,) int64, by start; end excluded
    begin : (spans,) int64, where in `so_far` each span's frames begin
    so_far : (frames of all spans,) float64, the score so far; -inf at frames of gaps, which are filled only after the gap
    segment_label, onset, offset : (segments,) int64, sorted by onset; offset excluded
    without_frames : segments that no frame's centre lies in; they are left out
    stretch : frames of the axis that each pair of recording and label has
    """

    labels: tuple[str, ...]
    fps: float
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
    stretch: int

    def moment(self, place: np.ndarray) -> np.ndarray:
        """Return the moments that `place` on the axis stand for: numbers that rise in a recording, and no two share."""
        recording = place // (self.stretch * (len(self.labels) + 1))
        moment: np.ndarray = recording * self.stretch + place % self.stretch
        return moment

    def within_segment(self, place: np.ndarray) -> np.ndarray:
        """Return for each place on the axis whether it lies within a segment of its recording and label."""
        reach = np.append(-1, np.maximum.accumulate(self.offset))
        within: np.ndarray = reach[np.searchsorted(self.onset, place, side="right")] > place
        return within

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


def span_scores(decoded: DecodedSubset) -> SpanScores:
    """Follow the score so far of every span of `decoded`, which holds those of one merge gap."""
    dataset, spans = decoded.dataset, decoded.spans
    lengths = [dataset.frames(recording) for recording in decoded.recordings]
    stretch = max(lengths) + 1
    stretches = (spans.recording * len(dataset.labels) + spans.label) * stretch
    segments, without_frames = _segments(decoded, lengths, stretch)
    segment_label, onset, offset = segments.T
    return SpanScores(
        labels=dataset.labels[1:],
        fps=dataset.fps,
        hours=sum(lengths) / dataset.fps / 3600,
        span_label=spans.label - 1,
        start=stretches + spans.start,
        end=stretches + spans.end,
        begin=_begins(spans),
        so_far=_scores_so_far(decoded),
        segment_label=segment_label - 1,
        onset=onset,
        offset=offset,
        without_frames=without_frames,
        stretch=stretch,
    )


def _segments(decoded: DecodedSubset, lengths: Sequence[int], stretch: int) -> tuple[np.ndarray, int]:
    """Return label, onset and offset of the segments that have frames, (segments, 3) int64, and the number of the rest."""
    dataset = decoded.dataset
    index = {label: number for number, label in enumerate(dataset.labels)}
    rows = []
    for number, recording in enumerate(decoded.recordings):
        for segment in dataset.annotations.recordings[recording].segments:
            if segment.label != BACKGROUND:
                first, last = (
                    min(bound, lengths[number]) for bound in frame_span(segment.start, segment.end, dataset.fps)
                )
                label = index[segment.label]
                begin = (number * len(index) + label) * stretch
                rows.append((label, begin + first, begin + last))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    filled = table[table[:, 1] < table[:, 2]]
    return filled[np.lexsort((filled[:, 2], filled[:, 1]))], len(table) - len(filled)


def _begins(spans: MergedSpans) -> np.ndarray:
    length = spans.end - spans.start
    begins: np.ndarray = np.cumsum(length) - length
    return begins


def _scores_so_far(decoded: DecodedSubset) -> np.ndarray:
    """Return the mean of each span's score from its start up to each of its frames; -inf in its gaps."""
    spans, begin = decoded.spans, _begins(decoded.spans)
    length = spans.end - spans.start
    number = np.arange(length.sum()) - np.repeat(begin, length)
    frame, column = number + np.repeat(spans.start, length), np.repeat(spans.label, length)
    bounds = np.searchsorted(np.repeat(spans.recording, length), np.arange(len(decoded.recordings) + 1))
    total = np.empty(len(frame))
    for recording, first, last in zip(decoded.recordings, bounds[:-1], bounds[1:], strict=True):
        # Each recording has a running sum of its own: what is subtracted from it stays small.
        scores = decoded.scores[recording][frame[first:last], column[first:last]]
        np.cumsum(scores, dtype=np.float64, out=total[first:last])
    before = np.where(begin == bounds[spans.recording], 0.0, np.append(0.0, total)[begin])
    return np.where(_in_runs(decoded), (total - np.repeat(before, length)) / (number + 1), -np.inf)


def _in_runs(decoded: DecodedSubset) -> np.ndarray:
    """Return of each frame of all spans whether its label has the highest score there, rather than a filled gap."""
    runs, spans = decoded.runs, decoded.spans
    # Runs lie as the spans do; each that is not merged with the one before it begins a span.
    span = np.cumsum(runs.gap >= decoded.merge_gap) - 1
    first = _begins(spans)[span] + runs.start - spans.start[span]
    change = np.zeros(int((spans.end - spans.start).sum()) + 1, dtype=np.int64)
    change[first] += 1
    change[first + runs.end - runs.start] -= 1
    inside: np.ndarray = np.cumsum(change[:-1]) > 0
    return inside
