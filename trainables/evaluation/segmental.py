"""Segmental measures of frame labels: frame accuracy, edit score, segmental F1, confusion matrix (protocol section 4).

Definitions are those of MS-TCN (Farha and Gall, CVPR 2019), after Lea et al. (CVPR 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crescendo.trainables.data.frames import BACKGROUND_INDEX
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.edit_distance import edit_distance
from crescendo.trainables.evaluation.fragmentation import Fragmentation, fragmentation
from crescendo.trainables.evaluation.frame_segments import FrameSegments, overlaps
from crescendo.trainables.evaluation.frame_targets import frame_targets
from crescendo.trainables.evaluation.metric_keys import number_key
from crescendo.trainables.evaluation.protocols import DEFAULT_RULE, MatchingRule
from crescendo.trainables.inference.decoded_subset import DecodedSubset

OVERLAPS = (0.1, 0.25, 0.5)
"""IoU thresholds of segmental F1: F1@10, F1@25 and F1@50."""


@dataclass(frozen=True)
class SegmentScores:
    """Edit score, the mean over recordings, and segmental F1 at each of `OVERLAPS`, over all of them; fractions of 1."""

    edit: float
    f1: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return `{"edit": ..., "F1": {"0.10": ..., "0.25": ..., "0.50": ...}}`."""
        return {"edit": self.edit, "F1": dict(zip(map(number_key, OVERLAPS), self.f1, strict=True))}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SegmentScores:
        """Return the scores whose `to_json` is `content`, which may hold more."""
        return cls(float(content["edit"]), tuple(float(content["F1"][number_key(one)]) for one in OVERLAPS))


