"""Numbers with their certainty: means over seeds, and differences to the baseline."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95 % interval (Student's t); `low` and `high` are None for fewer than two seeds."""

    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """An arm's mAP minus the baseline's, on the test split (see `statistics.paired_difference`).

    Attributes
    ----------
    measure
        `mAP/iou_0.50`, `mAP/mean`.
    value, low, high
        The difference and its 95 % interval.
    p, p_holm
        Two-sided p, and Holm-corrected over the arms compared with the baseline.
    holds
        `p_holm` is at most 0.05; the interval then excludes 0.
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
    holds: bool
    improvement: float
    detectable: float
    standard_error: float
    degrees: float
    percentile_low: float
    percentile_high: float
    seeds: tuple[int, ...]
    recordings: int
    groups: int
