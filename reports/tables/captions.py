"""What captions of several tables say alike."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import measure_name, resampled_text


def seeds(model: ReportModel) -> str:
    """Return how many seeds the arms have: `3 seeds`, `1 to 3 seeds`."""
    counts = sorted({len(arm.seeds) for arm in model.arms if arm.seeds})
    if not counts:
        return "seeds"
    shown = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{shown} seed{'' if counts == [1] else 's'}"


def difference(model: ReportModel) -> str:
    """Return what the columns of a difference to the baseline show."""
    drawn = resampled_text(model.recordings, model.groups, model.groups_are)
    return (
        f"Difference: to {model.baseline}, {measure_name(model.headline)}, in points, with an interval; those of all arms "
        f"hold together with 95 % (paired bootstrap over {drawn}, {model.resamples} resamples, and seeds). p, of what the study "
        "asks about alone, is Holm-corrected over the arms; * where it is at most 0.05. Smallest detectable: the true difference "
        "that these seeds and recordings show with a probability of 80 %."
    )
