"""Which charts a report has: the paper's figures 7 to 11, and what the search and single recordings show."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.budget import budget_curve
from crescendo.reports.charts.causes import why
from crescendo.reports.charts.chart import Chart, Draw, LeftOut
from crescendo.reports.charts.confusion import confusion_matrix
from crescendo.reports.charts.curves import early_against_fraction, map_against_iou
from crescendo.reports.charts.differences import difference_to_baseline
from crescendo.reports.charts.differences_of_causes import differences_of_causes
from crescendo.reports.charts.early_warning import time_to_detection
from crescendo.reports.charts.fonts import families_for
from crescendo.reports.charts.gains import gains
from crescendo.reports.charts.progression import progression, progression_while_training
from crescendo.reports.charts.search import map_against_lambda_r, map_against_merge_gap, optimisation_history
from crescendo.reports.charts.style import looks, styled
from crescendo.reports.charts.timelines import timelines

CHARTS: tuple[Draw, ...] = (
    difference_to_baseline,
    map_against_iou,
    early_against_fraction,
    time_to_detection,
    confusion_matrix,
    differences_of_causes,
    why,
    gains,
    progression,
    progression_while_training,
    budget_curve,
    map_against_lambda_r,
    map_against_merge_gap,
    optimisation_history,
    timelines,
)
"""In their order; `page.sections` places them on the page."""


def charts(model: ReportModel) -> tuple[list[Chart], list[LeftOut]]:
    """Return the charts that the model holds the numbers for, and those it does not."""
    look = looks([arm.name for arm in model.arms], model.baseline)
    with styled(families_for(_letters(model))):
        made = [one for draw in CHARTS for one in draw(model, look)]
    drawn = [one for one in made if isinstance(one, Chart)]
    return drawn, [one for one in made if isinstance(one, LeftOut)]


def _letters(model: ReportModel) -> str:
    """Return every text of the study itself that charts show: names of arms, labels and recordings."""
    spoken = [one[0] for timeline in model.timelines for one in timeline.truth]
    spoken += [one[0] for timeline in model.timelines for found in timeline.detections.values() for one in found]
    return "".join(
        {*spoken, *model.labels, *(arm.name for arm in model.arms), *(one.recording for one in model.timelines)}
    )
