"""Every arm's difference to the baseline, in every measure."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import measure_name
from crescendo.reports.tables.captions import together
from crescendo.reports.tables.cells import difference, difference_cells
from crescendo.reports.tables.table import Cell, Table


def differences(model: ReportModel) -> Table:
    """Return the differences of detection and of early detection, a row each."""
    arms = [arm for arm in model.arms if arm.difference]
    others = [one for one in arms[0].difference if one != model.headline] if arms else []
    headline = measure_name(model.headline)
    asked = "detection" if model.primary == "detection" else "early detection"
    rows = [
        (
            Cell(arm.name),
            Cell(what),
            *difference_cells(compared[model.headline])[:2],
            *(difference(compared.get(measure)) for measure in others),
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
        f"Difference of {model.scored} mAP to {model.baseline} in points, with an interval; in each column those of all "
        f"arms hold together with {together(model)} ([?]: it says nothing). The study asks about {headline} of {asked}: it has "
        "p, adjusted over the arms, and * where the answer is better or worse. All else is exploration. The last column is the "
        f"probability that one training beats the baseline's of the same seed, {headline}, in percent.",
        ("Arm", "Of", headline, "p (adjusted)", *(measure_name(one) for one in others), "P(improvement)"),
        tuple(rows),
        kept=4,
    )
