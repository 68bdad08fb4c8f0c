"""Whether a study holds enough to conclude anything from, whatever its numbers are (protocol section 8)."""

from __future__ import annotations

from collections.abc import Sequence

from crescendo.reports.analysis.variance import Layout
from crescendo.trainables.plurals import agreeing, counted

# From fewer nothing is concluded: equal arms would be called different too often.
FEWEST_GROUPS, FEWEST_SEEDS, FEWEST_FOLDS = 4, 3, 3
MOST_RARE = 0.25
"""Of the labels: as many in fewer than `FEWEST_GROUPS` groups are too many."""


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
