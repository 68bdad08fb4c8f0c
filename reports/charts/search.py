"""Charts of the search: mAP against lambda_r, against the merge gap, and trial by trial. Everything in percent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crescendo.reports.analysis.arm_summary import ArmSummary, TrialSummary
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, LeftOut, Numbers
from crescendo.reports.charts.curves import Curve, curve_numbers
from crescendo.reports.charts.hover import hover, hover_along
from crescendo.reports.charts.style import COLUMN, PERCENT, ArmStyle, legend_above, panels, within
from crescendo.reports.formatting import measure_name
from crescendo.trainables.losses.joint import variant_names
from crescendo.trainables.losses.loss_settings import PART_OF_LAMBDA_R
from crescendo.trainables.plurals import counted

OPTIMISTIC = "Validation mAP of the best is optimistic: it was chosen by it."
"""What is said wherever a figure shows it."""


@dataclass(frozen=True)
class _Point:
    """A finished trial: its replicate's name, its number, its weight, its mAP, and whether it is its search's best.

    The weight is that of the loss beside the cross entropy; 0 where it was not searched, or where each of several has its own.
    """

    arm: str
    replicate: str
    number: int
    weight: float
    value: float
    best: bool


def map_against_lambda_r(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw every finished trial that searched lambda_r."""
    name, title = "mAP_against_lambda_r", "Search: mAP against lambda_r"
    weighed = [point for point in _finished(model) if point.weight > 0]
    if not weighed:
        yield LeftOut(name, title, "no trial searched it")
        return
    figure, numbers = _draw_weights(weighed, looks, objective_label(model))
    caption = (
        "Every finished trial that searched the weight of its loss, with its best merge gap; ringed: the arm's "
        f"best{_each(model)}. {OPTIMISTIC}{_several_weights(model)}{_unseen(model)}"
    )
    yield Chart(name, title, caption, figure, numbers)


