"""What was decided at each number of seeds, of a study that runs until it is decided."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.tables.cells import NONE
from crescendo.reports.tables.table import Cell, Table
from crescendo.trainables.plurals import counted


def looks(model: ReportModel) -> Table:
    """Return a row for each arm and a column for each look; empty where the study has none."""
    arms = list(dict.fromkeys(arm for look in model.looks for arm in look.outcomes))
    rows = [
        (Cell(arm), *(Cell(look.outcomes[arm]) if arm in look.outcomes else NONE for look in model.looks))
        for arm in arms
    ]
    levels = ", ".join(f"{100 * look.level:.2g} %" for look in model.looks)
    return Table(
        "looks",
        "Seed by seed",
        f"What was decided with how many seeds in each fold and repeat, as planned before the study ran. Of the 5 % of error the "
        f"looks had {levels}.",
        ("Arm", *(counted(look.seeds, "seed") for look in model.looks)),
        tuple(rows),
    )
