"""What the search of every arm came to."""

from __future__ import annotations

from collections.abc import Mapping

from crescendo.reports.analysis.arm_summary import ReplicateSummary
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.analysis.search import FEWEST_TRIALS
from crescendo.reports.formatting import measure_name, plain
from crescendo.reports.tables.cells import NONE, count, percentage
from crescendo.reports.tables.table import Cell, Table

_HEADS = (
    "Finished",
    "Pruned",
    "Failed",
    "Unfinished",
    "Best validation mAP (optimistic)",
    "lambda_r",
    "Merge gap",
    "Reset",
    "Importances",
)


def search(model: ReportModel) -> Table:
    """Return trials by state, the best setting, and which setting mattered: a row for each search of each arm."""
    several = any(len(arm.replicates) > 1 for arm in model.arms)
    return Table(
        "search",
        "Search",
        f"Trials of the search phase and the best of each arm by validation {measure_name(model.headline)} (percent), which is "
        "optimistic: it is the best of many, chosen by that figure. The merge gap is in frames. Importance is the share of the "
        "objective's variance that a setting explains (fANOVA over the finished trials; none with fewer than "
        f"{FEWEST_TRIALS} of them or fewer than two settings).",
        ("Arm", *(("Replicate",) if several else ()), *_HEADS),
        tuple(_row(arm.name, one, several) for arm in model.arms for one in arm.replicates),
    )


def _weights(lambda_r: float | Mapping[str, float] | None) -> Cell:
    if isinstance(lambda_r, Mapping):
        return Cell(", ".join(f"{name} {plain(weight)}" for name, weight in lambda_r.items()))
    return NONE if lambda_r is None else Cell(plain(lambda_r), lambda_r)


def _row(arm: str, replicate: ReplicateSummary, several: bool) -> tuple[Cell, ...]:
    search = replicate.search
    shares = (search.importances or {}).items()
    return (
        Cell(arm),
        *((Cell(replicate.name or "repeat 1"),) if several else ()),
        *(count(search.counts[state]) for state in ("finished", "pruned", "failed")),
        count(search.counts["interrupted"] + search.counts["running"]),
        NONE if search.best_objective is None else percentage(search.best_objective),
        _weights(search.lambda_r),
        NONE if search.merge_gap is None else count(search.merge_gap),
        Cell(search.reset or "-"),
        Cell(", ".join(f"{key} {share:.2f}" for key, share in shares) or "-"),
    )
