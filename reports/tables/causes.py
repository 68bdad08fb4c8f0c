"""Why arms differ: diagnosis of detections, calibration, starts and segments of the baseline, and each arm's difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crescendo.reports.analysis.causes import LATENCY, START_KEYS, CausesSummary
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.formatting import half_text, short
from crescendo.reports.tables import captions
from crescendo.reports.tables.cells import NONE
from crescendo.reports.tables.table import Cell, Table
from crescendo.trainables.evaluation.outcomes import KINDS, LOWER_IOU
from crescendo.trainables.evaluation.start_detection import OFFSETS


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
    **{key: _Shown(f"Starts, p-mAP at {offset:g} s (%)") for key, offset in zip(START_KEYS, OFFSETS, strict=True)},
    LATENCY: _Shown("Early warning, median latency (s)", 1, 2),
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

_BIN_RATES = {
    "wrong_label": "Wrong label",
    "poor_overlap": "Poor overlap",
    "both": "Both",
    "double": "Double",
    "background": "Background",
    "not_found": "Not found (%)",
    "missed": "Missed (%)",
}

_BINS = {
    "length": {"short": "short", "medium": "medium", "long": "long"},
    "place": {"beginning": "first third", "middle": "middle third", "end": "last third"},
}


def causes(model: ReportModel) -> Table:
    """Return a row for each measure: the baseline's value, and each other arm's difference to it."""
    found = _found(model)
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
        "negative where early. Starts: a span's start is said at its first frame, with its score there. Latency: at the rate "
        "of false alarms of the table of early warning. Calibration: of the "
        "highest score of each frame, in 15 bins. Segments: unbroken runs of one label, before spans are merged; those that "
        "share a frame with one of their label. Maximum so far: within an activity. "
        f"{_baseline_and_others(model)}",
        ("Measure", model.baseline, *others),
        rows,
    )


def by_length_and_place(model: ReportModel) -> Table:
    """Return the false positives of each kind, and what was not found, by length and by place, of each arm."""
    return Table(
        "by_length_and_place",
        "Errors by length and place",
        f"{model.scored.capitalize()} split. {_explained(_found(model))} False positives for 100 activities of the third, and "
        f"the share of these that is not found, or missed altogether. {_thirds(model)}",
        ("Arm", "By", "Third", *_BIN_RATES.values()),
        _bin_rows(model, tuple(_BIN_RATES)),
    )


def map_by_length_and_place(model: ReportModel) -> Table:
    """Return mAP without the errors of each kind that lie in each third, by length and by place, of each arm."""
    return Table(
        "mAP_by_length_and_place",
        "mAP without errors, by length and place",
        f"{model.scored.capitalize()} split, in percent: mAP of all activities at the IoU of the diagnosis, if the errors of one "
        f"kind were mended or gone in one third alone. {_thirds(model)}",
        ("Arm", "By", "Third", *(f"Without {name}" for name in KIND_NAMES.values())),
        _bin_rows(model, tuple(f"mAP_without/{kind}" for kind in KIND_NAMES)),
    )


def _found(model: ReportModel) -> dict[str, CausesSummary]:
    return {arm.name: arm.causes for arm in model.arms if arm.causes is not None}


def _thirds(model: ReportModel) -> str:
    """Say what thirds are, and what the rows of each arm hold."""
    return (
        "Thirds of the annotated activities of the split, by their length in seconds and by where their middle lies in the "
        f"recording; a detection goes by its own length and place. {_baseline_and_others(model)}"
    )


def _baseline_and_others(model: ReportModel) -> str:
    return (
        f"{model.baseline}: mean over {captions.seeds(model)}; other arms: difference to it, paired by training; "
        f"with half the width of the 95 % interval (Student's t over {captions.spread(model)}). Exploration: without p."
    )


def _bin_rows(model: ReportModel, measures: Sequence[str]) -> tuple[tuple[Cell, ...], ...]:
    """Return a row for each arm and third that has one of the `measures`: of the baseline its values, of others differences."""
    found, rows = _found(model), []
    for arm, one in found.items() if model.baseline in found else ():
        other = arm != model.baseline
        for by, names in _BINS.items():
            for third, text in names.items():
                row = (one.bins_gain if other else one.bins).get(by, {}).get(third, {})
                if any(name in row for name in measures):
                    cells = (_cell(row.get(name), _Shown(""), sign=other) for name in measures)
                    rows.append((Cell(arm), Cell(by), Cell(text), *cells))
    return tuple(rows)


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
