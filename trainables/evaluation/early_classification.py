"""Alarms as early classification: the first alarm within an activity says what it is (protocol section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crescendo.trainables.evaluation.span_scores import SpanScores

ALPHAS = tuple(step / 10 for step in range(11))
"""What a delay by a whole activity costs, where a wrong class costs 1; the mean cost is over these."""


@dataclass(frozen=True)
class EarlyClassification:
    """How often the first alarm within an activity is of its label, and how much of it has been seen by then.

    Attributes
    ----------
    accuracy
        Share of activities that are classified rightly; one without an alarm is not.
    earliness
        Mean fraction of an activity's frames that have been seen at the decision: 0 is at once, 1 at its end. Without an
        alarm it is 1.
    """

    accuracy: float
    earliness: float

    def cost(self, alpha: float) -> float:
        """Return (1 - accuracy) + alpha x earliness (after Dachraoui et al., ECML PKDD 2015)."""
        return (1 - self.accuracy) + alpha * self.earliness

    @property
    def mean_cost(self) -> float:
        """The mean of `cost` over `ALPHAS`."""
        return float(np.mean([self.cost(alpha) for alpha in ALPHAS]))

    def to_json(self) -> dict[str, float]:
        """Return `{"accuracy": ..., "earliness": ..., "cost": ...}`, the last one the mean cost."""
        return {"accuracy": self.accuracy, "earliness": self.earliness, "cost": self.mean_cost}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EarlyClassification | None:
        """Return the figures whose `to_json` is part of `content`; None if it has none, as in runs of earlier versions."""
        return cls(content["accuracy"], content["earliness"]) if "accuracy" in content else None


def early_classification(
    spans: SpanScores, raised: np.ndarray, observed_fraction: np.ndarray
) -> EarlyClassification | None:
    """Return what the first alarms within activities say; None without activities.

    Parameters
    ----------
    raised
        (alarms,) int64, where each alarm is raised, on the axis of `spans`.
    observed_fraction
        (segments,) float64, when an alarm of the segment's own label is first up within it (see `EarlyWarning`).

    An alarm of another label decides if it is raised within the activity, unless it is right at that frame: where activities
    overlap, the alarm of one is no mistake about the other. Alarms that were raised before the activity began decide nothing,
    but for one of its own label that is still up.
    """
    if not len(spans.onset):
        return None
    wrong = np.sort(spans.moment(raised[~spans.within_segment(raised)]))
    begin, length = spans.moment(spans.onset), spans.offset - spans.onset
    following = np.append(wrong, np.iinfo(np.int64).max)[np.searchsorted(wrong, begin, side="left")]
    mistaken = np.where(following < begin + length, (following - begin + 1.0) / length, np.inf)
    right = np.isfinite(observed_fraction) & (observed_fraction <= mistaken)
    decided = np.minimum(np.minimum(observed_fraction, mistaken), 1.0)
    return EarlyClassification(float(right.mean()), float(decided.mean()))
