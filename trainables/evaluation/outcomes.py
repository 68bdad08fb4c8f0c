"""What became of every detection: a true positive, or one of five kinds of false positive (protocol section 4, Diagnosis).

The kinds are those of detection diagnosis (Alwassel et al., "Diagnosing Error in Temporal Action Detectors", ECCV 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crescendo.trainables.evaluation.joining import counting_up, join
from crescendo.trainables.evaluation.matching import (
    DetectionArrays,
    GroundTruth,
    counting_order,
    ordered_pairs,
    temporal_iou,
    touching,
)
from crescendo.trainables.evaluation.protocols import DEFAULT_RULE, MatchingRule

KINDS = ("wrong_label", "poor_overlap", "both", "double", "background")
"""Of false positives."""

LOWER_IOU = 0.1
"""What a detection must overlap a ground truth by to be about it; below that it is one of background."""

FOUND = len(KINDS)
"""Stands for a true positive, where a kind is named by its number."""


@dataclass(frozen=True)
class Outcomes:
    """What became of every detection at one IoU threshold.

    Attributes
    ----------
    truth
        Ground truth that counts: without segments labelled `Ambiguous`, under a rule that drops them.
    detections
        Those that count, in the order in which AP counts them.
    kind
        (detections,) int64: the kind's place in `KINDS`, or `FOUND`.
    about
        (detections,) int64, place in `truth`: of a true positive the ground truth that it found, of a wrong label and of a
        poor overlap the one that it was nearest to finding; -1 for other kinds.
    """

    truth: GroundTruth
    detections: DetectionArrays
    kind: np.ndarray
    about: np.ndarray

    def of_kind(self, name: str) -> np.ndarray:
        """Return which detections are of the kind `name`, (detections,) bool."""
        mine: np.ndarray = self.kind == KINDS.index(name)
        return mine

    @property
    def found(self) -> np.ndarray:
        """Which ground truths have a true positive, (truths,) bool."""
        return self._named(self.kind == FOUND)

    @property
    def missed(self) -> np.ndarray:
        """Which have none, and neither a wrong label nor a poor overlap that is about them, (truths,) bool."""
        return ~self._named(self.about >= 0)

    def _named(self, rows: np.ndarray) -> np.ndarray:
        named = np.zeros(len(self.truth.start), dtype=bool)
        named[self.about[rows]] = True
        return named


def outcomes(
    truth: GroundTruth,
    detections: DetectionArrays,
    iou: float,
    rule: MatchingRule = DEFAULT_RULE,
    *,
    ambiguous: int | None = None,
) -> Outcomes:
    """Return what became of each of `detections`, a single set, at the threshold `iou`.

    True positives are those of `match`. Each other detection is of the first kind that fits, IoU passing a threshold as the
    rule says:

    `double`: its IoU with a segment of its label passes `iou` (which is then, but for a rule of one's own, found by another);
    `wrong_label`: its IoU with a segment of another label passes `iou`;
    `poor_overlap`: its IoU with a segment of its label passes `LOWER_IOU`;
    `both`: its IoU with a segment of another label passes `LOWER_IOU`;
    `background`: none of these.

    A detection is about the segment, of those that make it of its kind, with the largest IoU; of equal ones the first by
    start, end and place in the file. `ambiguous` is as in `match`.

    Raises
    ------
    InputError
        If the rule's priority fails.
    """
    ranked = detections.taken(counting_order(detections))
    unclear = None
    if rule.drops_ambiguous and ambiguous is not None:
        unclear = touching(truth, ranked, ambiguous)
        kept, clear = ranked.label != ambiguous, truth.label != ambiguous
        ranked, unclear, truth = ranked.taken(kept), unclear[kept], truth.taken(clear)
    pairs = ordered_pairs(truth, ranked, (iou,), rule)
    joined = join(pairs.detection, pairs.truth)
    kind = np.full(len(ranked), KINDS.index("background"))
    about = np.full(len(ranked), -1)
    detection, segment, overlap = _overlapping(truth, ranked)
    own = ranked.label[detection] == truth.label[segment]
    lower = min(LOWER_IOU, iou)
    # From the last kind that fits to the first.
    for name, rows, threshold in (
        ("both", ~own, lower),
        ("poor_overlap", own, lower),
        ("wrong_label", ~own, iou),
        ("double", own, iou),
    ):
        rows = np.flatnonzero(rows & rule.passing(overlap, threshold))  # noqa: PLW2901  # those of them that pass
        kind[detection[rows]] = KINDS.index(name)
        # The best pair of a detection comes first, and of repeated indices the last assignment stays.
        about[detection[rows[::-1]]] = segment[rows[::-1]] if name in ("poor_overlap", "wrong_label") else -1
    kind[pairs.detection[joined]] = FOUND
    about[pairs.detection[joined]] = pairs.truth[joined]
    if unclear is not None:
        counted = ~unclear | (kind == FOUND)
        ranked, kind, about = ranked.taken(counted), kind[counted], about[counted]
    return Outcomes(truth, ranked, kind, about)


def _overlapping(truth: GroundTruth, ranked: DetectionArrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all pairs of a detection and a segment of its recording that share time, and their IoU.

    They are listed by detection, then falling IoU, then the segment's start, end and place.
    """
    detection, segment = _close(truth, ranked)
    bounds = (ranked.start[detection], ranked.end[detection], truth.start[segment], truth.end[segment])
    overlap = temporal_iou(*bounds)
    shared = (overlap > 0) & (ranked.recording[detection] == truth.recording[segment])
    detection, segment, overlap = detection[shared], segment[shared], overlap[shared]
    order = np.lexsort((segment, truth.end[segment], truth.start[segment], -overlap, detection))
    return detection[order], segment[order], overlap[order]


def _close(truth: GroundTruth, ranked: DetectionArrays) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs among which are all that share time: those of a long recording are too many to look at each."""
    latest = max(truth.end.max(initial=0.0), ranked.end.max(initial=0.0))
    earliest = min(truth.start.min(initial=0.0), ranked.start.min(initial=0.0))
    # Recordings stand one after the other on one axis, where times are rounded.
    stretch, margin = latest - earliest + 1, 0.001
    start, end = (truth.recording * stretch + bound for bound in (truth.start, truth.end))
    order = np.argsort(start, kind="stable")
    reach = np.maximum.accumulate(end[order])
    first = np.searchsorted(reach, ranked.recording * stretch + ranked.start - margin)
    behind = np.searchsorted(start[order], ranked.recording * stretch + ranked.end + margin)
    count = np.maximum(behind - first, 0)
    return np.repeat(np.arange(len(ranked)), count), order[counting_up(count, first)]
