"""The charts of why arms differ: false positives by kind, length and place, mAP without each kind, reliability of scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from crescendo.reports.analysis.causes import CausesSummary
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, ChartValue, LeftOut, Numbers
from crescendo.reports.charts.hover import hover, hover_rows, value_lines
from crescendo.reports.charts.style import COLUMN, MUTED, PAGE, PERCENT, STEPS, ArmStyle, legend_above, panels, within
from crescendo.reports.formatting import short
from crescendo.reports.tables import captions
from crescendo.trainables.evaluation.diagnosis import BINS
from crescendo.trainables.evaluation.outcomes import KINDS
from crescendo.trainables.evaluation.repaired import MISSED
from crescendo.trainables.plurals import counted

_NAMES = {kind: kind.replace("_", " ") for kind in (*KINDS, MISSED)}
_ERRORS = {"false positives": KINDS, "not found": ("not_found",)}
"""What is drawn by thirds -> kinds that it is the sum of."""
_ABSENT = "no confirmed run was diagnosed; runs of this version are"


def why(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw false positives by kind, what mAP would gain without each kind, errors by thirds, and reliability diagrams."""
    found = {arm.name: arm.causes for arm in model.arms if arm.causes is not None}
    for name, title, draw in (
        ("false_positives", "Diagnosis: false positives by kind", _false_positives),
        ("mAP_without", "Diagnosis: what mAP would gain without each kind of error", _without),
        ("errors_by_length_and_place", "Diagnosis: errors by length and place of the activity", _thirds),
        ("reliability", "Calibration: confidence and accuracy of frames", _reliability),
    ):
        if not found:
            yield LeftOut(name, title, _ABSENT)
            continue
        figure, caption, numbers = draw(model, found, looks)
        yield Chart(name, title, caption, figure, numbers)


def _false_positives(
    model: ReportModel, found: Mapping[str, CausesSummary], looks: Mapping[str, ArmStyle]
) -> tuple[Figure, str, Numbers]:
    del looks  # an arm is a row: colours are of kinds
    rates = {arm: [100 * one.measures[kind].mean for kind in KINDS] for arm, one in found.items()}
    figure, [[axes]] = panels(1, 1, PAGE, 1.2 + 0.34 * len(found))
    place = np.arange(len(found))
    left = np.zeros(len(found))
    for number, kind in enumerate(KINDS):
        width = np.array([row[number] for row in rates.values()])
        axes.barh(place, width, left=left, height=0.7, color=STEPS[number], label=_NAMES[kind])
        left += width
    names = [_NAMES[kind] for kind in KINDS]
    hover_rows(axes, (_told(arm, zip(row, names, strict=True)) for arm, row in rates.items()))
    axes.set_yticks(place, list(found))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"false positives for 100 {model.scored} activities")
    legend_above(figure, axes)
    caption = (
        f"Detections that are no true positives at IoU {_iou(found)}, by kind (the table says what each is): their number for "
        f"100 annotated activities of the {model.scored} split, whatever their score. Mean over {captions.seeds(model)}."
    )
    rows = tuple((arm, *row, sum(row)) for arm, row in rates.items())
    return figure, caption, Numbers(("arm", *(_NAMES[kind] for kind in KINDS), "together"), rows)


def _told(arm: str, rates: Iterable[tuple[float, str]]) -> str:
    """Return an arm's false positives of each kind, a line each."""
    kinds = list(rates)
    return "\n".join(
        [f"{arm}, for 100 activities", *value_lines([*kinds, (sum(one for one, _ in kinds), "together")], unit="")]
    )


def _without(
    model: ReportModel, found: Mapping[str, CausesSummary], looks: Mapping[str, ArmStyle]
) -> tuple[Figure, str, Numbers]:
    gains = {
        arm: [100 * (one.measures[f"mAP_without/{kind}"].mean - one.measures["mAP"].mean) for kind in _NAMES]
        for arm, one in found.items()
    }
    figure, [[axes]] = panels(1, 1, COLUMN, 1.2 + 0.34 * len(_NAMES))
    place = np.arange(len(_NAMES))
    for number, (arm, values) in enumerate(gains.items()):
        # Arms stand side by side in a kind's row: equal values hide none of them.
        row = place + 0.6 * ((number + 0.5) / len(gains) - 0.5)
        axes.plot(values, row, color=looks[arm].colour, marker=looks[arm].marker, linestyle="none", label=arm)
    hover_rows(
        axes,
        (
            "\n".join([f"without {kind}", *(f"{values[row]:+.1f} points  {arm}" for arm, values in gains.items())])
            for row, kind in enumerate(_NAMES.values())
        ),
    )
    axes.set_yticks(place, list(_NAMES.values()))
    axes.invert_yaxis()
    axes.set_xlim(left=0, right=max(1.0, 1.05 * max(map(max, gains.values()))))
    within(axes)
    axes.set_xlabel(f"gain in {model.scored} mAP at IoU {_iou(found)} (points)")
    legend_above(figure, axes)
    caption = (
        "By how many points mAP would rise if wrong labels or poor overlaps were mended, if detections of the other kinds "
        "were not there, or if activities missed altogether need not be found; one kind at a time, so that gains do not add up. "
        f"After TIDE (Bolya et al., 2020). Mean over {captions.seeds(model)}."
    )
    rows: tuple[tuple[ChartValue, ...], ...] = tuple(
        (kind, *(gains[arm][number] for arm in gains)) for number, kind in enumerate(_NAMES.values())
    )
    return figure, caption, Numbers(("without", *gains), rows)


