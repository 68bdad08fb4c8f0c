"""Early warning: alarms that go off while an activity goes on, how often they are false, and how late they are.

A live detector holds a span open from its first frame until the merge gap has passed after its last one. Its score so
far is the mean of its label's score over its frames so far, those of filled gaps included (protocol section 3, step 4,
of what has been seen). The alarm of a label is raised at the first frame at which the score so far of one of its spans
reaches the label's threshold, and stays up until that span's last frame. It is false if no frame from its raising on
lies over a segment of its label. Everything that raises an alarm is known when it is raised.

Thresholds are chosen on the validation split: for each label by itself the lowest one that keeps its false alarms for
each hour of recording at a given rate or below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import BACKGROUND, frame_span
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.mean_ap import checked_scores
from crescendo.trainables.inference.decoding import decode

RATES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""False alarms for each hour of recording and each label that thresholds are chosen for."""

Thresholds = Mapping[str, float]
"""Label -> score at which its alarm is raised; above 1: never."""

# Thresholds are whole multiples of 1 / _STEPS, and scores within half a step count as on either side of one: scores
# taken frame by frame and many frames at a time differ in their last bits, and no alarm may hang on those.
_STEPS = 1_000_000


def rate_key(rate: float) -> str:
    """Return a rate of false alarms as a key: `1/h`."""
    return f"{rate:g}/h"


def parse_rate(option: str) -> float:
    """Return the rate of an option `rate=1/h`; `InputError` if it is something else."""
    found = re.fullmatch(r"rate=(\d+(?:\.\d*)?|\.\d+)/h", option.strip())
    if found is None:
        raise InputError(f"--alarm {option}: expected rate=NUMBER/h, false alarms an hour, such as rate=1/h")
    return float(found.group(1))


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
    so_far : (frames of all spans,) float64, the score so far; -inf at frames of gaps, which are filled only afterwards
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


@dataclass(frozen=True)
class EarlyWarning:
    """What the alarms of one set of thresholds come to on one subset.

    Attributes
    ----------
    labels : activities
    hours : of recording
    label : (segments,) int64, index into `labels`
    seen : (segments,) float64, the fraction of the segment's frames that have been seen when an alarm of its label is
        first up within it, the frame itself included; inf where none is
    false_alarms : (labels,) int64
    """

    labels: tuple[str, ...]
    hours: float
    label: np.ndarray
    seen: np.ndarray
    false_alarms: np.ndarray

    @property
    def false_alarms_per_hour(self) -> float:
        """False alarms of all labels together, for each hour of recording."""
        return float(self.false_alarms.sum() / self.hours)

    def to_json(self) -> dict[str, Any]:
        """Return shares, quantiles of the fraction seen and false alarms, JSON-able; see `docs/online.md`.

        `seen` counts a missed segment as never seen: a quantile that falls on one is None, "not reached".
        """
        met = np.isfinite(self.seen)
        return {
            "segments": len(self.seen),
            "detected": _share(met),
            "seen": _quantiles(self.seen),
            "seen_if_detected": _quantiles(self.seen[met]),
            "false_alarms": int(self.false_alarms.sum()),
            "false_alarms_per_hour": self.false_alarms_per_hour,
            "labels": {
                name: {
                    "segments": int((self.label == number).sum()),
                    "detected": _share(met[self.label == number]),
                    "seen": _quantiles(self.seen[self.label == number]),
                    "false_alarms_per_hour": float(self.false_alarms[number] / self.hours),
                }
                for number, name in enumerate(self.labels)
            },
        }


