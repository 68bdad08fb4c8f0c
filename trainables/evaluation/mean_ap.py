"""Mean average precision of detections (protocol section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crescendo.trainables.data.annotations import Annotations, Segment
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import BACKGROUND, seconds
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.average_precision import average_precision
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, Ties, match
from crescendo.trainables.evaluation.metric_keys import number_key
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, DEFAULT_RULE, MatchingRule
from crescendo.trainables.evaluation.result_format import Detection
from crescendo.trainables.inference.decoded_subset import DecodedSubset, decode_subset
from crescendo.trainables.inference.decoding import MergedSpans


@dataclass(frozen=True)
class Evaluation:
    """AP and mAP of one set of detections.

    `labels` are the labels with ground truth, sorted. `iou` are the thresholds. `ap` is (labels, thresholds) float64,
    fractions of 1. `left_out` is the number of detections on recordings outside the subset, which were not scored.
    """

    labels: tuple[str, ...]
    iou: tuple[float, ...]
    ap: np.ndarray
    left_out: int = 0

    @property
    def mean_ap(self) -> np.ndarray:
        """The mean AP over the labels at each threshold, (thresholds,) float64."""
        return np.asarray(self.ap.mean(axis=0))

    @property
    def mean(self) -> float:
        """The mean of `mean_ap` over the thresholds."""
        return float(self.mean_ap.mean())

    def to_json(self) -> dict[str, Any]:
        """Return `{"mAP": {"0.50": ...}, "mAP_mean": ..., "AP": {label: {"0.50": ...}}}`, fractions of 1."""
        keys = [number_key(threshold) for threshold in self.iou]
        return {
            "mAP": dict(zip(keys, self.mean_ap.tolist(), strict=True)),
            "mAP_mean": self.mean,
            "AP": {
                label: dict(zip(keys, row, strict=True))
                for label, row in zip(self.labels, self.ap.tolist(), strict=True)
            },
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation whose `to_json` is `content`; means are computed anew, from the same numbers."""
        keys = list(content["mAP"])
        ap = np.array([[row[key] for key in keys] for row in content["AP"].values()], dtype=np.float64)
        return cls(tuple(content["AP"]), tuple(map(float, keys)), ap.reshape(-1, len(keys)))


def evaluate_detections(
    annotations: Annotations,
    subset: str,
    detections: Mapping[str, Sequence[Detection]],
    *,
    rule: MatchingRule = DEFAULT_RULE,
    iou: Sequence[float],
    zero_over_zero: bool = False,
    ties: Ties = "fixed",
) -> Evaluation:
    """Score recording -> detections against the ground truth of `subset`.

    Detections on recordings outside the subset are left out and counted. Detections of a label without ground truth in the
    subset have no effect. `ties` says in which order detections with equal scores are counted (see `match`).

    Raises
    ------
    InputError
        If the subset has no recordings or no segments, or an option is out of range.
    """
    truth, table = arrays_of(annotations, subset, detections)
    scored = set(truth.recordings)
    outside = sum(len(found) for name, found in detections.items() if name not in scored)
    [evaluation] = evaluate_sets(truth, table, 1, rule=rule, iou=iou, zero_over_zero=zero_over_zero, ties=ties)
    return replace(evaluation, left_out=outside)


