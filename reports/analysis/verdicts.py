"""What a study says of its question: better, worse, equivalent, or undecided and what would decide it (protocol section 8)."""

from __future__ import annotations

from dataclasses import replace

from crescendo.reports.analysis.enough import too_little
from crescendo.reports.analysis.estimates import Verdict
from crescendo.reports.analysis.planning import (
    ANY_NUMBER,
    detectable_with,
    enough_groups,
    enough_repeats,
    enough_seeds,
)
from crescendo.reports.analysis.statistics import LEVEL, PairedDifference, equivalent

NOTHING_VARIED = "nothing varied, so there is nothing to tell how much it could have"


def verdict(
    difference: PairedDifference, *, comparisons: int, margin: float, unfit: str | None = None, level: float = LEVEL
) -> Verdict:
    """Return what `difference` says among as many `comparisons` with the baseline.

    `level` is the one that it was made for (`paired_differences`); `unfit` says why nothing can be concluded from the
    recordings there are, if so.
    """
    layout, variance = difference.layout, difference.variance
    if difference.standard_error == 0:
        unfit = "; and ".join(filter(None, [NOTHING_VARIED, unfit]))
    unfit = too_little(layout) or unfit
    if unfit is not None:
        return Verdict("undecided", margin, unfit=unfit)
    if difference.p_adjusted <= LEVEL:
        return Verdict("better" if difference.value > 0 else "worse", margin)
    if equivalent(difference.value, difference.standard_error, difference.degrees, margin, level / comparisons):
        return Verdict("equivalent", margin)
    asked = (variance, layout, comparisons, margin)
    limit = detectable_with(variance, layout, replace(layout, seeds=ANY_NUMBER), comparisons)
    return Verdict(
        "undecided",
        margin,
        seeds=enough_seeds(*asked) if limit < margin else None,
        repeats=enough_repeats(*asked),
        groups=enough_groups(*asked),
        detectable=limit,
    )
