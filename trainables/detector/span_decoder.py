"""Decoding one frame after the other (protocol section 3, steps 2 to 4): `decoding.decode` as frames come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crescendo.trainables.data.frames import BACKGROUND_INDEX
from crescendo.trainables.detector.events import Alarm, Begun, Ended, Event, Revised


@dataclass
class _Open:
    """A span that later frames may still change.

    Sums are kept apart by run and gap and added in the order in which `decoding.decode` adds them, so that both give
    the same bits: `total` over complete runs and filled gaps, `run` over the run that goes on, `gap` since the last
    run.
    """

    first: int
    behind: int
    start: float
    end: float
    score: float
    total: float = 0.0
    run: float = 0.0
    gap: float = 0.0
    running: bool = True
    alarmed: bool = False


class SpanDecoder:
    """Frame scores in, events out; time and memory a frame are bounded by the number of labels.

    A span begins with the first frame whose argmax is its label, and is closed as soon as no later run can be merged
    into it. Spans of several labels may be open at once.

    Parameters
    ----------
    labels
        Names of the labels, background at `BACKGROUND_INDEX`.
    merge_gap
        Frames; runs of a label with fewer strictly between them are one span.
    revise_every
        Frames: while a span goes on, it is revised each time its length is a multiple of this.
    thresholds
        Label -> score that raises an alarm; labels that are absent raise none.
    """

    def __init__(
        self,
        labels: Sequence[str],
        merge_gap: int,
        *,
        revise_every: int = 1,
        thresholds: Mapping[str, float] | None = None,
    ) -> None:
        self._labels, self._merge_gap, self._revise_every = tuple(labels), merge_gap, revise_every
        self._thresholds = dict(thresholds or {})
        self._open: dict[int, _Open] = {}
        self._frame = 0
        self._time = 0.0

    def push(self, scores: np.ndarray, start: float, end: float) -> list[Event]:
        """Take in the finite scores (labels,) of the next frame, which covers [`start`, `end`) seconds.

        Events of closed spans come first, by start, then those of the frame's own label.
        """
        frame, best = self._frame, int(scores.argmax())
        self._frame, self._time = frame + 1, end
        closed = []
        for label, span in self._open.items():
            if label == best:
                continue
            if span.running:
                span.total, span.run, span.gap, span.running = span.total + span.run, 0.0, 0.0, False
            span.gap += float(scores[label])
            if self._frame - span.behind >= self._merge_gap:
                closed.append(label)
        events = self._ended(closed)
        if best != BACKGROUND_INDEX:
            events += self._extended(best, float(scores[best]), start)
        return events

    def close(self) -> list[Event]:
        """End every open span: no frame follows, or none that continues what came before."""
        return self._ended(list(self._open))

    def _extended(self, label: int, score: float, start: float) -> list[Event]:
        frame, end = self._frame - 1, self._time
        span = self._open.get(label)
        begun = span is None
        merged = False
        if span is None:
            span = self._open[label] = _Open(frame, frame, start, end, score)
        elif not span.running:
            merged = True
            span.total, span.running = span.total + span.gap, True
        span.run += score
        span.behind, span.end = frame + 1, end
        length = span.behind - span.first
        span.score = (span.total + span.run) / length
        events: list[Event] = []
        if begun:
            events.append(Begun(*self._facts(label, span)))
        elif merged or length % self._revise_every == 0:
            events.append(Revised(*self._facts(label, span)))
        threshold = self._thresholds.get(self._labels[label])
        if threshold is not None and not span.alarmed and span.score >= threshold:
            span.alarmed = True
            events.append(Alarm(*self._facts(label, span), threshold))
        return events

    def _ended(self, labels: list[int]) -> list[Event]:
        labels.sort(key=lambda label: (self._open[label].first, label))
        return [Ended(*self._facts(label, self._open.pop(label))) for label in labels]

    def _facts(self, label: int, span: _Open) -> tuple[str, float, float, float, float]:
        return self._labels[label], span.start, span.end, span.score, self._time
