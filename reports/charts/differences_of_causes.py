"""The chart of what differs besides mAP: each arm's differences to the baseline in what explains it, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from matplotlib.axes import Axes

from crescendo.reports.analysis.causes import LATENCY
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, ChartValue, LeftOut, Numbers
from crescendo.reports.charts.hover import hover
from crescendo.reports.charts.style import MUTED, PAGE, PAPER, ArmStyle, panels
from crescendo.reports.tables import captions

_COLUMNS = 4


class _Shown(NamedTuple):
    """A measure as its panel shows it: its title, its unit, what it is multiplied by."""

    title: str
    unit: str
    scale: float = 100.0


_MEASURES = {
    "wrong_label": _Shown("wrong labels", "for 100 activities"),
    "poor_overlap": _Shown("poor overlaps", "for 100 activities"),
    "both": _Shown("wrong label, poor overlap", "for 100 activities"),
    "double": _Shown("double detections", "for 100 activities"),
    "background": _Shown("background", "for 100 activities"),
    "missed": _Shown("missed activities", "points"),
    "start_error/absolute": _Shown("beginning, absolute error", "s", 1.0),
    "end_error/absolute": _Shown("end, absolute error", "s", 1.0),
    LATENCY: _Shown("latency of early warning", "s", 1.0),
    "expected_calibration_error": _Shown("calibration error", "points"),
    "broken": _Shown("broken segments", "points"),
    "merging": _Shown("merging segments", "points"),
    "violations/score/shortfall": _Shown("score below its maximum", "points"),
    "violations/margin/shortfall": _Shown("margin below its maximum", "points"),
}


def differences_of_causes(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw each arm's difference to the baseline in what explains mAP, a panel for each measure."""
    name, title = "differences_of_causes", f"Diagnosis: differences to {model.baseline}"
    gains = {arm.name: arm.causes.gain for arm in model.arms if arm.causes is not None and arm.causes.gain}
    shown = {key: one for key, one in _MEASURES.items() if any(key in gain for gain in gains.values())}
    if not shown:
        yield LeftOut(name, title, "it takes diagnosed runs of the baseline and of another arm, with the same seeds")
        return
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure, grid = panels(rows, columns, PAGE, rows * (0.75 + 0.17 * len(gains)), sharey=True)
    every = [axes for row in grid for axes in row]
    for axes in every[len(shown) :]:
        axes.set_visible(False)
    told: list[tuple[ChartValue, ...]] = []
    for axes, (key, measure) in zip(every, shown.items(), strict=False):
        found = {arm: gain[key] for arm, gain in gains.items() if key in gain}
        _draw(axes, found, measure, list(gains), looks)
        told += [(f"{measure.title} ({measure.unit})", arm, *_scaled(one, measure)) for arm, one in found.items()]
    every[0].set_yticks(range(len(gains)), list(gains))
    every[0].set_ylim(len(gains) - 0.4, -0.6)
    caption = (
        f"{model.scored.capitalize()} split; left of 0 there is less of it than with {model.baseline}. Mean "
        f"difference over {captions.seeds(model)}, paired by training; lines: its 95 % interval (Student's t over "
        f"{captions.spread(model)}), of each arm and measure alone. All of it explores: among so many, some look good by "
        "chance. The table says what each measure is."
    )
    numbers = Numbers(("measure", "arm", "difference", "from", "to"), tuple(told), ("+.2f",))
    yield Chart(name, title, caption, figure, numbers)


def _draw(
    axes: Axes, found: Mapping[str, Estimate], measure: _Shown, arms: list[str], looks: Mapping[str, ArmStyle]
) -> None:
    """Draw a row for each arm; hollow, as nothing here is an answer."""
    axes.axvline(0, color=MUTED, linewidth=1)
    for arm, one in found.items():
        row, look = arms.index(arm), looks[arm]
        value, low, high = _scaled(one, measure)
        ends = ""
        if low is not None and high is not None:
            axes.plot([low, high], [row, row], color=look.colour, linewidth=1.6)
            ends = f", {low:+.2f} to {high:+.2f}"
        axes.plot(value, row, look.marker, color=look.colour, markerfacecolor=PAPER)
        hover(axes, f"{arm}: {measure.title}\n{value:+.2f} {measure.unit}{ends}", y=(row - 0.5, row + 0.5))
    axes.set_title(measure.title, loc="left", fontsize="small")
    axes.set_xlabel(measure.unit, fontsize="small")


def _scaled(one: Estimate, measure: _Shown) -> tuple[float, float | None, float | None]:
    low, high = (None if end is None else measure.scale * end for end in (one.low, one.high))
    return measure.scale * one.mean, low, high
