"""The segmental measures of every arm: the figures of action segmentation."""

from __future__ import annotations

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.analysis.segmental import F1_KEYS
from crescendo.reports.tables import captions
from crescendo.reports.tables.cells import share
from crescendo.reports.tables.table import Cell, Table

_HEADS = {"accuracy": "Accuracy", "edit": "Edit", **{key: key for key in F1_KEYS}}


def segmental(model: ReportModel) -> Table:
    """Return frame accuracy, edit score and segmental F1 of each arm."""
    measured = {arm.name: arm.segmental.measures for arm in model.arms if arm.segmental is not None}
    best = {key: max((one[key].mean for one in measured.values()), default=0.0) for key in _HEADS}
    rows = tuple(
        (Cell(name), *(share(one[key], bold=one[key].mean == best[key]) for key in _HEADS))
        for name, one in measured.items()
    )
    return Table(
        "segmental",
        "Segmentation",
        f"{model.scored.capitalize()} split, in percent, each frame labelled by its highest score: frame accuracy, "
        "background included; edit score, the mean over recordings of how well the order of segments agrees; F1@k, of "
        "segments that overlap a true one of their label by at least k % (IoU). As MS-TCN has them: background is no "
        f"segment (where it is one: report.json). Mean over {captions.seeds(model)} and {captions.half(model)}. "
        "Exploration: without p.",
        ("Arm", *_HEADS.values()),
        rows,
    )
