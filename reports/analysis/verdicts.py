"""What a study says of its question: better, worse, equivalent, or undecided and what would decide it (protocol section 8)."""

from __future__ import annotations

from crescendo.reports.analysis.estimates import Verdict
from crescendo.reports.analysis.statistics import LEVEL, PairedDifference, detectable_with, equivalent

# From fewer nothing is concluded: with two seeds, or three groups, equal arms would be called different too often.
FEWEST_GROUPS, FEWEST_SEEDS = 4, 3
# Nobody trains an arm more often than that.
MOST_SEEDS = 100


def verdict(
    difference: PairedDifference, p_holm: float, *, seeds: int, groups: int, comparisons: int, margin: float
) -> Verdict:
    """Return what `difference`, over `seeds` and `groups` of recordings, says among as many `comparisons` with the baseline."""
    unfit = _unfit(difference, seeds, groups)
    if unfit is not None:
        return Verdict("undecided", margin, unfit=unfit)
    if p_holm <= LEVEL:
        return Verdict("better" if difference.value > 0 else "worse", margin)
    variance = difference.variance
    if equivalent(difference.value, difference.standard_error, variance.degrees, margin, LEVEL / comparisons):
        return Verdict("equivalent", margin)
    limit = detectable_with(variance, seeds, groups, None, comparisons)
    enough = _enough(difference, seeds, groups, comparisons, margin) if limit < margin else None
    return Verdict("undecided", margin, seeds=enough, detectable=limit)


def _unfit(difference: PairedDifference, seeds: int, groups: int) -> str | None:
    if groups < FEWEST_GROUPS:
        return f"{groups} groups of recordings are too few, it takes {FEWEST_GROUPS}"
    if seeds < FEWEST_SEEDS:
        return f"{seeds} seeds are too few, it takes {FEWEST_SEEDS}"
    if difference.standard_error == 0:
        return "nothing varied, so there is nothing to tell how much it could have"
    return None


def _enough(difference: PairedDifference, seeds: int, groups: int, comparisons: int, margin: float) -> int | None:
    """Return the smallest number of seeds with which a difference of `margin` would be shown; None: none that is trained."""
    # Not by halves: with more seeds the variance falls, but so may its degrees of freedom.
    return next(
        (
            number
            for number in range(seeds, MOST_SEEDS + 1)
            if detectable_with(difference.variance, seeds, groups, number, comparisons) <= margin
        ),
        None,
    )
