"""mAP of every arm by IoU threshold, of detection and of early detection: the paper's tables 1 and 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.estimates import Difference, Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import measure_name, percent, settings_text, short
from crescendo.reports.tables import captions
from crescendo.reports.tables.cells import NONE, difference_cells, percentage, share
from crescendo.reports.tables.table import Cell, Table


def ablation(model: ReportModel) -> Table:
    """Return each arm's mAP of detection."""
    rows = [_Arm(arm, arm.detection, arm.difference, arm.paper_detection) for arm in model.arms]
    caption = (
        f"{model.scored.capitalize()} mAP in percent by IoU threshold: mean over {captions.seeds(model)} and "
        f"{captions.half(model)}."
    )
    return _by_iou(model, "ablation", "Ablation", caption, rows)


def early_detection(model: ReportModel) -> Table:
    """Return each arm's mAP of early detection at the fraction of the paper's table 2."""
    fraction = model.early_fraction or ""
    rows = [_Arm(arm, arm.early.get(fraction, {}), arm.early_difference, arm.paper_early) for arm in model.arms]
    title = f"Early detection, {percent(fraction)} observed" if fraction else "Early detection"
    caption = (
        f"{model.scored.capitalize()} mAP in percent by IoU threshold with the first {percent(fraction)} of every activity "
        f"observed: mean over {captions.seeds(model)} and {captions.half(model)}."
    )
    return _by_iou(model, "early_detection", title, caption, rows)


def observed_fraction(model: ReportModel) -> Table:
    """Return mAP of early detection at one IoU threshold, a row for each observed fraction."""
    iou = model.label_iou or ""
    arms = [arm for arm in model.arms if arm.early]
    rows = []
    for fraction in model.fractions if arms else ():
        values = [arm.early.get(fraction, {}).get(iou) for arm in arms]
        best = max((value.mean for value in values if value), default=None)
        cells = (share(value, bold=value.mean == best) if value else NONE for value in values)
        rows.append((Cell(percent(fraction)), *cells))
    return Table(
        "observed_fraction",
        f"Early detection by observed fraction, IoU {short(iou)}",
        f"{model.scored.capitalize()} mAP in percent at IoU {short(iou)} by the observed part of every activity: mean over "
        f"{captions.seeds(model)} and {captions.half(model)}.",
        ("Observed", *(arm.name for arm in arms)),
        tuple(rows),
    )


@dataclass(frozen=True)
class _Arm:
    """An arm, its mAP by IoU threshold, its differences to the baseline, and the paper's own mAP."""

    arm: ArmSummary
    values: Mapping[str, Estimate]
    differences: Mapping[str, Difference]
    paper: Mapping[str, float] | None


def _by_iou(model: ReportModel, name: str, title: str, caption: str, arms: Sequence[_Arm]) -> Table:
    shown = [one for one in arms if one.values]
    keys = [key for key in (*model.iou, "mean") if shown and all(key in one.values for one in shown)]
    best = {key: max(one.values[key].mean for one in shown) for key in keys}
    compared = any(one.differences for one in shown)
    rows: list[tuple[Cell, ...]] = []
    for one in shown:
        cells = [share(one.values[key], bold=one.values[key].mean == best[key]) for key in keys]
        first, last = _difference(one.differences.get(model.headline)) if compared else ([], [])
        rows.append((Cell(one.arm.name), *first, *cells, *last, Cell(settings_text(one.arm.setting))))
        if one.paper is not None:
            cells = [percentage(one.paper[key]) if key in one.paper else NONE for key in keys]
            named = Cell(f"{one.arm.name}, in the paper")
            rows.append((named, *[NONE] * len(first), *cells, *[NONE] * (len(last) + 1)))
    heads = [short(key) if key != "mean" else key for key in keys]
    if compared:
        caption = f"{caption} {captions.difference(model)}"
        heads = [f"Difference, {measure_name(model.headline)}", "p (adjusted)", *heads, "Smallest detectable"]
    kept = 3 if compared else 1
    return Table(name, title, caption, ("Arm", *heads, "Best setting"), tuple(rows), kept)


def _difference(one: Difference | None) -> tuple[list[Cell], list[Cell]]:
    """Return the cells of a difference that come first, itself and its p, and what stands behind."""
    value, p, detectable = difference_cells(one)
    return [value, p], [detectable]
