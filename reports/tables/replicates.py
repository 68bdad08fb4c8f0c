"""Every fold and repeat by itself: each arm's mAP in it, and its difference to the baseline's."""

from __future__ import annotations

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import measure_name, points, signed
from crescendo.reports.tables.cells import NONE
from crescendo.reports.tables.table import Cell, Table


def replicates(model: ReportModel) -> Table:
    """Return each arm's mAP by fold and repeat, in a row for detection and one for early detection; empty for a single search."""
    names = list(dict.fromkeys(one.name for arm in model.arms for one in arm.replicates if one.seeds))
    rows = [row for arm in model.arms for row in _rows(model, arm, names)] if len(names) > 1 else []
    return Table(
        "replicates",
        "Fold by fold" if model.studies[0].folds else "Search by search",
        f"{model.scored.capitalize()} {measure_name(model.headline)} in percent in each fold and repeat, the mean over "
        f"its seeds, and in brackets the difference to {model.baseline}'s in points. Each is a search and a confirmation of "
        "its own.",
        ("Arm", "Of", *(name or "repeat 1" for name in names)),
        tuple(rows),
    )


def _rows(model: ReportModel, arm: ArmSummary, names: list[str]) -> list[tuple[Cell, ...]]:
    """Return the rows of one arm: of each that has a number."""
    rows = []
    for what in ("detection", "early"):
        ours, theirs = (_values(model, one, what) for one in (arm, model.baseline_arm))
        if ours:
            cells = (_cell(ours.get(name), None if arm.baseline else theirs.get(name)) for name in names)
            rows.append((Cell(arm.name), Cell("detection" if what == "detection" else "early detection"), *cells))
    return rows


def _values(model: ReportModel, arm: ArmSummary, what: str) -> dict[str, float]:
    measured = {one.name: one.detection if what == "detection" else one.early for one in arm.replicates}
    return {name: values[model.headline_key] for name, values in measured.items() if model.headline_key in values}


def _cell(value: float | None, baseline: float | None) -> Cell:
    if value is None:
        return NONE
    difference = "" if baseline is None else f" ({signed(value - baseline)})"
    return Cell(f"{points(value)}{difference}", 100 * value)
