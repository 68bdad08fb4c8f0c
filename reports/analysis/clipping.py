"""In how many steps gradients were clipped, and whether arms differ by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.source.runs import TrialRun
from crescendo.trainables.evaluation.metric_keys import CLIPPED_SHARE

_WORTH_SAYING = 0.10


def clipped_share(runs: Sequence[TrialRun]) -> float | None:
    """Return the mean share of clipped steps of `runs`; None where they were not counted."""
    shares = [run.metrics[str(CLIPPED_SHARE)] for run in runs if str(CLIPPED_SHARE) in run.metrics]
    return fmean(shares) if shares else None


def clipping_differs(arms: Sequence[ArmSummary]) -> bool:
    """Return whether two arms differ by more than ten points in the share of clipped steps."""
    shares = [arm.clipped_share for arm in arms if arm.clipped_share is not None]
    return bool(shares) and max(shares) - min(shares) > _WORTH_SAYING


def clipping_notes(arms: Sequence[ArmSummary]) -> Iterator[str]:
    """Yield what a reader should know if arms differ in how often they were clipped."""
    if not clipping_differs(arms):
        return
    counted = [(arm.clipped_share, arm.name) for arm in arms if arm.clipped_share is not None]
    (least, one), (most, other) = min(counted), max(counted)
    yield (
        f"Gradients were clipped in {100 * least:.0f} % of the steps of {one} and in {100 * most:.0f} % of those of "
        f"{other}: part of what sets the arms apart may be the clipping (clip_scaling lets its limit grow with the loss)."
    )
