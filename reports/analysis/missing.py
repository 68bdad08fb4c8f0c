"""What the runs of a report did not keep, and what is left out for it."""

from __future__ import annotations

from collections.abc import Sequence

from crescendo.reports.analysis.member import ReportedArm
from crescendo.trainables.plurals import agreeing, counted


def missing_parts(members: Sequence[ReportedArm]) -> list[str]:
    """Return a sentence for each part of a report that nothing was kept for."""
    kept = [artifacts for member in members for artifacts in member.artifacts.values()]
    if not kept:
        return ["No arm is confirmed yet: there are no results on the test split."]
    lines = []
    if not any(one.detections is not None for one in kept):
        lines.append("The runs kept no detections: differences are without interval and p, and are left out.")
    if not any(one.early_detections is not None for one in kept):
        lines.append(
            "The runs kept no detections of early detection: its differences are without interval and p, "
            "and are left out."
        )
    without = sum(one.metrics is not None and one.metrics.online is None for one in kept)
    if without:
        lines.append(
            f"{without} of {counted(len(kept), 'confirmed run')} {agreeing(without, 'is', 'are')} of a version without online "
            "metrics: per-frame mAP and early warning are left out for them."
        )
    without = sum(one.metrics is not None and one.metrics.segmental is None for one in kept)
    if 0 < without < len(kept):  # where none has them, the chart says so
        lines.append(
            f"{without} of {counted(len(kept), 'confirmed run')} {agreeing(without, 'is', 'are')} of a version without segmental "
            "measures: frame accuracy, edit score, F1 and the confusion matrix are left out for them."
        )
    without = sum(one.metrics is not None and one.metrics.diagnosis is None for one in kept)
    if 0 < without < len(kept):
        lines.append(
            f"{without} of {counted(len(kept), 'confirmed run')} {agreeing(without, 'is', 'are')} of a version without "
            "diagnosis: why they differ is left out for them."
        )
    if not any(one.scores is not None for one in kept):
        lines.append("The runs kept no frame scores: timelines show detections alone.")
    if not any(one.snapshots for one in kept):
        lines.append("The runs kept no curves from training: how scores progressed while training is left out.")
    return lines
