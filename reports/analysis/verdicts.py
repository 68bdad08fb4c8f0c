"""What a study says of its question: better, worse, equivalent, or undecided and what would decide it (protocol section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crescendo.reports.analysis.estimates import Verdict
from crescendo.reports.analysis.planning import (
    ANY_NUMBER,
    detectable_with,
    enough_groups,
    enough_repeats,
    enough_seeds,
)
from crescendo.reports.analysis.statistics import LEVEL, PairedDifference, equivalent
from crescendo.reports.analysis.variance import Layout
from crescendo.trainables.plurals import agreeing, counted

# From fewer nothing is concluded: equal arms would be called different too often.
FEWEST_GROUPS, FEWEST_SEEDS, FEWEST_FOLDS = 4, 3, 3
NOTHING_VARIED = "nothing varied, so there is nothing to tell how much it could have"
MOST_RARE = 0.25
"""Of the labels: as many in fewer than `FEWEST_GROUPS` groups are too many."""


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


def too_little(layout: Layout) -> str | None:
    """Return why nothing is concluded from a study of this layout, whatever its numbers; None: something may be."""
    groups = round(sum(layout.groups))
    if groups < FEWEST_GROUPS:
        return f"{counted(groups, 'group')} of recordings {agreeing(groups, 'is', 'are')} too few, it takes {FEWEST_GROUPS}"
    if layout.folds == layout.repeats == 1 and layout.seeds < FEWEST_SEEDS:
        return f"{counted(layout.seeds, 'seed')} {agreeing(layout.seeds, 'is', 'are')} too few, it takes {FEWEST_SEEDS}"
    if 1 < layout.folds < FEWEST_FOLDS:
        return f"{layout.folds} folds are too few to tell what another would find, it takes {FEWEST_FOLDS}"
    return None


def too_rare(having: Sequence[int]) -> str | None:
    """Return why nothing is concluded from labels of so many groups of recordings each; None: something may be.

    What a label of one or two groups varies, no resample of them tells.
    """
    rare = sum(groups < FEWEST_GROUPS for groups in having)
    if not having or rare < MOST_RARE * len(having):
        return None
    labels = f"{rare} of {counted(len(having), 'label')} {agreeing(rare, 'is', 'are')}"
    return f"{labels} in fewer than {FEWEST_GROUPS} groups of recordings, too few to tell of others"
