"""Why arms differ: diagnosis of detections, calibration, starts and segments of the baseline, and each arm's difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from crescendo.reports.analysis.causes import CausesSummary
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import half_text, short
from crescendo.reports.tables import captions
from crescendo.reports.tables.cells import NONE
from crescendo.reports.tables.table import Cell, Table
from crescendo.trainables.evaluation.outcomes import KINDS, LOWER_IOU


class _Shown(NamedTuple):
    """How a measure is written: its name, what it is multiplied by, decimals; whether it can be negative."""

    text: str
    scale: float = 100.0
    decimals: int = 1
    negative: bool = False


KIND_NAMES = {
    "wrong_label": "wrong label",
    "poor_overlap": "poor overlap",
    "both": "wrong label and poor overlap",
    "double": "double detection",
    "background": "background",
    "missed": "missed",
}
"""Kinds of errors in words."""

_MEASURES = {
    "mAP": _Shown("mAP (%)"),
    **{kind: _Shown(f"False positives, {KIND_NAMES[kind]} (for 100 activities)") for kind in KINDS},
    "not_found": _Shown("Activities not found (%)"),
    "missed": _Shown("Activities missed altogether (%)"),
    **{f"mAP_without/{kind}": _Shown(f"mAP without {name} (%)") for kind, name in KIND_NAMES.items()},
    "start_error": _Shown("Beginning, median error (s)", 1, 2, negative=True),
    "start_error/absolute": _Shown("Beginning, median absolute error (s)", 1, 2),
    "end_error": _Shown("End, median error (s)", 1, 2, negative=True),
    "end_error/absolute": _Shown("End, median absolute error (s)", 1, 2),
    "p_mAP/1s": _Shown("Starts, p-mAP at 1 s (%)"),
    "p_mAP/2s": _Shown("Starts, p-mAP at 2 s (%)"),
    "p_mAP/5s": _Shown("Starts, p-mAP at 5 s (%)"),
    "p_mAP/10s": _Shown("Starts, p-mAP at 10 s (%)"),
    "expected_calibration_error": _Shown("Expected calibration error (%)"),
    "negative_log_likelihood": _Shown("Negative log likelihood (nats)", 1, 3),
    "pieces": _Shown("Pieces of a true segment", 1, 2),
    "broken": _Shown("True segments in several pieces (%)"),
    "merged": _Shown("True segments in a predicted one", 1, 2),
    "merging": _Shown("Predicted segments that merge several (%)"),
    "violations/score/share": _Shown("Score below its maximum so far (% of frames)"),
    "violations/score/shortfall": _Shown("Score below its maximum so far, mean over frames (points)"),
    "violations/margin/share": _Shown("Margin below its maximum so far (% of frames)"),
    "violations/margin/shortfall": _Shown("Margin below its maximum so far, mean over frames (points)"),
}

_BINS = {
    "length": {"short": "short", "medium": "medium", "long": "long"},
    "place": {"beginning": "first third", "middle": "middle third", "end": "last third"},
}


def causes(model: ReportModel) -> Table:
    """Return a row for each measure: the baseline's value, and each other arm's difference to it."""
    found = {arm.name: arm.causes for arm in model.arms if arm.causes is not None}
    baseline = found.get(model.baseline)
    others = [arm.name for arm in model.arms if arm.name != model.baseline and arm.name in found]
    rows = tuple(
        (
            Cell(shown.text),
            _cell(baseline.measures.get(name), shown, sign=False),
            *(_cell(found[arm].gain.get(name), shown, sign=True) for arm in others),
        )
        for name, shown in _MEASURES.items()
        if baseline is not None and name in baseline.measures
    )
    return Table(
        "causes",
        "Why a difference",
        f"{model.scored.capitalize()} split. {_explained(found)} Errors of beginnings and ends are of true positives, "
        "negative where early. Starts: a span's start is said at its first frame, with its score there. Calibration: of the "
        "highest score of each frame, in 15 bins. Segments: unbroken runs of one label, before spans are merged; those that "
        "share a frame with one of their label. Maximum so far: within an activity. "
        f"{model.baseline}: mean over {captions.seeds(model)}; other columns: difference to it, paired by training; "
        f"with half the width of the 95 % interval (Student's t over {captions.spread(model)}). Exploration: without p.",
        ("Measure", model.baseline, *others),
        rows,
    )


def by_length_and_place(model: ReportModel) -> Table:
    """Return the false positives of each kind, and what was not found, by length and by place, of each arm."""
    found = {arm.name: arm.causes for arm in model.arms if arm.causes is not None}
    names = (*KINDS, "not_found")
    rows = tuple(
        (Cell(arm), Cell(by), Cell(text), *(_cell(one.bins[by][name].get(kind), _Shown("")) for kind in names))
        for arm, one in found.items()
        for by, bins in _BINS.items()
        for name, text in bins.items()
        if one.bins.get(by, {}).get(name)
    )
    heads = ("Wrong label", "Poor overlap", "Both", "Double", "Background", "Not found (%)")
    return Table(
        "by_length_and_place",
        "Errors by length and place",
        f"{model.scored.capitalize()} split. {_explained(found)} False positives for 100 activities of the third, and the "
        "share of these that is not found. Thirds of the annotated activities of the split, by their length in seconds and by "
        "where their middle lies in the recording; a detection goes by its own length and place. "
        f"Mean over {captions.seeds(model)} and half the width of its 95 % interval (Student's t over {captions.spread(model)}). "
        "Exploration: without p.",
        ("Arm", "By", "Third", *heads),
        rows,
    )


def _explained(found: Mapping[str, CausesSummary]) -> str:
    """Say what the kinds of false positives are, at the threshold that they were told apart at."""
    if not found:
        return ""
    iou = short(next(iter(found.values())).iou)
    return (
        f"Detections that are no true positives at IoU {iou}, each of one kind: a double overlaps an activity of its label well "
        "enough, which is found by another; a wrong label overlaps one of another label so; a poor overlap has its label and an "
        f"IoU above {LOWER_IOU:g} only; both, the latter with another label; background, no more than that with anything. "
        "mAP without a kind: wrong labels and poor overlaps are mended, the others are taken out; missed ones, which none of "
        "these is about, need not be found."
    )


def _cell(one: Estimate | None, shown: _Shown, *, sign: bool = False) -> Cell:
    if one is None:
        return NONE
    mean = shown.scale * one.mean
    text = f"{mean:{'+' if sign else ''}.{shown.decimals}f}"
    if float(text) == 0:
        text = f"{0:.{shown.decimals}f}"
    if one.low is None or one.high is None:
        return Cell(text, mean)
    low, high = shown.scale * one.low, shown.scale * one.high
    half = half_text(mean, (high - low) / 2, shown.decimals, negative=sign or shown.negative)
    return Cell(f"{text} ± {half}", mean, low, high)
