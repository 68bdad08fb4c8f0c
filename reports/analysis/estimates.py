"""Numbers with their certainty: means over trainings, and differences to the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Answer = Literal["better", "worse", "equivalent", "undecided"]


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval (Student's t); `low` and `high` are None for fewer than two `values`.

    `values` are what it is the mean of: folds, of one fold repeats, of one repeat seeds.
    """

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
        `better` or `worse` than the baseline: p, adjusted over the arms, is at most 0.05. `equivalent`: shown to differ by
        less than `margin` (a fraction of 1), by two one-sided tests at the level divided by the number of arms. Otherwise
        `undecided`.
    margin
        As the study stated it, a fraction of 1.
    unfit
        Why nothing can be concluded from what there is, whatever the numbers; None: something can.
    seeds, repeats, groups
        Where undecided: with how many seeds a replicate, searches of each arm a fold, or groups of recordings, all in all, a
        true difference of `margin` would have been shown with a probability of 80 %, if nothing else had changed; None: with
        no number that anybody has (or, of searches, nothing is known, as there was one).
    detectable
        The smallest true difference that any number of seeds would show on these recordings, by these searches.
    """

    answer: Answer
    margin: float
    unfit: str | None = None
    seeds: int | None = None
    detectable: float | None = None
    repeats: int | None = None
    groups: int | None = None


@dataclass(frozen=True)
class Difference:
    """An arm's mAP minus the baseline's, on the test split (see `statistics.paired_differences`).

    Attributes
    ----------
    measure
        `mAP/iou_0.50`, `mAP/mean`.
    value, low, high
        The difference and its interval: those of all arms hold together with a probability of 95 %.
    p, p_adjusted
        Two-sided p, and adjusted over the arms compared with the baseline: at most 0.05 where the interval is without 0.
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
    seeds
        Of the trainings compared.
    seeds_each, repeats
        Seeds of each search, and searches of each arm in each fold; where they differ, the fewest.
    folds
        Fold -> the difference in it; empty where there are no folds.
    level
        What the interval leaves out: 0.05, or of several looks what that one has at which the arm was compared last.
    recordings, groups
        What was resampled: `recordings` in whole `groups`, which are as many where each stands alone.
    """

    measure: str
    value: float
    low: float
    high: float
    p: float
    p_adjusted: float
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
    seeds_each: int
    repeats: int = 1
    folds: Mapping[str, float] = field(default_factory=dict)
    level: float = 0.05

    @property
    def holds(self) -> bool:
        """Whether the arm was shown to be better or worse than the baseline in what the study asks about."""
        return self.verdict is not None and self.verdict.answer in ("better", "worse")
