"""AP of every label under every arm."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import short
from crescendo.reports.tables import captions
from crescendo.reports.tables.cells import NONE, share
from crescendo.reports.tables.table import Cell, Table


def per_label(model: ReportModel) -> Table:
    """Return the AP of each label at one IoU threshold, and its gain over the baseline."""
    arms = [arm for arm in model.arms if arm.labels]
    rows = []
    for label in model.labels if arms else ():
        cells = [Cell(label)]
        for arm in arms:
            cells.append(share(arm.labels[label]) if label in arm.labels else NONE)
            if not arm.baseline:
                cells.append(share(arm.gain[label], sign=True) if label in arm.gain else NONE)
        rows.append(tuple(cells))
    iou = short(model.label_iou or "")
    heads = [head for arm in arms for head in ((arm.name,) if arm.baseline else (arm.name, f"{arm.name}, gain"))]
    return Table(
        "per_label",
        f"AP of each label, IoU {iou}",
        f"{model.scored.capitalize()} AP in percent at IoU {iou}: mean over {captions.seeds(model)} and {captions.half(model)}. "
        f"Gain: over {model.baseline}, in points, paired by seed. Intervals are of single labels, not corrected for their "
        "number.",
        ("Label", *heads),
        tuple(rows),
    )