def _thirds(
    model: ReportModel, found: Mapping[str, CausesSummary], looks: Mapping[str, ArmStyle]
) -> tuple[Figure, str, Numbers]:
    figure, grid = panels(len(_ERRORS), len(BINS), PAGE, 4.6, sharex="col", sharey="row")
    rows: list[tuple[ChartValue, ...]] = []
    for column, (by, names) in enumerate(BINS.items()):
        points = {
            arm: [
                {name: _rate(one.bins.get(by, {}).get(third, {}), kinds) for name, kinds in _ERRORS.items()}
                for third in names
            ]
            for arm, one in found.items()
        }
        for row, name in enumerate(_ERRORS):
            axes = grid[row][column]
            for arm, thirds in points.items():
                look, values = looks[arm], np.array([one[name] for one in thirds], dtype=np.float64)
                axes.plot(values, color=look.colour, linestyle=look.dashes, marker=look.marker, label=arm)
            for place, third in enumerate(names):
                reached = {arm: value for arm, thirds in points.items() if (value := thirds[place][name]) is not None}
                lines = value_lines([(value, arm) for arm, value in reached.items()], unit="")
                hover(axes, "\n".join([f"{third}: {name}, for 100", *lines]), x=(place - 0.5, place + 0.5))
            axes.set_xlim(-0.4, len(names) - 0.6)
            axes.set_ylim(bottom=0)
            within(axes)
        grid[-1][column].set_xticks(range(len(names)), names)
        grid[-1][column].set_xlabel(f"{by}, in thirds of the annotated activities")
        rows += [(arm, by, third, *points[arm][place].values()) for arm in points for place, third in enumerate(names)]
    for row, name in enumerate(_ERRORS):
        grid[row][0].set_ylabel(f"{name}, for 100")
    legend_above(figure, grid[0][0])
    caption = (
        f"False positives of all kinds, and activities that are not found at IoU {_iou(found)}, for 100 annotated activities of "
        "each third: by length in seconds, and by where the middle lies in the recording (the tables have each kind). Mean over "
        f"{captions.seeds(model)}."
    )
    return figure, caption, Numbers(("arm", "by", "third", *_ERRORS), tuple(rows))


def _rate(rates: Mapping[str, Estimate], kinds: Sequence[str]) -> float | None:
    """Return what there is of `kinds` for 100 activities; None where there are no activities."""
    return 100 * sum(rates[kind].mean for kind in kinds) if rates else None


def _reliability(
    model: ReportModel, found: Mapping[str, CausesSummary], looks: Mapping[str, ArmStyle]
) -> tuple[Figure, str, Numbers]:
    figure, [[axes]] = panels(1, 1, COLUMN, 3.6)
    axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.8)
    rows = []
    for arm, one in found.items():
        filled = one.reliability[one.reliability[:, 0] > 0]
        frames, confidence, accuracy = filled.T
        look = looks[arm]
        axes.plot(
            100 * confidence, 100 * accuracy, color=look.colour, linestyle=look.dashes, marker=look.marker, label=arm
        )
        for count, sure, right in filled:
            told = f"{arm}\nconfidence {100 * sure:.1f} %, accuracy {100 * right:.1f} %\n{counted(int(count), 'frame')}"
            hover(axes, told, x=100 * sure, y=100 * right)
        rows += [
            (arm, 100 * float(sure), 100 * float(right), int(count))
            for count, sure, right in zip(frames, confidence, accuracy, strict=True)
        ]
    axes.set_ylim(*PERCENT)
    within(axes, x=PERCENT, y=PERCENT)
    axes.set_xlabel("confidence: the frame's highest score (%)")
    axes.set_ylabel("accuracy (%)")
    legend_above(figure, axes)
    caption = (
        f"A point for each fifteenth of confidence that frames of the {model.scored} split fall in, all confirmed trainings of "
        "an arm together: their mean confidence, and how often their label is right. On the diagonal scores are probabilities; "
        "below it the model is surer than it is right."
    )
    return figure, caption, Numbers(("arm", "confidence (%)", "accuracy (%)", "frames"), tuple(rows))


def _iou(found: Mapping[str, CausesSummary]) -> str:
    return short(next(iter(found.values())).iou)
