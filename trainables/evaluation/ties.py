"""By how much the order of detections with equal scores can move mAP (protocol section 4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.matching import (
    DetectionArrays,
    GroundTruth,
    Pairs,
    counting_order,
    match,
    ordered_pairs,
)
from crescendo.trainables.evaluation.mean_ap import arrays_of
from crescendo.trainables.evaluation.metric_keys import number_key
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, MatchingRule
from crescendo.trainables.evaluation.result_format import Detection
from crescendo.trainables.evaluation.tie_bounds import Knot, LabelTies
from crescendo.trainables.evaluation.tie_outcomes import KnotPair

WORTH_SAYING = 0.0005
"""A range of mAP that is no wider than this is not shown."""


@dataclass(frozen=True)
class TieRange:
    """What mAP can be, over all orders of detections with equal scores.

    Attributes
    ----------
    iou : IoU thresholds
    low, high : (thresholds,) float64, the lowest and the highest mAP, fractions of 1
    exact : (thresholds,) bool, whether some order reaches `low` and some order `high`; otherwise they are bounds
    """

    iou: tuple[float, ...]
    low: np.ndarray
    high: np.ndarray
    exact: np.ndarray

    @property
    def worth_saying(self) -> np.ndarray:
        """Whether ties can move mAP by more than `WORTH_SAYING`, (thresholds,) bool."""
        wide: np.ndarray = self.high - self.low > WORTH_SAYING
        return wide

    def to_json(self) -> dict[str, Any]:
        """Return `{"0.50": {"lowest": ..., "highest": ..., "exact": ...}}` of the thresholds that are worth saying."""
        columns = zip(self.iou, self.low.tolist(), self.high.tolist(), self.exact.tolist(), strict=True)
        return {
            number_key(iou): {"lowest": low, "highest": high, "exact": exact}
            for (iou, low, high, exact), said in zip(columns, self.worth_saying.tolist(), strict=True)
            if said
        }


def tie_range(
    truth: GroundTruth,
    detections: DetectionArrays,
    iou: Sequence[float],
    rule: MatchingRule,
    *,
    labels: Sequence[int],
    zero_over_zero: bool = False,
    ambiguous: int | None = None,
) -> TieRange:
    """Return the range of the mean AP of `labels`, which have ground truth; the other parameters are those of `match`.

    At one threshold the order of one label's ties does not matter to another label: their extremes are averaged. Where it
    is the same detections that are true positives in every order, AP is highest with these first and lowest with them last
    among their equals. Tied detections that compete for ground truths are followed through their orders (`tie_outcomes`).

    Raises
    ------
    InputError
        If the rule's priority fails.
    """
    ties = _Ties.of(truth, detections, iou, rule, zero_over_zero=zero_over_zero)
    matches = match(truth, detections, iou, rule, zero_over_zero=zero_over_zero, ambiguous=ambiguous)
    dropped, columns = matches.dropped, range(len(iou))
    low, high, exact = np.zeros(len(iou)), np.zeros(len(iou)), np.ones(len(iou), dtype=bool)
    positives = np.bincount(truth.label, minlength=max(labels) + 1)
    for column in columns:
        hit = np.zeros(len(dropped), dtype=bool)
        hit[matches.hit[matches.hit_column == column]] = True
        knots = sorted(ties.knots(rule, iou[column], dropped), key=lambda knot: knot.detections)
        begins = [knot.detections[0] for knot in knots]
        for label in labels:
            first, last = np.searchsorted(ties.label, (label, label + 1)).tolist()
            mine = knots[bisect_left(begins, first) : bisect_left(begins, last)]
            label_ties = LabelTies.of(slice(first, last), ties.group, hit, dropped, mine)
            for bound, highest in ((low, False), (high, True)):
                value, reached = label_ties.extreme(int(positives[label]), enveloped=rule.enveloped, highest=highest)
                bound[column] += value
                exact[column] &= reached
    return TieRange(tuple(map(float, iou)), low / len(labels), high / len(labels), exact)


def tie_range_of_detections(
    annotations: Annotations,
    subset: str,
    detections: Mapping[str, Sequence[Detection]],
    *,
    rule: MatchingRule,
    iou: Sequence[float],
    zero_over_zero: bool = False,
) -> TieRange:
    """Return the range of the mAP that `evaluate_detections` computes; parameters and what is raised are the same."""
    truth, table = arrays_of(annotations, subset, detections)
    ambiguous = truth.labels.index(AMBIGUOUS) if rule.drops_ambiguous and AMBIGUOUS in truth.labels else None
    labels = [number for number in range(len(truth.labels)) if number != ambiguous]
    return tie_range(
        truth.segments, table, iou, rule, labels=labels, zero_over_zero=zero_over_zero, ambiguous=ambiguous
    )


@dataclass(frozen=True)
class _Ties:
    """Detections in the order of counting: label, group of equal scores; their pairs with ties one way and the other."""

    label: np.ndarray
    group: np.ndarray
    forward: Pairs
    backward: Pairs
    truths: int

    @classmethod
    def of(
        cls,
        truth: GroundTruth,
        detections: DetectionArrays,
        iou: Sequence[float],
        rule: MatchingRule,
        *,
        zero_over_zero: bool,
    ) -> _Ties:
        ranked = detections.taken(counting_order(detections))
        begins = np.ones(len(ranked), dtype=bool)
        begins[1:] = (ranked.label[1:] != ranked.label[:-1]) | (ranked.score[1:] != ranked.score[:-1])
        group = np.cumsum(begins) - 1
        size = np.bincount(group)
        place = np.arange(len(group))
        # A group of ties from place a to b, reversed: a + b - place.
        turned = 2 * np.flatnonzero(begins)[group] + size[group] - 1 - place
        forward, backward = (
            ordered_pairs(truth, one, iou, rule, zero_over_zero=zero_over_zero)
            for one in (ranked, ranked.taken(turned))
        )
        named = Pairs(turned[backward.detection], backward.truth, backward.iou)
        return cls(ranked.label, group, forward, named, len(truth.start))

    def knots(self, rule: MatchingRule, threshold: float, dropped: np.ndarray) -> Iterator[Knot]:
        """Yield, at one threshold, what hangs together and may come out otherwise."""
        forward, backward = (pairs.taken(rule.passing(pairs.iou, threshold)) for pairs in (self.forward, self.backward))
        if not np.array_equal(np.sort(self._name(forward)), np.sort(self._name(backward))):
            raise InputError(
                "matching rule: its priority leaves out other pairs when ties come in another order; whether a pair is left "
                "out must depend on its detection alone"
            )
        place = np.empty(len(forward.iou), dtype=np.int64)
        place[np.argsort(self._name(forward))] = np.argsort(self._name(backward))
        by_truth = np.argsort(forward.truth, kind="stable")
        one, other = by_truth[:-1], by_truth[1:]
        turned = (forward.truth[one] == forward.truth[other]) & (place[other] < place[one])
        count = len(self.group)
        edges = coo_array(
            (np.ones(len(place)), (forward.detection, count + forward.truth)), shape=(count + self.truths,) * 2
        )
        _, piece = connected_components(edges, directed=False)
        knot = piece[forward.detection]
        chosen = np.flatnonzero(np.isin(knot, knot[other[turned]]))
        chosen = chosen[np.argsort(knot[chosen], kind="stable")]
        for rows in np.split(chosen, np.flatnonzero(np.diff(knot[chosen])) + 1):
            if len(rows):
                columns = (forward.detection[rows], forward.truth[rows], rows, place[rows])
                pairs = [KnotPair(*numbers) for numbers in zip(*(one.tolist() for one in columns), strict=True)]
                yield Knot.of(pairs, self.group, dropped)

    def _name(self, pairs: Pairs) -> np.ndarray:
        names: np.ndarray = pairs.detection * self.truths + pairs.truth
        return names
