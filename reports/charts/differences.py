"""The chart of differences to the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from crescendo.reports.analysis.estimates import Difference
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, ChartValue, LeftOut, Numbers
from crescendo.reports.charts.hover import hover
from crescendo.reports.charts.style import COLUMN, MUTED, PAGE, PAPER, POINTS, ArmStyle, panels, within
from crescendo.reports.formatting import measure_name, percent, signed
from crescendo.reports.tables.captions import together


def difference_to_baseline(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw each arm's difference in the objective, of detection and of early detection."""
    name, title = "difference_to_baseline", f"Difference to {model.baseline}"
    early = f"Early detection, {percent(model.early_fraction or '0')} observed"
    compared: dict[str, dict[str, Difference]] = {}
    for arm in model.arms:
        for what, measures in (("Detection", arm.difference), (early, arm.early_difference)):
            if model.headline in measures:
                compared.setdefault(arm.name, {})[what] = measures[model.headline]
    if not compared:
        reason = "it takes the detections of the baseline and of another arm, with the same seeds"
        yield LeftOut(name, title, reason)
        return
    figure, numbers = _draw(compared, looks)
    caption = (
        f"{model.scored.capitalize()} {measure_name(model.headline)}, minus the baseline's. Lines: intervals that "
        f"hold for all arms together with {together(model)}, over recordings (paired bootstrap, {model.resamples:,} "
        "resamples) and trainings. Filled: better or worse; hollow: equivalent, undecided, or not what the study asks about."
    )
    yield Chart(name, title, caption, figure, numbers)


def _draw(compared: Mapping[str, Mapping[str, Difference]], looks: Mapping[str, ArmStyle]) -> tuple[Figure, Numbers]:
    """Draw arm -> what is compared -> difference: a panel for each of what is compared, a row for each arm.

    A filled marker is an answer: better, or worse.
    """
    titles = list(dict.fromkeys(title for arm in compared.values() for title in arm))
    figure, [row] = panels(
        1, len(titles), PAGE if len(titles) > 1 else COLUMN, 0.95 + 0.26 * len(compared), sharex=True, sharey=True
    )
    rows: list[tuple[ChartValue, ...]] = []
    for axes, title in zip(row, titles, strict=True):
        axes.axvline(0, color=MUTED, linewidth=1)
        for height, (arm, differences) in enumerate(compared.items()):
            if title not in differences:
                continue
            look, one = looks[arm], differences[title]
            axes.plot(
                [100 * max(one.low, -1.0), 100 * min(one.high, 1.0)], [height, height], color=look.colour, linewidth=2
            )
            fill = look.colour if one.holds else PAPER
            axes.plot(100 * one.value, height, look.marker, color=look.colour, markerfacecolor=fill, markersize=7)
            told = "exploration" if one.verdict is None else one.verdict.answer
            ends = f"{signed(one.low)} to {signed(one.high)}"
            hover(axes, f"{arm}: {told}\n{signed(one.value)} points, {ends}", y=(height - 0.5, height + 0.5))
            rows.append((title, arm, 100 * one.value, 100 * one.low, 100 * one.high, told))
        axes.set_title(title, loc="left")
        axes.set_xlabel("difference (percentage points)")
    within(row[0], x=POINTS)
    row[0].set_yticks(range(len(compared)), list(compared))
    row[0].set_ylim(len(compared) - 0.4, -0.6)
    return figure, Numbers(("measure", "arm", "difference", "from", "to", "answer"), tuple(rows), ("+.1f",))