def arrays_of(
    annotations: Annotations, subset: str, detections: Mapping[str, Sequence[Detection]]
) -> tuple[NamedTruth, DetectionArrays]:
    """Return the ground truth of `subset`, and the detections on its recordings of its labels, in their order.

    Raises
    ------
    InputError
        If the subset has no recordings or no segments.
    """
    truth = truth_of({name: one.segments for name, one in annotations.of(subset).items()})
    recordings = {name: number for number, name in enumerate(truth.recordings)}
    labels = {name: number for number, name in enumerate(truth.labels)}
    rows = [
        (recordings[name], labels[one.label], one.start, one.end, one.score)
        for name, found in detections.items()
        if name in recordings
        for one in found
        if one.label in labels
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    recording, label = columns[0].astype(np.int64), columns[1].astype(np.int64)
    only = np.zeros_like(label)
    return truth, DetectionArrays(recording, label, columns[2], columns[3], columns[4], since=only, until=only + 1)


def evaluate_scores(
    dataset: Dataset,
    subset: str,
    scores: Mapping[str, np.ndarray],
    merge_gaps: Sequence[int],
    *,
    rule: MatchingRule = DEFAULT_RULE,
    iou: Sequence[float],
) -> list[Evaluation]:
    """Decode the frame scores of `subset` with every merge gap (frames) and score the detections, gap by gap.

    What the gaps share is computed once: argmax, runs and their sums, and the IoU of spans with the ground truth.

    Parameters
    ----------
    scores
        Recording -> (frames, labels), at least the recordings of `subset`.

    Raises
    ------
    InputError
        If a recording has no scores, or scores of another shape than its frames and labels, or that are NaN; if the
        subset has no recordings or no segments; if an option is out of range.
    """
    decoded = decode_subset(dataset, subset, scores, merge_gaps)
    evaluations = evaluate_decoded(decoded, rule=rule, iou=iou)
    return [evaluations[decoded.merge_gaps.index(gap)] for gap in merge_gaps]


def evaluate_decoded(
    decoded: DecodedSubset, *, rule: MatchingRule = DEFAULT_RULE, iou: Sequence[float]
) -> list[Evaluation]:
    """Return an evaluation for each merge gap of `decoded`; a span that several gaps share is matched once.

    Raises
    ------
    InputError
        If the subset has no segments, or an option is out of range.
    """
    recordings = decoded.dataset.annotations.recordings
    truth = truth_of({name: recordings[name].segments for name in decoded.recordings})
    detections = detections_of(decoded.spans, decoded.dataset, truth)
    return evaluate_sets(truth, detections, len(decoded.merge_gaps), rule=rule, iou=iou)


@dataclass(frozen=True)
class NamedTruth:
    """Ground truth, and the names that its indices stand for, sorted so that no result depends on file order."""

    recordings: tuple[str, ...]
    labels: tuple[str, ...]
    segments: GroundTruth


def truth_of(segments: Mapping[str, Iterable[Segment]]) -> NamedTruth:
    """Return recording -> segments as arrays; segments labelled background are left out.

    Raises
    ------
    InputError
        If there is no segment at all.
    """
    recordings = tuple(sorted(segments))
    listed = [
        (number, one) for number, name in enumerate(recordings) for one in segments[name] if one.label != BACKGROUND
    ]
    if not listed:
        raise InputError("no recording of the subset has a segment: there is nothing to score against")
    labels = tuple(sorted({one.label for _, one in listed}))
    index = {label: number for number, label in enumerate(labels)}
    table = GroundTruth(
        recording=np.array([number for number, _ in listed], dtype=np.int64),
        label=np.array([index[one.label] for _, one in listed], dtype=np.int64),
        start=np.array([one.start for _, one in listed], dtype=np.float64),
        end=np.array([one.end for _, one in listed], dtype=np.float64),
    )
    return NamedTruth(recordings, labels, table)


def detections_of(spans: MergedSpans, dataset: Dataset, truth: NamedTruth) -> DetectionArrays:
    """Return spans of `dataset` as detections with the labels of `truth`; spans of other labels are left out."""
    renumbered = np.full(len(dataset.labels), -1, dtype=np.int64)
    for number, label in enumerate(truth.labels):
        renumbered[dataset.labels.index(label)] = number
    label = renumbered[spans.label]
    start, end = seconds(spans.start, dataset.fps), seconds(spans.end, dataset.fps)
    listed = DetectionArrays(spans.recording, label, start, end, spans.score, spans.since, spans.until)
    return listed.taken(label >= 0)


def evaluate_sets(
    truth: NamedTruth,
    detections: DetectionArrays,
    sets: int,
    *,
    rule: MatchingRule = DEFAULT_RULE,
    iou: Sequence[float],
    zero_over_zero: bool = False,
    ties: Ties = "fixed",
) -> list[Evaluation]:
    """Score every set of `detections` (see `DetectionArrays`) in one call: one evaluation a set; `ties` as in `match`.

    Raises
    ------
    InputError
        If `iou` is no list of numbers in (0, 1], or the rule's priority fails.
    """
    thresholds = tuple(float(threshold) for threshold in iou)
    if not thresholds or not all(0 < threshold <= 1 for threshold in thresholds):
        raise InputError(f"IoU thresholds must be numbers in (0, 1] but got {list(thresholds)}")
    ambiguous = truth.labels.index(AMBIGUOUS) if rule.drops_ambiguous and AMBIGUOUS in truth.labels else None
    if sets > 1:
        distinct, epoch = _distinct_sets(detections, len(truth.labels), sets)
    else:
        distinct, epoch = detections, np.zeros((1, len(truth.labels)), dtype=np.int64)
    matches = match(
        truth.segments, distinct, thresholds, rule, zero_over_zero=zero_over_zero, ambiguous=ambiguous, ties=ties
    )
    ap = average_precision(
        truth.segments,
        distinct,
        matches,
        labels=len(truth.labels),
        sets=int(epoch.max(initial=0)) + 1,
        enveloped=rule.enveloped,
    )[epoch, np.arange(len(truth.labels))]
    counted = [number for number in range(len(truth.labels)) if number != ambiguous]
    if not counted:
        raise InputError(f"the subset's only label is {AMBIGUOUS!r}: there is nothing to score against")
    labels = tuple(truth.labels[number] for number in counted)
    return [Evaluation(labels, thresholds, ap[number, counted]) for number in range(sets)]


def _distinct_sets(detections: DetectionArrays, labels: int, sets: int) -> tuple[DetectionArrays, np.ndarray]:
    """Return `detections` with the sets of each label renumbered, and the new numbers, (sets, labels) int64.

    AP is computed label by label, and few of a label's detections change from one merge gap to the next. Neighbouring sets
    with the same detections of a label get the same number there, and are scored once.
    """
    size = sets + 1
    since, until = detections.label * size + detections.since, detections.label * size + detections.until
    bases = np.arange(labels) * size
    edges = np.unique(np.concatenate((bases, since, until)))
    first = np.searchsorted(edges, bases)
    epoch = np.searchsorted(edges, bases + np.arange(sets)[:, None], side="right") - 1 - first
    start = np.searchsorted(edges, since) - first[detections.label]
    end = np.searchsorted(edges, until) - first[detections.label]
    return replace(detections, since=start, until=end), epoch
