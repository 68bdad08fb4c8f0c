"""The matching rules of mAP: which detection finds which annotated activity (protocol section 4).

Each rule is declared once, in `PROTOCOLS`. Anyone's own is a `MatchingRule` in a module of theirs, named as
`module:attribute`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from crescendo.trainables.registry import Registry

if TYPE_CHECKING:  # a study is checked against this table, and NumPy takes as long to import as all else
    import numpy as np

AMBIGUOUS = "Ambiguous"
"""Label of segments of which annotators were not sure, in THUMOS14."""
Passes = Literal["above", "at_least"]


@dataclass(frozen=True)
class CandidatePairs:
    """Pairs of a detection and a ground truth of the same recording and label whose IoU passes some threshold.

    They are listed by detection, then by the ground truth's start and end. All arrays are (pairs,).

    Attributes
    ----------
    detection : int64
        The detection's rank. Of one label the smaller rank is the higher score; equal scores go by recording, start and
        end.
    truth : int64
        The ground truth's place in the file: of one recording and label the smaller number comes first.
    iou, score : float64
        Of the two segments; of the detection.
    start, end, truth_start, truth_end : float64
        Seconds, of the detection and of the ground truth.
    """

    detection: np.ndarray
    truth: np.ndarray
    iou: np.ndarray
    score: np.ndarray
    start: np.ndarray
    end: np.ndarray
    truth_start: np.ndarray
    truth_end: np.ndarray


Priority = Callable[[CandidatePairs], "np.ndarray"]
"""The order in which pairs are gone through: `CandidatePairs` -> (up to pairs,) indices into them, each at most once.

Pairs that are left out are never joined. Whether one pair comes before another must depend on these two alone, and
whether a pair is left out on the pairs of its detection alone: detections of other recordings, labels and merge gaps are
listed in the same call.
"""


@dataclass(frozen=True)
class MatchingRule:
    """How detections are matched with ground truth, and how AP is computed from what matched.

    At every IoU threshold the pairs of a detection and a ground truth are gone through in the order of `priority`. A
    pair is joined if its IoU passes the threshold and neither of the two has been joined before. A joined detection is a
    true positive; every other one is a false positive.

    Attributes
    ----------
    passes
        `above`: an IoU greater than the threshold passes; `at_least`: one equal to it does, too.
    priority
        See `Priority`.
    enveloped
        AP takes for each precision the best one at equal or higher recall (VOC 2011), not the precision itself.
    drops_ambiguous
        Segments labelled `Ambiguous` are no ground truth, and detections that share time with one are not counted unless
        they are true positives.
    allows_zero_over_zero
        Two segments without length may be said to overlap (IoU 1), wherever they lie, as ActivityNet's scorer does.
    """

    passes: Passes
    priority: Priority
    enveloped: bool = True
    drops_ambiguous: bool = False
    allows_zero_over_zero: bool = False

    def __post_init__(self) -> None:
        if self.passes not in get_args(Passes):
            raise ValueError(f"passes must be one of {', '.join(get_args(Passes))} but got {self.passes!r}")
        if not callable(self.priority):
            raise ValueError(f"priority must be a function of CandidatePairs but got {self.priority!r}")

    @property
    def unscored(self) -> frozenset[str]:
        """Labels whose segments are no ground truth."""
        return frozenset((AMBIGUOUS,)) if self.drops_ambiguous else frozenset()

    def passing(self, iou: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
        """Return elementwise whether `iou` passes `threshold`."""
        passes: np.ndarray = (operator.gt if self.passes == "above" else operator.ge)(iou, threshold)
        return passes


def longest_of_best(pairs: CandidatePairs) -> np.ndarray:
    """Order `pairs` by falling length of the detection, then by score; only each detection's pair of largest IoU."""
    by_iou = score_then_iou(pairs)
    listed = pairs.detection[by_iou]
    first = listed == listed  # noqa: PLR0124  # all true
    first[1:] = listed[1:] != listed[:-1]
    best = by_iou[first]
    # Spans of as many frames differ in seconds by rounding alone; the nanosecond makes them tie.
    length = (pairs.end[best] - pairs.start[best]).round(9)
    by_length: np.ndarray = best[(-length).argsort(kind="stable")]
    return by_length


def score_then_iou(pairs: CandidatePairs) -> np.ndarray:
    """Order `pairs` by falling score of the detection, then by falling IoU."""
    by_iou = (-pairs.iou).argsort(kind="stable")
    by_detection: np.ndarray = by_iou[pairs.detection[by_iou].argsort(kind="stable")]
    return by_detection


def truth_then_iou(pairs: CandidatePairs) -> np.ndarray:
    """Order `pairs` by the ground truth's place in the file, then by falling IoU, then by score."""
    by_score = pairs.detection.argsort(kind="stable")
    by_iou = by_score[(-pairs.iou[by_score]).argsort(kind="stable")]
    by_truth: np.ndarray = by_iou[pairs.truth[by_iou].argsort(kind="stable")]
    return by_truth


def _rule(found: Any) -> MatchingRule:
    if not isinstance(found, MatchingRule):
        raise ValueError(f"must be a MatchingRule of {__name__} but is a {type(found).__name__}")
    return found


PROTOCOLS = Registry(
    "protocol",
    {
        "paper": MatchingRule(passes="above", priority=longest_of_best),
        "activitynet": MatchingRule(passes="at_least", priority=score_then_iou, allows_zero_over_zero=True),
        "thumos14": MatchingRule(passes="above", priority=truth_then_iou, enveloped=False, drops_ambiguous=True),
    },
    accept=_rule,
)
DEFAULT_PROTOCOL = "paper"
DEFAULT_RULE = PROTOCOLS[DEFAULT_PROTOCOL]
