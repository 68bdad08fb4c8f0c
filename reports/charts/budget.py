"""The chart of the budget: the best validation mAP that a number of trials is expected to reach. Everything in percent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crescendo.reports.analysis.arm_summary import ArmSummary
from crescendo.reports.analysis.budget import BAND, ExpectedBest, expected_best
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, ChartValue, LeftOut, Numbers
from crescendo.reports.charts.hover import hover, hover_along
from crescendo.reports.charts.search import OPTIMISTIC
from crescendo.reports.charts.style import COLUMN, MUTED, PERCENT, ArmStyle, legend_above, panels, within
from crescendo.reports.formatting import measure_name
from crescendo.reports.tables import captions


def budget_curve(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw the expected best validation mAP of every arm against the number of trials, and what its best reaches in the test."""
    name, title = "budget_curve", "Search: expected best validation mAP against the number of trials"
    curves = {arm.name: expected_best(searches) for arm in model.arms if all(searches := _searches(arm))}
    if not curves:
        yield LeftOut(name, title, "no search of any arm has a finished trial")
        return
    figure, [[axes]] = panels(1, 1, COLUMN, 3.4)
    tested = {arm.name: arm.detection.get(model.headline_key) for arm in model.arms}
    reached = {arm: None if one is None else 100 * one.mean for arm, one in tested.items()}
    for arm, curve in curves.items():
        _draw(axes, curve, looks[arm], arm)
    hover_along(axes, "best of {:g}".format, {arm: (curve.trials, 100 * curve.mean) for arm, curve in curves.items()})
    most = max(len(curve.trials) for curve in curves.values())
    _draw_tested(axes, {arm: value for arm, value in reached.items() if value is not None}, looks, most, model.scored)
    axes.set_xlabel("trials, scored on the validation split")
    # The points right of the line are of another split.
    axes.set_ylabel(f"{measure_name(model.studies[0].objective)} (%)")
    within(axes, y=PERCENT)
    legend_above(figure, axes)
    rows: list[tuple[ChartValue, ...]] = [
        (arm, int(trials), *(100 * float(one) for one in values), reached[arm])
        for arm, curve in curves.items()
        for trials, *values in zip(curve.trials, curve.mean, curve.low, curve.high, strict=True)
    ]
    low, high = (f"{100 * share:.0f}" for share in BAND)
    caption = (
        "The best of n finished trials, the mean over all ways to take n of them (Dodge et al. 2019) and over all searches of "
        f"the arm; shaded: from {low} to {high} % of these. {OPTIMISTIC} Right of the line: the {model.scored} mAP of "
        f"the confirmed runs, mean over {captions.seeds(model)}{', which chose nothing' if model.untested is None else ''}."
    )
    columns = ("arm", "trials", "best (%)", "from", "to", f"{model.scored} mAP, confirmed (%)")
    yield Chart(name, title, caption, figure, Numbers(columns, tuple(rows)))


def _searches(arm: ArmSummary) -> list[list[float]]:
    """Return the validation values of the finished trials of each search."""
    return [
        [one.objective for one in replicate.search.trials if one.state == "finished" and one.objective is not None]
        for replicate in arm.replicates
    ]


def _draw(axes: Axes, curve: ExpectedBest, look: ArmStyle, arm: str) -> None:
    axes.fill_between(curve.trials, 100 * curve.low, 100 * curve.high, color=look.colour, alpha=0.12, linewidth=0)
    colour, x, y = look.colour, curve.trials, 100 * curve.mean
    axes.plot(x, y, label=arm, color=colour, linestyle=look.dashes, marker=look.marker, markersize=3.5)


def _draw_tested(
    axes: Axes, tested: Mapping[str, float], looks: Mapping[str, ArmStyle], most: int, scored: str
) -> None:
    """Draw the `scored` mAP of every arm to the right of as many trials as there are, side by side, so that none "
    "hides another."""
    ticks = [int(one) for one in MaxNLocator(integer=True).tick_values(1, most) if 1 <= one <= most]
    width = max(0.6, 0.16 * most)
    for place, (arm, value) in enumerate(tested.items()):
        x = most + width * (0.6 + (place + 1) / (len(tested) + 1))
        axes.plot(x, value, looks[arm].marker, color=looks[arm].colour, markersize=7)
        hover(axes, f"{arm}\n{value:.1f} %, confirmed, {scored}", x=x, y=value)
    if tested:
        axes.axvline(most + 0.5 * width, color=MUTED, linewidth=0.8)
        axes.set_xticks([*ticks, most + 1.1 * width], [*map(str, ticks), scored])
        axes.set_xlim(right=most + 1.7 * width)
    else:
        axes.set_xticks(ticks)
