"""Which detections are true positives (protocol section 4).

Every matching rule goes through the pairs of a detection and a ground truth of its recording and label in some order, and
joins a pair if it passes and neither of the two has been joined before. A pair that comes first both among those of its
detection and among those of its ground truth is joined whatever becomes of the others, so many pairs are joined at once and
a few rounds do for whole arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.joining import counting_up, join, same_cell
from crescendo.trainables.evaluation.protocols import DEFAULT_RULE, CandidatePairs, MatchingRule
from crescendo.trainables.plurals import counted
from crescendo.trainables.registry import blame

Ties = Literal["fixed", "file"]
"""How detections with equal scores are ordered: as the segments alone say, or as they are listed."""


@dataclass(frozen=True)
class GroundTruth:
    """Annotated segments of many recordings, in file order.

    `recording`, `label` (n,) int64 indices; `start`, `end` (n,) float64 seconds.
    """

    recording: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def taken(self, rows: np.ndarray) -> GroundTruth:
        """Return the segments at `rows`, indices or a mask."""
        return GroundTruth(self.recording[rows], self.label[rows], self.start[rows], self.end[rows])


@dataclass(frozen=True)
class DetectionArrays:
    """Detections of many recordings, in any order: the fields of `GroundTruth`, and `score` (n,) float64.

    Several sets of detections can be scored in one call, such as one for each merge gap. A detection belongs to the sets
    numbered `since` to `until`, the last not included; (n,) int64 each. One that belongs to many sets is listed once, and
    compared with the ground truth once.
    """

    recording: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    score: np.ndarray
    since: np.ndarray
    until: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def taken(self, rows: np.ndarray) -> DetectionArrays:
        """Return the detections at `rows`, indices or a mask."""
        return DetectionArrays(*(getattr(self, name)[rows] for name in DetectionArrays.__dataclass_fields__))


@dataclass(frozen=True)
class Matches:
    """The true positives, and the order in which AP counts all detections.

    Attributes
    ----------
    order : (n,) int64
        Indices of the detections, sorted by label, then falling score, then recording, start and end.
    dropped : (n,) bool
        In this order: whether a detection is counted only if it is a true positive.
    hit, hit_column : (hits,) int64
        Of each true positive its place in `order`, and number of the set * `thresholds` + number of the threshold. Sorted
        by column, then place.
    thresholds : int
        Number of IoU thresholds.
    """

    order: np.ndarray
    dropped: np.ndarray
    hit_column: np.ndarray
    hit: np.ndarray
    thresholds: int


def temporal_iou(
    start: np.ndarray, end: np.ndarray, other_start: np.ndarray, other_end: np.ndarray, zero_over_zero: float = 0.0
) -> np.ndarray:
    """Return intersection over union, elementwise; `zero_over_zero` where both segments have no length."""
    shared = np.maximum(0.0, np.minimum(end, other_end) - np.maximum(start, other_start))
    union = (end - start) + (other_end - other_start) - shared
    iou: np.ndarray = np.divide(shared, union, out=np.full(shared.shape, zero_over_zero), where=union > 0)
    return iou


def match(
    truth: GroundTruth,
    detections: DetectionArrays,
    iou: Sequence[float],
    rule: MatchingRule = DEFAULT_RULE,
    *,
    zero_over_zero: bool = False,
    ambiguous: int | None = None,
    ties: Ties = "fixed",
) -> Matches:
    """Match detections with ground truth at every IoU threshold of `iou`.

    Parameters
    ----------
    zero_over_zero
        If `rule` allows it, a detection of zero length matches a ground truth of zero length, wherever the two lie, in
        preference to any other: in ActivityNet's scorer their IoU is 0/0, which is not less than any threshold.
    ambiguous
        Index of the label `Ambiguous`, under a rule that drops detections of any label that overlap a segment of it and
        are no true positives.
    ties
        `fixed`: ties are broken by the segments alone (score, recording, start, end), so the order of `detections` changes
        nothing. `file`: detections with equal scores come in the order of `detections`.

    The order of `truth` matters only to a rule whose priority looks at it.

    Raises
    ------
    InputError
        If the rule's priority fails, or returns no indices of pairs or one of them twice.
    """
    thresholds = np.asarray(iou, dtype=np.float64)
    order = counting_order(detections, ties)
    ranked = detections.taken(order)
    pairs = ordered_pairs(truth, ranked, iou, rule, zero_over_zero=zero_over_zero)
    threshold, pair = np.nonzero(rule.passing(pairs.iou, thresholds[:, None]))
    # Every threshold and every epoch is matched on its own: a pair is repeated for each in which it passes.
    epochs = _epochs(pairs, ranked, truth)
    count = (epochs.last - epochs.first)[pair]
    epoch = counting_up(count, epochs.first[pair])
    threshold, pair = np.repeat(threshold, count), np.repeat(pair, count)
    _, compact = np.unique(pairs.detection, return_inverse=True)
    local = epoch - epochs.base[pair]
    joined = join(
        (compact[pair] * len(thresholds) + threshold) * epochs.most + local,
        (pairs.truth[pair] * len(thresholds) + threshold) * epochs.most + local,
    )
    joined = joined[np.argsort(pairs.detection[pair[joined]])]
    hit, threshold, epoch = pairs.detection[pair[joined]], threshold[joined], epoch[joined]
    since = epochs.since[epoch]
    sets = epochs.until[epoch] - since
    column = counting_up(sets, since * len(thresholds) + threshold, len(thresholds))
    # NumPy sorts small unsigned integers by radix, in a fraction of the time.
    listed = np.argsort(column.astype(np.min_scalar_type(column.max(initial=0))), kind="stable")
    dropped = np.zeros(len(order), dtype=bool)
    if rule.drops_ambiguous and ambiguous is not None:
        dropped = touching(truth, ranked, ambiguous)
    return Matches(order, dropped, column[listed], np.repeat(hit, sets)[listed], len(thresholds))


def counting_order(detections: DetectionArrays, ties: Ties = "fixed") -> np.ndarray:
    """Return the order in which AP counts detections, (n,) int64: by label, then falling score; `ties` as in `match`."""
    label, score = detections.label, -detections.score
    order = np.argsort(score, kind="stable")
    order = order[np.argsort(label[order].astype(np.min_scalar_type(label.max(initial=0))), kind="stable")]
    tied = (label[order][1:] == label[order][:-1]) & (score[order][1:] == score[order][:-1])
    if ties == "fixed" and tied.any():
        order = np.lexsort((detections.end, detections.start, detections.recording, score, label))
    return order


def ordered_pairs(
    truth: GroundTruth,
    ranked: DetectionArrays,
    iou: Sequence[float],
    rule: MatchingRule,
    *,
    zero_over_zero: bool = False,
) -> Pairs:
    """Return the pairs that pass one of the thresholds `iou`, in the order in which `rule` goes through them.

    `ranked` are detections in their order of counting (`counting_order`). For what is raised see `match`.
    """
    pairs = _pairs(truth, ranked, 1.0 if zero_over_zero and rule.allows_zero_over_zero else 0.0)
    pairs = pairs.taken(rule.passing(pairs.iou, min(iou)))
    return pairs.taken(_in_order(rule, pairs, ranked, truth))


@dataclass(frozen=True)
class Pairs:
    """Pairs of a detection and a ground truth of the same recording and label, and their IoU."""

    detection: np.ndarray
    truth: np.ndarray
    iou: np.ndarray

    def taken(self, rows: np.ndarray) -> Pairs:
        """Return the pairs at `rows`, indices or a mask."""
        return Pairs(self.detection[rows], self.truth[rows], self.iou[rows])


def _pairs(truth: GroundTruth, ranked: DetectionArrays, zero_over_zero: float) -> Pairs:
    """Return all pairs: by detection, then the ground truth's start and end."""
    place = np.lexsort((truth.end, truth.start))
    detection, position = same_cell((ranked.recording, ranked.label), (truth.recording[place], truth.label[place]))
    index = place[position]
    bounds = (ranked.start[detection], ranked.end[detection], truth.start[index], truth.end[index])
    return Pairs(detection, index, temporal_iou(*bounds, zero_over_zero))


