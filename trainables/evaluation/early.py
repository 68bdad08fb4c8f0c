"""Early detection: how well an activity is detected when only its beginning has been observed (protocol section 5)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import frame_span, seconds
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth
from crescendo.trainables.evaluation.mean_ap import Evaluation, NamedTruth, detections_of, evaluate_sets
from crescendo.trainables.evaluation.metric_keys import number_key
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, DEFAULT_RULE, MatchingRule
from crescendo.trainables.inference.decoding import Runs, find_runs_of, join_runs, merge

# Frames of sequences whose runs are found together.
_TOGETHER = 2**16


class ObservedSequence(NamedTuple):
    """What a model is shown: frames [`first`, `last`) of `recording`."""

    recording: str
    first: int
    last: int


ScoreSequences = Callable[[list[ObservedSequence]], Iterable[np.ndarray]]


@dataclass(frozen=True)
class EarlySequence:
    """The test sequence of one activity: it begins at frame `first`, and the activity fills frames [`onset`, `end`)."""

    recording: str
    segment: Segment
    first: int
    onset: int
    end: int

    def observed(self, fraction: float) -> ObservedSequence:
        """Return the part up to the point where `fraction` of the activity's frames, rounded up, have been observed."""
        # 0.07 * 100 is a little more than 7 in floating point and must not be rounded up to 8.
        frames = math.ceil(fraction * (self.end - self.onset) - 1e-9)
        return ObservedSequence(self.recording, self.first, self.onset + frames)


@dataclass(frozen=True)
class ObservedPart:
    """The ground truth and the detections of all test sequences when `fraction` of each activity has been observed.

    Every test sequence counts as a recording of its own; `NamedTruth.recordings` names the recording it is cut from.
    Detections of a label without ground truth are left out.
    """

    fraction: float
    truth: NamedTruth
    detections: DetectionArrays


@dataclass(frozen=True)
class EarlyDetection:
    """One evaluation for each observed fraction."""

    fractions: tuple[float, ...]
    evaluations: tuple[Evaluation, ...]

    @property
    def mean_ap(self) -> np.ndarray:
        """The mean AP over the labels, (fractions, thresholds) float64."""
        return np.stack([evaluation.mean_ap for evaluation in self.evaluations])

    def to_json(self) -> dict[str, Any]:
        """Return `{"mAP": {"0.30": {"0.50": ...}}, "AP": {label: {"0.30": {"0.50": ...}}}}`, fractions of 1."""
        parts = {
            number_key(fraction): evaluation.to_json()
            for fraction, evaluation in zip(self.fractions, self.evaluations, strict=True)
        }
        return {
            "mAP": {key: part["mAP"] for key, part in parts.items()},
            "AP": {
                label: {key: part["AP"][label] for key, part in parts.items()} for label in self.evaluations[0].labels
            },
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EarlyDetection:
        """Return the evaluations whose `to_json` is `content`."""
        parts = [
            {"mAP": mean_ap, "AP": {label: rows[fraction] for label, rows in content["AP"].items()}}
            for fraction, mean_ap in content["mAP"].items()
        ]
        return cls(tuple(map(float, content["mAP"])), tuple(map(Evaluation.from_json, parts)))


def sequences(dataset: Dataset, subset: str) -> list[EarlySequence]:
    """Return one test sequence for every activity of `subset`, by recording and start.

    A sequence begins where the activities that started before its own have all ended, or at the start of the recording.
    If one of them still goes on when its own activity starts, or ends at that moment, there is no time without activity
    between the two, and the sequence begins with its own activity. Sequences of activities that start together begin
    alike. An activity that contains no frame's centre has no frames of its own; its sequence ends where it starts.

    Raises
    ------
    InputError
        If the subset has no recordings.
    """
    listed = []
    for recording in sorted(dataset.recordings(subset)):
        frames = dataset.frames(recording)
        ended, running, latest = 0, 0, -math.inf
        for segment in sorted(dataset.annotations.recordings[recording].segments, key=lambda segment: segment.start):
            onset, end = (min(bound, frames) for bound in frame_span(segment.start, segment.end, dataset.fps))
            if segment.start > latest:
                ended, latest = running, segment.start
            running = max(running, end)
            listed.append(EarlySequence(recording, segment, min(ended, onset), onset, end))
    return listed


def early_detection(
    dataset: Dataset,
    subset: str,
    score_sequences: ScoreSequences,
    *,
    merge_gap: int,
    fractions: Sequence[float],
    iou: Sequence[float],
    rule: MatchingRule = DEFAULT_RULE,
) -> EarlyDetection:
    """Score detection with each fraction of `fractions` of every activity observed: `evaluate_parts(observed_parts())`."""
    parts = observed_parts(dataset, subset, score_sequences, merge_gap=merge_gap, fractions=fractions, rule=rule)
    return evaluate_parts(parts, iou=iou, rule=rule)


def observed_parts(
    dataset: Dataset,
    subset: str,
    score_sequences: ScoreSequences,
    *,
    merge_gap: int,
    fractions: Sequence[float],
    rule: MatchingRule = DEFAULT_RULE,
) -> tuple[ObservedPart, ...]:
    """Return what is detected, and what was to be, with each fraction of `fractions` of every activity observed.

    Each sequence is scored once, up to the largest fraction: the model is causal, so the scores of a shorter part are the
    first scores of a longer one. Each part is decoded by itself. The ground truth of a sequence is its own activity, cut to
    the observed part; other activities that overlap it are not. An activity of which no frame is observed counts as ground
    truth that no detection can match. Under a rule that drops ambiguous segments, those labelled `Ambiguous` get no
    sequence.

    Parameters
    ----------
    score_sequences
        Called once with the sequences to score, of at least one frame each; yields their scores, (frames, labels), in the
        same order. The model's state is fresh at the first frame of each.

    Raises
    ------
    InputError
        If the subset has no recordings or no activities, a fraction lies outside (0, 1], or scores are NaN or of another
        shape than their sequence.
    """
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions):
        raise InputError(f"observed fractions must be numbers in (0, 1] but got {list(fractions)}")
    tested = [
        sequence
        for sequence in sequences(dataset, subset)
        if not (rule.drops_ambiguous and sequence.segment.label == AMBIGUOUS)
    ]
    if not tested:
        raise InputError(f"subset {subset!r} has no activities: there is nothing to detect early")
    offset = np.array([sequence.first for sequence in tested], dtype=np.int64)
    parts = []
    for fraction, runs in zip(
        fractions, _observed_runs(dataset, tested, score_sequences, merge_gap, fractions), strict=True
    ):
        spans = merge(runs, [merge_gap])
        beginning = offset[spans.recording]
        spans = replace(spans, start=spans.start + beginning, end=spans.end + beginning)
        truth = _truth(tested, fraction, dataset.fps)
        parts.append(ObservedPart(float(fraction), truth, detections_of(spans, dataset, truth)))
    return tuple(parts)