def map_against_merge_gap(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw each arm's best trial, decoded with every merge gap that was tried."""
    name, title = "mAP_against_merge_gap", "Search: mAP against merge gap"
    lines = {
        arm.name: Curve([gap for gap, _ in arm.search.gap_curve], [value for _, value in arm.search.gap_curve])
        for arm in model.arms
        if arm.search.gap_curve
    }
    if not lines:
        yield LeftOut(name, title, "no arm searched it, or MLflow holds no such curve")
        return
    chosen = {arm.name: arm.search.merge_gap for arm in model.arms if arm.search.merge_gap is not None}
    figure = _draw_gaps(lines, chosen, looks, objective_label(model))
    of = f", of {first}" if (first := model.arms[0].replicates[0].name) else ""
    caption = (
        f"The stored frame scores of each arm's best trial{of}, decoded with {_tried(lines)}; large: the one chosen. "
        f"{OPTIMISTIC}"
    )
    yield Chart(name, title, caption, figure, curve_numbers({"": lines}, "merge gap", x_percent=False))


def _tried(lines: Mapping[str, Curve]) -> str:
    gaps = sorted({gap for curve in lines.values() for gap in curve.x})
    if len(gaps) == 1:
        return f"a merge gap of {gaps[0]:g}"
    return f"the {counted(len(gaps), 'merge gap')} that were tried, {gaps[0]:g} to {gaps[-1]:g}"


def optimisation_history(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw trials in the order proposed, and the best so far."""
    name, title = "optimisation_history", "Search: optimisation history"
    finished = _finished(model)
    if not finished:
        yield LeftOut(name, title, "no trial of the search has finished")
        return
    figure, numbers = _draw_history(finished, looks, objective_label(model))
    caption = (
        f"Finished trials in the order in which they were proposed; the line is the best so far{_each(model)}. {OPTIMISTIC}"
        f"{_unseen(model)}"
    )
    yield Chart(name, title, caption, figure, numbers)


def _finished(model: ReportModel) -> list[_Point]:
    return [
        _Point(
            arm.name,
            replicate.name,
            trial.number,
            _weight(arm, trial),
            trial.objective,
            replicate.search.best == trial.number,
        )
        for arm in model.arms
        for replicate in arm.replicates
        for trial in replicate.search.trials
        if trial.state == "finished" and trial.objective is not None
    ]


def _weight(arm: ArmSummary, trial: TrialSummary) -> float:
    """Return the weight that a trial searched for the one loss beside its cross entropy; 0: it searched none, or several."""
    [name, *others] = variant_names(str(trial.proposed.get("variant", arm.variant)))
    found = trial.proposed.get(f"{PART_OF_LAMBDA_R}{name}", trial.proposed.get("lambda_r", 0.0))
    return 0.0 if others else float(found)


def _several_weights(model: ReportModel) -> str:
    names = [arm.name for arm in model.arms if len(variant_names(str(arm.variant))) > 1]
    return f" Not shown, for each of its losses has a weight of its own: {', '.join(names)}." if names else ""


def _each(model: ReportModel) -> str:
    return ", of each fold and repeat" if any(len(arm.replicates) > 1 for arm in model.arms) else ""


def _unseen(model: ReportModel) -> str:
    counts = [replicate.search.counts for arm in model.arms for replicate in arm.replicates]
    others = sum(sum(one.values()) - one.get("finished", 0) for one in counts)
    return (
        f" {counted(others, 'trial')} that did not finish {'is' if others == 1 else 'are'} not shown." if others else ""
    )


def objective_label(model: ReportModel) -> str:
    """Return what the vertical axis of a chart of the search says."""
    return f"validation {measure_name(model.studies[0].objective)} (%)"


def _draw_gaps(
    lines: Mapping[str, Curve], chosen: Mapping[str, int], looks: Mapping[str, ArmStyle], y_label: str
) -> Figure:
    """Draw mAP against the merge gap, with a large marker at the gap that was chosen."""
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    for arm, curve in lines.items():
        look = looks[arm]
        values = 100 * np.asarray(curve.y)
        options: dict[str, Any] = {"color": look.colour, "linestyle": look.dashes, "marker": look.marker, "label": arm}
        axes.plot(curve.x, values, markersize=3, **options)
        if chosen.get(arm) in curve.x:
            at = list(curve.x).index(chosen[arm])
            axes.plot(chosen[arm], values[at], color=look.colour, marker=look.marker, markersize=8, zorder=5)
    hover_along(
        axes, "merge gap {:g}".format, {arm: (curve.x, 100 * np.asarray(curve.y)) for arm, curve in lines.items()}
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("merge gap (frames)")
    axes.set_ylabel(y_label)
    within(axes, y=PERCENT)
    legend_above(figure, axes)
    return figure


def _draw_weights(points: Sequence[_Point], looks: Mapping[str, ArmStyle], y_label: str) -> tuple[Figure, Numbers]:
    """Draw every trial's mAP against its weight, on a logarithmic axis; each arm's best has a ring."""
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    for arm in dict.fromkeys(point.arm for point in points):
        own = [point for point in points if point.arm == arm]
        look = looks[arm]
        axes.plot(
            [one.weight for one in own], [100 * one.value for one in own], look.marker, color=look.colour, label=arm
        )
        best = [one for one in own if one.best]
        axes.plot(
            [one.weight for one in best],
            [100 * one.value for one in best],
            "o",
            markersize=11,
            markerfacecolor="none",
            color=look.colour,
        )
    for one in points:
        told = f"{_named(one.arm, one.replicate)}, trial {one.number + 1}{', the best' if one.best else ''}"
        hover(axes, f"{told}\n{100 * one.value:.1f} % at {one.weight:.3g}", x=one.weight, y=100 * one.value)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("lambda_r, weight of the added loss")
    axes.set_ylabel(y_label)
    within(axes, y=PERCENT)
    legend_above(figure, axes)
    rows = tuple((_named(one.arm, one.replicate), one.number + 1, one.weight, 100 * one.value) for one in points)
    return figure, Numbers(("arm", "trial", "lambda_r", "mAP (%)"), rows, ("", "", ".3g", ".1f"))


def _draw_history(points: Sequence[_Point], looks: Mapping[str, ArmStyle], y_label: str) -> tuple[Figure, Numbers]:
    """Draw every trial's mAP, and the best so far of its arm, in the order in which trials were proposed."""
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    rows = []
    for arm in dict.fromkeys(point.arm for point in points):
        look = looks[arm]
        for replicate in dict.fromkeys(point.replicate for point in points if point.arm == arm):
            own = [point for point in points if (point.arm, point.replicate) == (arm, replicate)]
            own.sort(key=lambda point: point.number)
            numbers, values = [one.number + 1 for one in own], 100 * np.array([one.value for one in own])
            best = np.maximum.accumulate(values)
            axes.plot(numbers, values, look.marker, color=look.colour, alpha=0.45, markersize=4)
            axes.plot(numbers, best, color=look.colour, linestyle=look.dashes, drawstyle="steps-post")
            for one, value, top in zip(own, values, best, strict=True):
                told = f"{_named(arm, replicate)}, trial {one.number + 1}\n{value:.1f} %, best so far {top:.1f} %"
                hover(axes, told, x=one.number + 1, y=float(value))
            rows += [
                (_named(arm, replicate), one.number + 1, float(value), float(top))
                for one, value, top in zip(own, values, best, strict=True)
            ]
        # The legend shows marker and line together.
        axes.plot([], [], color=look.colour, linestyle=look.dashes, marker=look.marker, label=arm)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial of the arm")
    axes.set_ylabel(y_label)
    within(axes, y=PERCENT)
    legend_above(figure, axes)
    return figure, Numbers(("arm", "trial", "mAP (%)", "best so far (%)"), tuple(rows))


def _named(arm: str, replicate: str) -> str:
    return f"{arm}, {replicate}" if replicate else arm
