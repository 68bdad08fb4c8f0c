"""Numbers with their certainty: means over seeds, and differences to the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answer = Literal["better", "worse", "equivalent", "undecided"]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95 % interval (Student's t); `low` and `high` are None for fewer than two seeds."""

    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """The answer to the study's question, for one arm.

    Attributes
    ----------
    answer
        `better` or `worse` than the baseline: p, corrected over the arms, is at most 0.05. `equivalent`: shown to differ by
        less than `margin` (a fraction of 1), by two one-sided tests at the level divided by the number of arms. Otherwise
        `undecided`.
    margin
        As the study stated it, a fraction of 1.
    unfit
        Why nothing can be concluded from what there is, whatever the numbers; None: something can.
    seeds
        Where undecided: with how many seeds, all in all, a true difference of `margin` would have been shown with a
        probability of 80 %; None: with no number that anybody trains.
    detectable
        The smallest true difference that any number of seeds would show on these recordings.
    """

    answer: Answer
    margin: float
    unfit: str | None = None
    seeds: int | None = None
    detectable: float | None = None


@dataclass(frozen=True)
class Difference:
    """An arm's mAP minus the baseline's, on the test split (see `statistics.paired_difference`).

    Attributes
    ----------
    measure
        `mAP/iou_0.50`, `mAP/mean`.
    value, low, high
        The difference and its interval: those of all arms hold together with a probability of 95 %.
    p, p_holm
        Two-sided p, and Holm-corrected over the arms compared with the baseline.
    verdict
        The answer to the study's question; None where the measure is not what the study asks about, but exploration.
    improvement
        Probability that a training of this arm beats the baseline's of the same seed on groups of recordings like these.
    detectable
        The smallest true difference that these seeds and recordings show with a probability of 80 %.
    standard_error, degrees
        Of the interval: its standard error and its degrees of freedom.
    percentile_low, percentile_high
        The plain percentile interval, too narrow with few seeds; for comparison.
    seeds, recordings, groups
        What was resampled: `recordings` in whole `groups`, which are as many where each stands alone.
    """

    measure: str
    value: float
    low: float
    high: float
    p: float
    p_holm: float
    verdict: Verdict | None
    improvement: float
    detectable: float
    standard_error: float
    degrees: float
    percentile_low: float
    percentile_high: float
    seeds: tuple[int, ...]
    recordings: int
    groups: int

    @property
    def holds(self) -> bool:
        """Whether the arm was shown to be better or worse than the baseline in what the study asks about."""
        return self.verdict is not None and self.verdict.answer in ("better", "worse")