def _in_order(rule: MatchingRule, pairs: Pairs, ranked: DetectionArrays, truth: GroundTruth) -> np.ndarray:
    """Return the order in which `rule` goes through `pairs`, as indices into them; checked, for anyone may write a rule."""
    count = len(pairs.iou)
    if not count:
        return np.zeros(0, dtype=np.int64)
    candidates = CandidatePairs(
        detection=pairs.detection,
        truth=pairs.truth,
        iou=pairs.iou,
        score=ranked.score[pairs.detection],
        start=ranked.start[pairs.detection],
        end=ranked.end[pairs.detection],
        truth_start=truth.start[pairs.truth],
        truth_end=truth.end[pairs.truth],
    )
    name = f"{rule.priority.__module__}:{getattr(rule.priority, '__qualname__', rule.priority)}"
    try:
        order = np.asarray(rule.priority(candidates))
    except Exception as error:  # whatever somebody's own function raises
        raise InputError(f"matching rule: {name} failed ({blame(error)})") from error
    if order.ndim != 1 or order.dtype.kind not in "iu":
        fault = f"an array of shape {order.shape} and type {order.dtype}"
    elif len(order) and not (order.min() >= 0 and order.max() < count):
        fault = f"an index outside the {counted(count, 'pair')}"
    elif len(order) and np.bincount(order).max() > 1:
        fault = "an index twice"
    else:
        return order
    raise InputError(f"matching rule: {name} must return indices of pairs, each at most once, but returned {fault}")


@dataclass(frozen=True)
class _Epochs:
    """Ranges of sets with the same detections of a recording and label, which are therefore matched alike.

    Epoch e spans the sets `since[e]` to `until[e]`. Pair p exists in the epochs `first[p]` to `last[p]`; the epochs of its
    recording and label begin at `base[p]`, and no recording and label has more than `most`. All ends are excluded.
    """

    since: np.ndarray
    until: np.ndarray
    first: np.ndarray
    last: np.ndarray
    base: np.ndarray
    most: int


def _epochs(pairs: Pairs, ranked: DetectionArrays, truth: GroundTruth) -> _Epochs:
    size = int(ranked.until.max(initial=0)) + 1
    labels = int(truth.label.max(initial=0)) + 1
    cell = (truth.recording[pairs.truth] * labels + truth.label[pairs.truth]) * size
    since, until = cell + ranked.since[pairs.detection], cell + ranked.until[pairs.detection]
    edges = np.unique(np.concatenate((since, until)))
    first, last, base = (np.searchsorted(edges, bound) for bound in (since, until, cell))
    ends = np.append(edges[1:], 0)
    return _Epochs(edges % size, ends % size, first, last, base, int((last - base).max(initial=0)))


def touching(truth: GroundTruth, ranked: DetectionArrays, ambiguous: int) -> np.ndarray:
    """Return for each detection whether it shares time with a segment of its recording labelled `ambiguous`."""
    unclear = np.flatnonzero(truth.label == ambiguous)
    detection, position = same_cell((ranked.recording,), (truth.recording[unclear],))
    index = unclear[position]
    shared = np.minimum(ranked.end[detection], truth.end[index]) - np.maximum(
        ranked.start[detection], truth.start[index]
    )
    touching = np.zeros(len(ranked.start), dtype=bool)
    touching[detection[shared > 0]] = True
    return touching