def evaluate_parts(
    parts: Sequence[ObservedPart], *, iou: Sequence[float], rule: MatchingRule = DEFAULT_RULE
) -> EarlyDetection:
    """Score the detections of each observed part; `InputError` if an option is unknown or out of range."""
    evaluations = [evaluate_sets(part.truth, part.detections, 1, rule=rule, iou=iou) for part in parts]
    return EarlyDetection(tuple(part.fraction for part in parts), tuple(evaluation for [evaluation] in evaluations))


def _observed_runs(
    dataset: Dataset,
    tested: Sequence[EarlySequence],
    score_sequences: ScoreSequences,
    merge_gap: int,
    fractions: Sequence[float],
) -> list[Runs]:
    """Return for each fraction the runs in the observed parts of all sequences, in frames since the sequence's beginning."""
    longest = [sequence.observed(max(fractions)) for sequence in tested]
    visible = [number for number, shown in enumerate(longest) if shown.last > shown.first]
    lengths = {
        number: [tested[number].observed(fraction).last - longest[number].first for fraction in fractions]
        for number in visible
    }
    runs: list[list[Runs]] = [[] for _ in fractions]
    waiting, frames = dict[int, np.ndarray](), 0

    def find() -> None:
        for row, part in enumerate(runs):
            beginnings = [scores[: lengths[number][row]] for number, scores in waiting.items()]
            part.append(find_runs_of(beginnings, merge_gap, numbers=list(waiting)))
        waiting.clear()

    for number, scores in zip(visible, score_sequences([longest[number] for number in visible]), strict=True):
        _check_scores(longest[number], scores, len(dataset.labels))
        waiting[number], frames = scores, frames + len(scores)
        if frames >= _TOGETHER:
            find()
            frames = 0
    if waiting:
        find()
    return [join_runs(part) for part in runs]


def _check_scores(shown: ObservedSequence, scores: np.ndarray, labels: int) -> None:
    expected = (shown.last - shown.first, labels)
    if scores.shape != expected:
        raise InputError(f"{shown}: the scores have shape {scores.shape}, expected {expected} (frames, labels)")
    finite = np.isfinite(scores.max(axis=1))
    if not finite.all():
        raise InputError(
            f"{shown}: scores of frame {int(np.argmin(finite))} hold NaN or infinity; every score must be finite"
        )


def _truth(tested: Sequence[EarlySequence], fraction: float, fps: float) -> NamedTruth:
    """Return the activity of each sequence, cut to what is observed of it; each sequence is a recording of its own."""
    labels = tuple(sorted({sequence.segment.label for sequence in tested}))
    bounds = np.array([_observed_seconds(sequence, fraction, fps) for sequence in tested])
    table = GroundTruth(
        recording=np.arange(len(tested)),
        label=np.array([labels.index(sequence.segment.label) for sequence in tested], dtype=np.int64),
        start=bounds[:, 0],
        end=bounds[:, 1],
    )
    return NamedTruth(tuple(sequence.recording for sequence in tested), labels, table)


def _observed_seconds(sequence: EarlySequence, fraction: float, fps: float) -> tuple[float, float]:
    last = sequence.observed(fraction).last
    start = max(sequence.segment.start, seconds(float(sequence.first), fps))
    end = min(sequence.segment.end, seconds(float(last), fps))
    # A part of no frames has no length, even if the activity starts up to half a frame before its first frame.
    return start, (max(start, end) if last > sequence.onset else start)
