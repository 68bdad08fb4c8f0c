"""What captions of several tables and charts say alike."""

from __future__ import annotations

from crescendo.reports.analysis.means import over
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import measure_name, resampled_text


def seeds(model: ReportModel) -> str:
    """Return what the arms have a mean over: `3 seeds`, `1 to 3 seeds`, `5 folds of 2 repeats of 3 seeds`."""
    confirmed = [one for arm in model.arms for one in arm.replicates if one.seeds]
    counts = sorted({len(one.seeds) for one in confirmed})
    if not counts:
        return "seeds"
    shown = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    folds, repeats = len({one.fold for one in confirmed}), len({one.repeat for one in confirmed})
    again = [f"{folds} folds"] if folds > 1 else []
    again += [f"{repeats} repeats"] if repeats > 1 else []
    return " of ".join([*again, f"{shown} seed{'' if counts == [1] else 's'}"])


def spread(model: ReportModel) -> str:
    """Return what the intervals of arms' means are over: `folds`, `seeds alone`; of arms that differ in it `folds or repeats`."""
    found = {over([(one.fold, one.repeat) for one in arm.replicates if one.seeds]) for arm in model.arms if arm.seeds}
    return " or ".join("seeds alone" if one == "seeds" else one for one in sorted(found)) or "seeds alone"


def half(model: ReportModel) -> str:
    """Return what stands behind ± in tables of shares."""
    return f"half the width of its 95 % interval (Student's t over {spread(model)}; ?: it holds 0 to 100 % and says nothing)"


def interval(model: ReportModel) -> str:
    """Return what the shade around a line of a chart is."""
    return f"95 % interval of the mean (Student's t over {spread(model)})"


def together(model: ReportModel) -> str:
    """Return how surely the intervals of all arms hold together."""
    return "what is left of the error at the look at which the arm was decided" if model.looks else "95 %"


def difference(model: ReportModel) -> str:
    """Return what the columns of a difference to the baseline show."""
    drawn = resampled_text(model.recordings, model.groups, model.groups_are)
    return (
        f"Difference: to {model.baseline}, {measure_name(model.headline)}, in points, with an interval ([?]: it says nothing); "
        f"those of all arms hold together with {together(model)} (paired bootstrap over {drawn}, {model.resamples} "
        "resamples, and trainings). "
        "p, of what the study asks about alone, is adjusted over the arms; * where it is at most 0.05. Smallest detectable: "
        "the true difference that such a study shows with a probability of 80 %."
    )
