"""What the runs of every arm took."""

from __future__ import annotations

from dataclasses import replace

from crescendo.reports.analysis.clipping import clipping_differs
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.tables.cells import NONE, count, number, percentage
from crescendo.reports.tables.table import Cell, Table


def cost(model: ReportModel) -> Table:
    """Return trainings and hours of each arm, and of all together; where arms differ, the share of clipped steps."""
    costs = [one for one in model.costs if one.trainings]
    rows = [
        (one.arm, one.trainings, (one.search_hours, one.confirm_hours, one.cpu_hours, one.gpu_hours), one.saved)
        for one in costs
    ]
    if len(rows) > 1:
        hours = tuple(sum(column) for column in zip(*(row[2] for row in rows), strict=True))
        rows.append(("all", sum(row[1] for row in rows), hours, sum(row[3] for row in rows)))
    table = Table(
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
    return _with_clipping(table, model) if clipping_differs(model.arms) else table


def _with_clipping(table: Table, model: ReportModel) -> Table:
    shares = {arm.name: arm.clipped_share for arm in model.arms}
    cells = [NONE if (share := shares.get(row[0].text)) is None else percentage(share) for row in table.rows]
    return replace(
        table,
        caption=f"{table.caption} Clipped: share of the steps of the confirmed trainings whose gradient was clipped (percent).",
        columns=(*table.columns, "Clipped"),
        rows=tuple((*row, cell) for row, cell in zip(table.rows, cells, strict=True)),
    )
