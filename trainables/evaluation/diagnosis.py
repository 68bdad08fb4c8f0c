"""Why mAP is not 1: false positives by kind, missed activities, wrong bounds, by length and place (protocol section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from crescendo.trainables.evaluation.bound_error import BoundError
from crescendo.trainables.evaluation.matching import DetectionArrays
from crescendo.trainables.evaluation.mean_ap import NamedTruth, detections_of, truth_of
from crescendo.trainables.evaluation.outcomes import FOUND, KINDS, Outcomes, outcomes
from crescendo.trainables.evaluation.protocols import AMBIGUOUS, DEFAULT_RULE, MatchingRule
from crescendo.trainables.evaluation.repaired import all_mean_ap_without, mean_ap_without
from crescendo.trainables.inference.decoded_subset import DecodedSubset

BINS = {"length": ("short", "medium", "long"), "place": ("beginning", "middle", "end")}
"""Thirds of the ground truth, by length in seconds and by where an activity's middle lies, as a fraction of the recording."""

_USUAL_IOU = 0.5


@dataclass(frozen=True)
class OutcomeCounts:
    """How many detections of each kind, and what became of the activities.

    Attributes
    ----------
    true_positives
        Detections, as many as activities that are found.
    false_positives
        Kind, as in `KINDS` -> detections.
    activities, not_found, missed
        Activities, those without true positive, and those of these that no wrong label and no poor overlap is about.
    """

    true_positives: int
    false_positives: Mapping[str, int]
    activities: int
    not_found: int
    missed: int

    @property
    def detections(self) -> int:
        """All detections."""
        return self.true_positives + sum(self.false_positives.values())

    def rates(self) -> dict[str, float]:
        """Return kind -> false positives for each activity, and the shares of activities `not_found` and `missed`.

        Where there are no activities, as in a bin that none falls in, it is empty.
        """
        if not self.activities:
            return {}
        counts = {**self.false_positives, "not_found": self.not_found, "missed": self.missed}
        return {name: count / self.activities for name, count in counts.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> OutcomeCounts:
        """Return the counts whose fields `content` holds; it may hold more."""
        counts = {kind: int(content["false_positives"][kind]) for kind in KINDS}
        names = ("activities", "not_found", "missed")
        return cls(int(content["true_positives"]), counts, *(int(content[name]) for name in names))


@dataclass(frozen=True)
class Bins:
    """`BINS` of one kind: each reaches up to its edge, which belongs to it; the last one has none.

    Attributes
    ----------
    edges
        Of all but the last.
    counts
        Name -> counts of its detections and activities.
    mean_ap_without
        Name -> kind -> what mAP of all would be without the errors of this kind in this bin; empty in runs of earlier versions.
    """

    edges: tuple[float, ...]
    counts: Mapping[str, OutcomeCounts]
    mean_ap_without: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def measures(self) -> dict[str, dict[str, float]]:
        """Return name -> figures that runs are compared by: `OutcomeCounts.rates`, and `mAP_without/KIND`.

        Of a bin that no activity falls in there is none.
        """
        return {
            name: {**counts.rates(), **_without(self.mean_ap_without.get(name, {}))} if counts.activities else {}
            for name, counts in self.counts.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return name -> counts, under `up_to` the edge, and `mAP_without`."""
        edges = dict(zip(self.counts, self.edges, strict=False))
        return {
            name: {
                **counts.to_json(),
                **({"up_to": edges[name]} if name in edges else {}),
                **({"mAP_without": dict(self.mean_ap_without[name])} if name in self.mean_ap_without else {}),
            }
            for name, counts in self.counts.items()
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Bins:
        """Return the bins whose `to_json` is `content`."""
        edges = tuple(float(one["up_to"]) for one in content.values() if "up_to" in one)
        without = {name: _numbers(one["mAP_without"]) for name, one in content.items() if "mAP_without" in one}
        return cls(edges, {name: OutcomeCounts.from_json(one) for name, one in content.items()}, without)


@dataclass(frozen=True)
class Diagnosis:
    """What keeps a set of detections from an mAP of 1 at one IoU threshold.

    Attributes
    ----------
    iou, mean_ap
        The threshold, and mAP there.
    counts
        Of all detections and activities.
    mean_ap_without
        Kind of false positive, or `missed` -> what mAP would be without it (`repaired.mean_ap_without`).
    bins
        `length`, `place` -> counts of the detections and activities in each bin; edges are terciles of the ground truth.
    start_error, end_error
        Of the true positives, in seconds; None if there are none.
    """

    iou: float
    mean_ap: float
    counts: OutcomeCounts
    mean_ap_without: Mapping[str, float]
    bins: Mapping[str, Bins]
    start_error: BoundError | None
    end_error: BoundError | None

    def measures(self) -> dict[str, float]:
        """Return the figures that runs are compared by; errors of bounds are absent where there is no true positive.

        `wrong_label` and so on: `OutcomeCounts.rates`; `mAP_without/KIND`; `start_error`, `end_error`: the median of signed
        seconds, and under `/absolute` of absolute ones.
        """
        errors = {"start_error": self.start_error, "end_error": self.end_error}
        measures = _without(self.mean_ap_without)
        for name, error in errors.items():
            if error is not None:
                measures |= {name: error.signed.median, f"{name}/absolute": error.absolute.median}
        return {**self.counts.rates(), **measures}

    def to_json(self) -> dict[str, Any]:
        """Return the fields; counts beside the others, and bins as `by_length` and `by_place`."""
        errors = {"start_error": self.start_error, "end_error": self.end_error}
        return {
            "iou": self.iou,
            "mAP": self.mean_ap,
            **self.counts.to_json(),
            "mAP_without": dict(self.mean_ap_without),
            **{f"by_{name}": bins.to_json() for name, bins in self.bins.items()},
            **{name: None if error is None else asdict(error) for name, error in errors.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Diagnosis:
        """Return the diagnosis whose `to_json` is `content`."""
        return cls(
            float(content["iou"]),
            float(content["mAP"]),
            OutcomeCounts.from_json(content),
            _numbers(content["mAP_without"]),
            {name: Bins.from_json(content[f"by_{name}"]) for name in BINS},
            BoundError.from_json(content["start_error"]),
            BoundError.from_json(content["end_error"]),
        )


def usual_iou(thresholds: Sequence[float]) -> float:
    """Return the threshold that a diagnosis is made at: the one nearest to 0.5, of two the lower one."""
    return min(sorted(thresholds), key=lambda one: abs(one - _USUAL_IOU))


def diagnose(
    truth: NamedTruth,
    detections: DetectionArrays,
    durations: np.ndarray,
    iou: float,
    rule: MatchingRule = DEFAULT_RULE,
) -> Diagnosis:
    """Return the diagnosis of `detections`, a single set whose labels have ground truth.

    Parameters
    ----------
    durations
        (recordings,) float64, seconds, in the order of `truth.recordings`.
    """
    ambiguous = truth.labels.index(AMBIGUOUS) if AMBIGUOUS in truth.labels else None
    found = outcomes(truth.segments, detections, iou, rule, ambiguous=ambiguous)
    true = found.kind == FOUND
    mine, theirs = found.detections.taken(true), found.truth.taken(found.about[true])
    return Diagnosis(
        iou,
        mean_ap_without(found, None, enveloped=rule.enveloped),
        _counts(found),
        all_mean_ap_without(found, enveloped=rule.enveloped),
        {by: _bins(found, by, durations, enveloped=rule.enveloped) for by in BINS},
        BoundError.of(mine.start - theirs.start),
        BoundError.of(mine.end - theirs.end),
    )


def diagnose_decoded(decoded: DecodedSubset, iou: Sequence[float], rule: MatchingRule = DEFAULT_RULE) -> Diagnosis:
    """Return the diagnosis of the spans of `decoded`, which holds those of one merge gap, at `usual_iou(iou)`.

    Raises
    ------
    InputError
        If the subset has no segments.
    """
    recordings = decoded.dataset.annotations.recordings
    truth = truth_of({name: recordings[name].segments for name in decoded.recordings})
    durations = np.array([recordings[name].duration for name in truth.recordings])
    return diagnose(truth, detections_of(decoded.spans, decoded.dataset, truth), durations, usual_iou(iou), rule)


def _counts(
    found: Outcomes, detections: np.ndarray | slice = slice(None), activities: np.ndarray | slice = slice(None)
) -> OutcomeCounts:
    kinds = np.bincount(found.kind[detections], minlength=FOUND + 1).tolist()
    hit, missed = found.found[activities], found.missed[activities]
    return OutcomeCounts(
        kinds[FOUND], dict(zip(KINDS, kinds, strict=False)), len(hit), int((~hit).sum()), int(missed.sum())
    )


def _without(mean_ap: Mapping[str, float]) -> dict[str, float]:
    return {f"mAP_without/{kind}": value for kind, value in mean_ap.items()}


def _numbers(content: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in content.items()}


def _bins(found: Outcomes, by: str, durations: np.ndarray, *, enveloped: bool) -> Bins:
    detections, activities = (
        one.end - one.start if by == "length" else (one.start + one.end) / 2 / durations[one.recording]
        for one in (found.detections, found.truth)
    )
    # Spans of as many frames differ in seconds by rounding alone.
    detections, activities = detections.round(9), activities.round(9)
    edges = np.quantile(activities, (1 / 3, 2 / 3), method="inverted_cdf") if len(activities) else np.zeros(2)
    one, other = (np.searchsorted(edges, values, side="left") for values in (detections, activities))
    members = {name: (one == number, other == number) for number, name in enumerate(BINS[by])}
    return Bins(
        tuple(edges.tolist()),
        {name: _counts(found, *rows) for name, rows in members.items()},
        {
            name: all_mean_ap_without(found, enveloped=enveloped, detections=mine, activities=theirs)
            for name, (mine, theirs) in members.items()
        },
    )
