"""Every arm's difference to the baseline, in every measure."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import measure_name
from crescendo.reports.tables.cells import difference
from crescendo.reports.tables.table import Cell, Table


def differences(model: ReportModel) -> Table:
    """Return the differences of detection and of early detection, a row each."""
    arms = [arm for arm in model.arms if arm.difference]
    measures = list(arms[0].difference) if arms else []
    headline = measure_name(model.headline)
    rows = [
        (
            Cell(arm.name),
            Cell(what),
            *(difference(compared.get(measure)) for measure in measures),
            Cell(f"{100 * improvement:.0f}", 100 * improvement),
        )
        for arm in arms
        for what, compared in (("detection", arm.difference), ("early detection", arm.early_difference))
        if model.headline in compared
        for improvement in [compared[model.headline].improvement]
    ]
    return Table(
        "differences",
        "Differences to the baseline",
        f"Difference of test mAP to {model.baseline} in points, with its 95 % interval; * where Holm's correction over "
        "the arms, taken for each column by itself, leaves p at most 0.05. The last column is the probability that one "
        f"training beats the baseline's of the same seed, {headline}, in percent. Only {headline} was chosen beforehand.",
        ("Arm", "Of", *(measure_name(measure) for measure in measures), "P(improvement)"),
        tuple(rows),
    )
