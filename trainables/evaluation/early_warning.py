"""Early warning: how early alarms go off while an activity lasts, and how often they are false (protocol section 5).

The alarm of a label is raised at the first frame at which the score so far of one of its spans (`span_scores`) reaches
the label's threshold, and stays up until that span's last frame. An alarm is false if, from the moment it is raised to
the end of its span, no frame overlaps a segment of its label. It uses only what has been seen by then.

Thresholds are chosen on the validation split: for each label by itself the lowest one with which its false alarms stay
at or below a given rate an hour of recording.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crescendo.trainables.data.frames import seconds
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early_classification import EarlyClassification, early_classification
from crescendo.trainables.evaluation.span_scores import SpanScores
from crescendo.trainables.evaluation.warning_summary import LabelWarning, Quantiles, WarningSummary

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


def read_rate(key: str) -> float:
    """Return the rate that `rate_key` wrote."""
    return float(key.removesuffix("/h"))


def parse_rate(option: str) -> float:
    """Return the rate of an option `rate=1/h`; `InputError` if it is something else."""
    match = re.fullmatch(r"rate=(\d+(?:\.\d*)?|\.\d+)/h", option.strip())
    if match is None or not math.isfinite(float(match.group(1))):
        raise InputError(f"--alarm {option}: expected rate=NUMBER/h, false alarms an hour, such as rate=1/h")
    return float(match.group(1))


@dataclass(frozen=True)
class EarlyWarning:
    """What the alarms of one set of thresholds come to on one subset.

    Attributes
    ----------
    labels : activities
    hours : of recording
    label : (segments,) int64, index into `labels`
    observed_fraction : (segments,) float64, the fraction of the segment's frames that have been seen when an alarm of its
        label is first up within it, the frame itself included; inf where none is
    latency : (segments,) float64, the same in seconds since the segment's first frame began
    false_alarms : (labels,) int64
    classification : the alarms as early classification; None without segments
    """

    labels: tuple[str, ...]
    hours: float
    label: np.ndarray
    observed_fraction: np.ndarray
    latency: np.ndarray
    false_alarms: np.ndarray
    classification: EarlyClassification | None

    def summary(self) -> WarningSummary:
        """Return shares, quantiles of the observed fraction and of latency, and false alarms (`docs/online.md`)."""
        detected = np.isfinite(self.observed_fraction)
        return WarningSummary(
            segments=len(detected),
            detected=_share(detected),
            observed_fraction=Quantiles.of(self.observed_fraction),
            observed_fraction_if_detected=Quantiles.of(self.observed_fraction[detected]),
            false_alarms=int(self.false_alarms.sum()),
            false_alarms_per_hour=float(self.false_alarms.sum() / self.hours),
            labels={name: self._of_label(number) for number, name in enumerate(self.labels)},
            classification=self.classification,
            latency=Quantiles.of(self.latency),
            latency_if_detected=Quantiles.of(self.latency[detected]),
        )

    def _of_label(self, number: int) -> LabelWarning:
        observed_fraction = self.observed_fraction[self.label == number]
        return LabelWarning(
            segments=len(observed_fraction),
            detected=_share(np.isfinite(observed_fraction)),
            observed_fraction=Quantiles.of(observed_fraction),
            false_alarms_per_hour=float(self.false_alarms[number] / self.hours),
        )


def alarm_thresholds(spans: SpanScores, rates: Sequence[float] = RATES) -> dict[str, dict[str, float]]:
    """Return rate -> label -> threshold, as `choose_thresholds` does for each rate; `spans` should be of validation."""
    return {rate_key(rate): choose_thresholds(spans, rate) for rate in rates}


def allowed_alarms(rate: float, hours: float) -> int:
    """Return how many false alarms `rate` an hour allows in so many `hours`: a whole number, rounded down."""
    return int(rate * hours + 1e-9)


def choose_thresholds(spans: SpanScores, rate: float) -> dict[str, float]:
    """Return for each label the lowest threshold with which its false alarms stay at or below `rate` an hour.

    Thresholds have six decimals. A span whose score so far stays below the threshold up to the last frame that lies
    over a segment of its label, and reaches it later, is a false alarm; so is any that reaches it and lies over none.
    The number of false alarms may therefore rise as well as fall with the threshold. A label without false spans gets
    0: its alarm is raised with its first frame.
    """
    budget = allowed_alarms(rate, spans.hours)
    rightly = spans.highest_until(spans.last_true())
    highest = spans.highest_until(spans.end - 1)
    thresholds = {}
    for number, label in enumerate(spans.labels):
        # A span is a false alarm at thresholds above what it reached rightly, up to its highest.
        mine = (spans.span_label == number) & (rightly < highest)
        floor = np.maximum(rightly[mine], -1.0)
        lowest = np.sort(np.maximum(np.floor(floor * _STEPS - 0.5) + 1, 0).astype(np.int64))
        last = np.sort(np.floor(highest[mine] * _STEPS + 0.5).astype(np.int64))
        candidates = np.append(0, last + 1)
        false = np.searchsorted(lowest, candidates, side="right") - np.searchsorted(last, candidates, side="left")
        thresholds[label] = float(candidates[false <= budget][0] / _STEPS)
    return thresholds


def raise_alarms(spans: SpanScores, thresholds: Thresholds) -> EarlyWarning:
    """Return how early alarms are raised with `thresholds`, and how many of them are false.

    Raises
    ------
    InputError
        If a label has no threshold.
    """
    lacking = [label for label in spans.labels if label not in thresholds]
    if lacking:
        raise InputError(f"label {lacking[0]!r} has no alarm threshold; the thresholds belong to another data set")
    limit = np.array([thresholds[label] for label in spans.labels])
    lengths = spans.end - spans.start
    reached = spans.so_far >= np.repeat(limit[spans.span_label], lengths)
    frame = np.where(reached, np.arange(len(reached)), len(reached))
    first = np.minimum.reduceat(frame, spans.begin) if len(lengths) else lengths
    up = first < len(reached)
    raised = (spans.start + first - spans.begin)[up]
    false = raised > spans.last_true()[up]
    observed = _observed_frames(spans, raised, spans.end[up])
    observed_fraction = observed / (spans.offset - spans.onset)
    return EarlyWarning(
        labels=spans.labels,
        hours=spans.hours,
        label=spans.segment_label,
        observed_fraction=observed_fraction,
        latency=seconds(observed, spans.fps),
        false_alarms=np.bincount(spans.span_label[up][false], minlength=len(spans.labels)),
        classification=early_classification(spans, raised, observed_fraction),
    )


def _observed_frames(spans: SpanScores, raised: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the frames seen of each segment when one of the sorted alarms [`raised`, `end`) is first up in it; inf: never."""
    following = np.searchsorted(end, spans.onset, side="right")
    never = np.iinfo(np.int64).max
    frame = np.maximum(np.append(raised, never)[following], spans.onset)
    return np.where(frame < spans.offset, frame - spans.onset + 1.0, np.inf)


def _share(detected: np.ndarray) -> float | None:
    return float(detected.mean()) if len(detected) else None