def alarm_measures(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of all labels together that `EarlyWarning.to_json` holds, flat; what was not reached is absent.

    `detected`, `false_alarms_per_hour`, and of the fraction seen `seen_median`, `seen_quantile_90`,
    `seen_median_if_detected` and `seen_quantile_90_if_detected`.
    """
    measures = {
        "detected": found["detected"],
        "false_alarms_per_hour": found["false_alarms_per_hour"],
        "seen_median": found["seen"]["median"],
        "seen_quantile_90": found["seen"]["quantile_90"],
        "seen_median_if_detected": found["seen_if_detected"]["median"],
        "seen_quantile_90_if_detected": found["seen_if_detected"]["quantile_90"],
    }
    return {name: float(value) for name, value in measures.items() if value is not None}


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


def alarm_thresholds(
    dataset: Dataset, subset: str, scores: Mapping[str, np.ndarray], merge_gap: int, rates: Sequence[float] = RATES
) -> dict[str, dict[str, float]]:
    """Return rate -> label -> threshold, as `choose_thresholds` does for each rate; `subset` should be validation.

    Raises
    ------
    InputError
        As `span_scores`.
    """
    watched = span_scores(dataset, subset, scores, merge_gap)
    return {rate_key(rate): choose_thresholds(watched, rate) for rate in rates}


def choose_thresholds(watched: SpanScores, rate: float) -> dict[str, float]:
    """Return for each label the lowest threshold that keeps its false alarms at `rate` an hour or below.

    Thresholds have six decimals. A span whose score so far stays below the threshold up to the last frame that lies
    over a segment of its label, and reaches it later, is a false alarm; so is any that reaches it and lies over none.
    The number of false alarms may therefore rise as well as fall with the threshold. A label without false spans gets
    0: its alarm is raised with its first frame.
    """
    budget = int(rate * watched.hours + 1e-9)
    rightly = _highest_until(watched, _last_true(watched))
    highest = _highest_until(watched, watched.end - 1)
    thresholds = {}
    for number, label in enumerate(watched.labels):
        # A span is a false alarm at thresholds above what it reached rightly, up to its highest.
        mine = (watched.span_label == number) & (rightly < highest)
        floor = np.maximum(rightly[mine], -1.0)
        lowest = np.sort(np.maximum(np.floor(floor * _STEPS - 0.5) + 1, 0).astype(np.int64))
        last = np.sort(np.floor(highest[mine] * _STEPS + 0.5).astype(np.int64))
        candidates = np.append(0, last + 1)
        false = np.searchsorted(lowest, candidates, side="right") - np.searchsorted(last, candidates, side="left")
        thresholds[label] = float(candidates[false <= budget][0] / _STEPS)
    return thresholds


def raise_alarms(watched: SpanScores, thresholds: Thresholds) -> EarlyWarning:
    """Return how late and how often false the alarms are that `thresholds` raise.

    Raises
    ------
    InputError
        If a label has no threshold.
    """
    lacking = [label for label in watched.labels if label not in thresholds]
    if lacking:
        raise InputError(f"label {lacking[0]!r} has no alarm threshold; the thresholds belong to another data set")
    limit = np.array([thresholds[label] for label in watched.labels])
    lengths = watched.end - watched.start
    reached = watched.so_far >= np.repeat(limit[watched.span_label], lengths)
    frame = np.where(reached, np.arange(len(reached)), len(reached))
    first = np.minimum.reduceat(frame, watched.begin) if len(lengths) else lengths
    up = first < len(reached)
    raised = (watched.start + first - watched.begin)[up]
    false = raised > _last_true(watched)[up]
    return EarlyWarning(
        labels=watched.labels,
        hours=watched.hours,
        label=watched.segment_label,
        seen=_seen(watched, raised, watched.end[up]),
        false_alarms=np.bincount(watched.span_label[up][false], minlength=len(watched.labels)),
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


def _last_true(watched: SpanScores) -> np.ndarray:
    """Return the last frame of each span that lies over a segment of its label, -1 where none does."""
    reach = np.append(-1, np.maximum.accumulate(watched.offset))
    furthest = np.minimum(reach[np.searchsorted(watched.onset, watched.end, side="left")], watched.end)
    return np.where(furthest > watched.start, furthest - 1, -1)


def _highest_until(watched: SpanScores, frame: np.ndarray) -> np.ndarray:
    """Return the highest score so far of each span up to `frame`, included; -inf where that is before its start."""
    if len(frame) == 0:
        return np.zeros(0)
    lengths = watched.end - watched.start
    last = np.repeat(watched.begin + frame - watched.start, lengths)
    counted = np.where(np.arange(len(watched.so_far)) <= last, watched.so_far, -np.inf)
    highest: np.ndarray = np.maximum.reduceat(counted, watched.begin)
    return highest


def _seen(watched: SpanScores, raised: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the fraction of each segment seen when one of the alarms [`raised`, `end`), which are sorted, is up in it."""
    following = np.searchsorted(end, watched.onset, side="right")
    never = np.iinfo(np.int64).max
    frame = np.maximum(np.append(raised, never)[following], watched.onset)
    fraction = (frame - watched.onset + 1.0) / (watched.offset - watched.onset)
    return np.where(frame < watched.offset, fraction, np.inf)


def _share(found: np.ndarray) -> float | None:
    return float(found.mean()) if len(found) else None


def _quantiles(seen: np.ndarray) -> dict[str, float | None]:
    # Of the observed values themselves: between two of them, one may be infinite.
    found = np.quantile(seen, (0.5, 0.9), method="inverted_cdf") if len(seen) else (np.inf, np.inf)
    return {
        name: float(value) if np.isfinite(value) else None
        for name, value in zip(("median", "quantile_90"), found, strict=True)
    }
