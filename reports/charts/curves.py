"""Charts of mAP against something, one line an arm: IoU threshold, observed fraction. Everything in percent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, LeftOut, Numbers
from crescendo.reports.charts.hover import hover_along
from crescendo.reports.charts.style import COLUMN, PAGE, PERCENT, ArmStyle, legend_above, panels, within
from crescendo.reports.formatting import short
from crescendo.reports.tables import captions

_EARLY_IOU = (0.4, 0.5)


@dataclass(frozen=True)
class Curve:
    """One arm's line: `y` (fractions of 1) at `x`, with the ends of its interval where it has one."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def map_against_iou(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw test mAP at each IoU threshold."""
    name, title = "mAP_against_iou", "Detection: mAP against IoU threshold"
    confirmed = [arm for arm in model.arms if model.iou and all(key in arm.detection for key in model.iou)]
    if not confirmed:
        yield LeftOut(name, title, "no arm has a confirmed run")
        return
    lines = {arm.name: _curve({key: arm.detection[key] for key in model.iou}) for arm in confirmed}
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    _draw(axes, lines, looks, x_percent=False)
    hover_along(axes, "IoU {:g}".format, _points(lines, x_percent=False))
    within(axes, y=PERCENT)
    axes.set_xlabel("IoU threshold")
    axes.set_ylabel(f"{model.scored} mAP (%)")
    legend_above(figure, axes)
    caption = (
        f"{model.scored.capitalize()} split, mean over {captions.seeds(model)}; shaded: {captions.interval(model)}."
    )
    yield Chart(name, title, caption, figure, curve_numbers({"": lines}, "IoU threshold", x_percent=False))


def early_against_fraction(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw test mAP of early detection against the observed fraction, a panel for each of two IoU thresholds."""
    name, title = "early_against_fraction", "Early detection: mAP against observed fraction"
    arms = [arm for arm in model.arms if arm.early]
    if not arms:
        yield LeftOut(name, title, "no arm has a confirmed run")
        return
    keys = dict.fromkeys(min(model.iou, key=lambda key: abs(float(key) - wanted)) for wanted in _EARLY_IOU)
    lines = {
        f"IoU {short(key)}": {
            arm.name: _curve({fraction: thresholds[key] for fraction, thresholds in arm.early.items()}) for arm in arms
        }
        for key in keys
    }
    figure = _side_by_side(lines, looks, "observed fraction (%)", f"{model.scored} mAP (%)")
    caption = (
        f"The paper's Figure 8. A sequence for every {model.scored} activity: the model sees it from the end of the "
        "activity before until this share of the activity has passed; the ground truth is cut to what was seen. Mean over "
        f"{captions.seeds(model)}; shaded: {captions.interval(model)}."
    )
    yield Chart(name, title, caption, figure, curve_numbers(lines, "observed fraction (%)", x_percent=True))


def curve_numbers(lines: Mapping[str, Mapping[str, Curve]], x_label: str, *, x_percent: bool) -> Numbers:
    """Return one row for each place on the horizontal axis, and one column for each panel and arm."""
    columns = {
        (f"{title}: {arm}" if title else arm): dict(zip(curve.x, curve.y, strict=True))
        for title, panel in lines.items()
        for arm, curve in panel.items()
    }
    rows = tuple(
        (
            round(100 * x, 6) if x_percent else x,
            *(None if x not in column else 100 * column[x] for column in columns.values()),
        )
        for x in sorted({x for column in columns.values() for x in column})
    )
    return Numbers((x_label, *columns), rows, (".4g", ".1f"))


def _side_by_side(
    lines: Mapping[str, Mapping[str, Curve]], looks: Mapping[str, ArmStyle], x_label: str, y_label: str
) -> Figure:
    """Draw panel title -> arm -> curve, on one scale; the horizontal axis in percent."""
    figure, [row] = panels(1, len(lines), PAGE, 3.1, sharex=True, sharey=True)
    for axes, (title, panel) in zip(row, lines.items(), strict=True):
        _draw(axes, panel, looks, x_percent=True)
        hover_along(axes, "{:g} % observed".format, _points(panel, x_percent=True), lead=f"{title}, ")
        axes.set_title(title, loc="left")
        axes.set_xlabel(x_label)
    for axes in row:
        within(axes, x=PERCENT, y=PERCENT)
    row[0].set_ylabel(y_label)
    legend_above(figure, row[0])
    return figure


def _points(lines: Mapping[str, Curve], *, x_percent: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return line -> places and values as they are drawn."""
    scale = 100 if x_percent else 1
    return {arm: (scale * np.asarray(curve.x), 100 * np.asarray(curve.y)) for arm, curve in lines.items()}


def _draw(axes: Axes, lines: Mapping[str, Curve], looks: Mapping[str, ArmStyle], *, x_percent: bool) -> None:
    points = _points(lines, x_percent=x_percent)
    for arm, curve in lines.items():
        look = looks[arm]
        x, y = points[arm]
        options: dict[str, Any] = {"color": look.colour, "linestyle": look.dashes, "marker": look.marker, "label": arm}
        axes.plot(x, y, **options)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(
                x, 100 * np.asarray(curve.low), 100 * np.asarray(curve.high), color=look.colour, alpha=0.12, linewidth=0
            )


def _curve(estimates: Mapping[str, Estimate]) -> Curve:
    """Return key -> estimate as a curve, with a band if every estimate has an interval."""
    low = [max(0.0, one.low) for one in estimates.values() if one.low is not None]
    high = [min(1.0, one.high) for one in estimates.values() if one.high is not None]
    whole = len(low) == len(high) == len(estimates)
    return Curve(
        [float(key) for key in estimates],
        [one.mean for one in estimates.values()],
        low if whole else None,
        high if whole else None,
    )
