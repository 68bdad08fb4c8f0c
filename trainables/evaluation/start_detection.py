"""Point-level detection of action starts: p-AP at several offsets in seconds (protocol section 5, Action starts).

After Shou et al., "Online Detection of Action Start in Untrimmed, Streaming Videos" (ECCV 2018), and Gao et al., "StartNet"
(ICCV 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crescendo.trainables.evaluation.average_precision import average_precision
from crescendo.trainables.evaluation.joining import join, same_cell
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, Matches, counting_order, touching
from crescendo.trainables.evaluation.mean_ap import NamedTruth, detections_of, truth_of
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, DEFAULT_RULE, MatchingRule
from crescendo.trainables.inference.decoded_subset import DecodedSubset

OFFSETS = (1.0, 2.0, 5.0, 10.0)
"""How many seconds a start may be off."""


def offset_key(offset: float) -> str:
    """Return an offset as a key: `1s`."""
    return f"{offset:g}s"


@dataclass(frozen=True)
class StartDetection:
    """p-AP of the starts of each label with ground truth, (labels, `OFFSETS`) float64, fractions of 1."""

    labels: tuple[str, ...]
    ap: np.ndarray

    @property
    def mean_ap(self) -> np.ndarray:
        """p-mAP at each of `OFFSETS`: the mean over the labels, (offsets,) float64."""
        return np.asarray(self.ap.mean(axis=0))

    def to_json(self) -> dict[str, Any]:
        """Return `{"p_mAP": {"1s": ...}, "p_AP": {label: {"1s": ...}}}`."""
        keys = [offset_key(offset) for offset in OFFSETS]
        return {
            "p_mAP": dict(zip(keys, self.mean_ap.tolist(), strict=True)),
            "p_AP": {
                label: dict(zip(keys, row, strict=True))
                for label, row in zip(self.labels, self.ap.tolist(), strict=True)
            },
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> StartDetection:
        """Return the result whose `to_json` is `content`; means are computed again, from the same numbers."""
        keys = [offset_key(offset) for offset in OFFSETS]
        ap = np.array([[row[key] for key in keys] for row in content["p_AP"].values()], dtype=np.float64)
        if not ap.size:
            raise ValueError("starts are of some label")
        return cls(tuple(content["p_AP"]), ap)


def start_detection(truth: NamedTruth, starts: DetectionArrays, rule: MatchingRule = DEFAULT_RULE) -> StartDetection:
    """Return p-AP of the starts of `starts`, a single set of detections whose labels have ground truth.

    Of a label, starts are gone through by falling score, ties by recording, start and end. Each is joined with the nearest
    start of its recording and label in the ground truth that is free and at most the offset away (to the nanosecond; of
    equally near ones the earlier, then the one that ends first, then the first in the file), and is then a true positive; all
    others are false positives. AP is as in protocol section 4, with the envelope where `rule` has it. Under a rule that drops
    ambiguous segments, these have no AP, and starts of spans that share time with one are not counted unless they are true
    positives.
    """
    segments = truth.segments
    order = counting_order(starts)
    ranked = starts.taken(order)
    dropped, unclear = np.zeros(len(order), dtype=bool), None
    if rule.drops_ambiguous and AMBIGUOUS in truth.labels:
        unclear = truth.labels.index(AMBIGUOUS)
        dropped = touching(segments, ranked, unclear)
    hits = [_joined(segments, ranked, offset) for offset in OFFSETS]
    column = np.repeat(np.arange(len(OFFSETS)), [len(one) for one in hits])
    matches = Matches(order, dropped, column, np.concatenate(hits), len(OFFSETS))
    ap = average_precision(segments, starts, matches, labels=len(truth.labels), enveloped=rule.enveloped)[0]
    counted = [number for number in range(len(truth.labels)) if number != unclear]
    return StartDetection(tuple(truth.labels[number] for number in counted), ap[counted])


def starts_of_decoded(decoded: DecodedSubset, rule: MatchingRule = DEFAULT_RULE) -> StartDetection:
    """Return p-AP of the starts of the spans of `decoded`, which holds those of one merge gap.

    A live detector opens a span at the first frame that its label leads. The start is said there and then: its time is where
    this frame begins, and its score that of its label at this frame alone. Nothing that follows is used.

    Raises
    ------
    InputError
        If the subset has no segments.
    """
    recordings, spans = decoded.dataset.annotations.recordings, decoded.spans
    truth = truth_of({name: recordings[name].segments for name in decoded.recordings})
    score = np.empty(len(spans.start))
    for number, name in enumerate(decoded.recordings):
        mine = spans.recording == number
        score[mine] = decoded.scores[name][spans.start[mine], spans.label[mine]]
    return start_detection(truth, detections_of(replace(spans, score=score), decoded.dataset, truth), rule)


def _joined(truth: GroundTruth, ranked: DetectionArrays, offset: float) -> np.ndarray:
    """Return the ranks of the true positives at `offset`, rising."""
    start, segment = same_cell((ranked.recording, ranked.label), (truth.recording, truth.label))
    away = np.abs(ranked.start[start] - truth.start[segment]).round(9)
    near = np.flatnonzero(away <= offset)
    start, segment, away = start[near], segment[near], away[near]
    order = np.lexsort((segment, truth.end[segment], truth.start[segment], away, start))
    joined = join(start[order], segment[order])
    return np.sort(start[order][joined])
