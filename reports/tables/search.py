"""What the search of every arm came to."""

from __future__ import annotations

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.analysis.search import FEWEST_TRIALS
from crescendo.reports.formatting import measure_name, plain
from crescendo.reports.tables.cells import NONE, count, percentage
from crescendo.reports.tables.table import Cell, Table

_HEADS = (
    "Arm",
    "Finished",
    "Pruned",
    "Failed",
    "Unfinished",
    "Best validation mAP",
    "lambda_r",
    "Merge gap",
    "Reset",
    "Importances",
)


def search(model: ReportModel) -> Table:
    """Return trials by state, the best setting, and which setting mattered."""
    return Table(
        "search",
        "Search",
        f"Trials of the search phase and the best of each arm by validation {measure_name(model.headline)} (percent); the "
        "merge gap is in frames. Importance is the share of the objective's variance that a setting explains (fANOVA over "
        f"the finished trials; none with fewer than {FEWEST_TRIALS} of them or fewer than two settings).",
        _HEADS,
        tuple(map(_row, model.arms)),
    )


def _row(arm: ArmSummary) -> tuple[Cell, ...]:
    search = arm.search
    shares = (search.importances or {}).items()
    return (
        Cell(arm.name),
        *(count(search.counts[state]) for state in ("finished", "pruned", "failed")),
        count(search.counts["interrupted"] + search.counts["running"]),
        NONE if search.best_objective is None else percentage(search.best_objective),
        NONE if search.lambda_r is None else Cell(plain(search.lambda_r), search.lambda_r),
        NONE if search.merge_gap is None else count(search.merge_gap),
        Cell(search.reset or "-"),
        Cell(", ".join(f"{key} {share:.2f}" for key, share in shares) or "-"),
    )