@dataclass(frozen=True)
class SegmentalMetrics:
    """How well frame labels agree with the annotated ones.

    Attributes
    ----------
    labels
        Background and the activities, in the data set's order.
    confusion
        (labels, labels) int64: the number of frames by annotated label (rows) and predicted label.
    scores
        Of segments of activities, as MS-TCN has it.
    with_background
        The same where stretches of background count as segments, too.
    fragmentation
        How segments of activities are broken and merged; None in runs of earlier versions.
    """

    labels: tuple[str, ...]
    confusion: np.ndarray
    scores: SegmentScores
    with_background: SegmentScores
    fragmentation: Fragmentation | None = None

    @property
    def accuracy(self) -> float:
        """The share of frames whose label is right, those of background included."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    def to_json(self) -> dict[str, Any]:
        """Return accuracy, `SegmentScores.to_json` and, under `with_background`, the same of all segments; `fragmentation`.

        Under `confusion`, annotated label -> predicted label -> frames, without zeros.
        """
        rows = {
            label: {self.labels[column]: int(row[column]) for column in np.flatnonzero(row).tolist()}
            for label, row in zip(self.labels, self.confusion, strict=True)
        }
        return {
            "accuracy": self.accuracy,
            **self.scores.to_json(),
            "with_background": self.with_background.to_json(),
            **({} if self.fragmentation is None else {"fragmentation": asdict(self.fragmentation)}),
            "confusion": rows,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SegmentalMetrics:
        """Return the metrics whose `to_json` is `content`."""
        labels = tuple(content["confusion"])
        place = {label: number for number, label in enumerate(labels)}
        confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
        for label, row in content["confusion"].items():
            for predicted, frames in row.items():
                confusion[place[label], place[predicted]] = frames
        if confusion.min(initial=0) < 0 or not confusion.any():
            raise ValueError("a confusion matrix counts frames, of which there must be some")
        scores, whole = (SegmentScores.from_json(one) for one in (content, content["with_background"]))
        broken = Fragmentation(**content["fragmentation"]) if "fragmentation" in content else None
        return cls(labels, confusion, scores, whole, broken)


def segmental_metrics(
    truth: Sequence[np.ndarray], predicted: Sequence[np.ndarray], labels: Sequence[str]
) -> SegmentalMetrics:
    """Compare frame labels with the annotated ones.

    Parameters
    ----------
    truth, predicted
        (frames,) int64 of each recording, indices into `labels`. Frames whose true label is negative are taken out of
        both before anything is measured; a recording without other frames does not count.
    labels
        Names of the label indices, background first.

    Raises
    ------
    InputError
        If no frame is left.
    ValueError
        If the vectors of a recording differ in length.
    """
    kept = [mine >= 0 for mine in truth]
    pairs = [
        (mine[rows], theirs[rows]) for mine, theirs, rows in zip(truth, predicted, kept, strict=True) if rows.any()
    ]
    if not pairs:
        raise InputError("no recording of the subset has a frame with a label: there is nothing to compare with")
    recording = np.repeat(np.arange(len(pairs)), [len(mine) for mine, _ in pairs])
    true, found = (np.concatenate(column) for column in zip(*pairs, strict=True))
    count = len(labels)
    confusion = np.bincount(true * count + found, minlength=count * count).reshape(count, count)
    mine, theirs = FrameSegments.of(true, recording), FrameSegments.of(found, recording)
    whole = _scores(mine, theirs, len(pairs))
    activities = mine.without(BACKGROUND_INDEX), theirs.without(BACKGROUND_INDEX)
    scores = _scores(*activities, len(pairs))
    return SegmentalMetrics(tuple(labels), confusion, scores, whole, fragmentation(*activities))


def segmental_of_decoded(decoded: DecodedSubset, rule: MatchingRule = DEFAULT_RULE) -> SegmentalMetrics:
    """Measure the frame labels of `decoded`: of each frame the label of its highest score, before spans are merged.

    Under a rule that drops ambiguous segments, frames annotated as `Ambiguous` are left out.
    """
    dataset, runs = decoded.dataset, decoded.runs
    truth = frame_targets(decoded, rule)
    bounds = np.searchsorted(runs.recording, np.arange(len(truth) + 1))
    predicted = []
    for number, mine in enumerate(truth):
        labels = np.full(len(mine), BACKGROUND_INDEX, dtype=np.int64)
        rows = slice(bounds[number], bounds[number + 1])
        lengths = runs.end[rows] - runs.start[rows]
        begins = np.cumsum(lengths) - lengths
        labels[np.arange(lengths.sum()) + np.repeat(runs.start[rows] - begins, lengths)] = np.repeat(
            runs.label[rows], lengths
        )
        predicted.append(labels)
    return segmental_metrics(truth, predicted, dataset.labels)


def _scores(truth: FrameSegments, found: FrameSegments, recordings: int) -> SegmentScores:
    return SegmentScores(_edit_score(truth, found, recordings), _f1(truth, found))


def _edit_score(truth: FrameSegments, found: FrameSegments, recordings: int) -> float:
    """Return the mean over recordings of 1 - edit distance / length of the longer sequence of labels."""
    bounds = [np.searchsorted(one.recording, np.arange(recordings + 1)) for one in (truth, found)]
    scores = np.ones(recordings)
    for number in range(recordings):
        mine, theirs = (
            one.label[bound[number] : bound[number + 1]] for one, bound in zip((truth, found), bounds, strict=True)
        )
        longer = max(len(mine), len(theirs))
        if longer:
            scores[number] = 1 - edit_distance(mine, theirs) / longer
    return float(scores.mean())


def _f1(truth: FrameSegments, found: FrameSegments) -> tuple[float, ...]:
    """Return F1 at each of `OVERLAPS`: every segment found is held against the true one of its label it overlaps best."""
    mine, theirs, shared = overlaps(truth, found)
    agree = truth.label[mine] == found.label[theirs]
    mine, theirs, shared = mine[agree], theirs[agree], shared[agree]
    union = (truth.end - truth.start)[mine] + (found.end - found.start)[theirs] - shared
    iou = shared / union
    # Of true segments that are overlapped equally well, the first one: pairs are listed in time.
    by_iou = np.lexsort((-iou, theirs))
    first = np.ones(len(by_iou), dtype=bool)
    first[1:] = theirs[by_iou][1:] != theirs[by_iou][:-1]
    best, iou = mine[by_iou[first]], iou[by_iou[first]]
    both = len(truth.label) + len(found.label)
    # 2 precision recall / (precision + recall) = 2 true positives / (true segments + found ones).
    return tuple(2 * len(np.unique(best[iou >= overlap])) / both if both else 1.0 for overlap in OVERLAPS)
