"""What the runs of every arm took."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.tables.cells import count, number
from crescendo.reports.tables.table import Cell, Table


def cost(model: ReportModel) -> Table:
    """Return trainings and hours of each arm, and of all together."""
    costs = [one for one in model.costs if one.trainings]
    rows = [
        (one.arm, one.trainings, (one.search_hours, one.confirm_hours, one.cpu_hours, one.gpu_hours), one.saved)
        for one in costs
    ]
    if len(rows) > 1:
        hours = tuple(sum(column) for column in zip(*(row[2] for row in rows), strict=True))
        rows.append(("all", sum(row[1] for row in rows), hours, sum(row[3] for row in rows)))
    return Table(
        "cost",
        "Cost",
        "Trainings of both phases, pruned and failed ones too, and hours of the trials' clock, a cohort's shared among its "
        "trials; CPU and GPU hours are those times what each trial was given. Saved: the combinations of reset and merge "
        "gap that were tried on stored scores beyond the first of each finished search trial, each of which would have been "
        "a training.",
        ("Arm", "Trainings", "Search hours", "Confirm hours", "CPU hours", "GPU hours", "Trainings saved"),
        tuple(
            (Cell(arm), count(trainings), *map(number, hours), count(saved)) for arm, trainings, hours, saved in rows
        ),
    )
