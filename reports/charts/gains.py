"""The charts of the labels that gained most: the paper's figures 7 and 9."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.charts.chart import Chart, LeftOut, Numbers
from crescendo.reports.charts.hover import hover_rows, value_lines
from crescendo.reports.charts.style import COLUMN, MUTED, PERCENT, ArmStyle, legend_above, panels, within
from crescendo.reports.formatting import percent, short
from crescendo.reports.tables import captions

LABELS = 20


def gains(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw the labels whose AP gained most, in detection and in early detection."""
    if model.label_iou is None or model.early_fraction is None:
        return
    yield _chart(
        model,
        looks,
        "gains_detection",
        "Detection: the labels that gained most",
        "The paper's Figure 7.",
        {arm.name: arm.labels for arm in model.arms},
    )
    yield _chart(
        model,
        looks,
        "gains_early",
        f"Early detection, {percent(model.early_fraction)} observed: the labels that gained most",
        "The paper's Figure 9.",
        {arm.name: arm.early_labels for arm in model.arms},
    )


def _chart(
    model: ReportModel,
    looks: Mapping[str, ArmStyle],
    name: str,
    title: str,
    source: str,
    labels: Mapping[str, Mapping[str, Estimate]],
) -> Chart | LeftOut:
    ap = {arm: {label: one.mean for label, one in values.items()} for arm, values in labels.items() if values}
    if model.baseline not in ap or len(ap) < 2:
        return LeftOut(name, title, "it takes confirmed runs of the baseline and of another arm")
    figure, numbers = _draw(ap, model.baseline, looks, f"{model.scored} AP at IoU {short(model.label_iou or '')} (%)")
    if any(gain > 0 for label in most_gained(ap, model.baseline) for gain in _gains(ap, model.baseline, label)):
        picked = "Picked for their gains, so these gains flatter"
    else:
        picked = "No label gained under any arm: on top are those that lost least"
    caption = (
        f"{source} Up to {LABELS} labels by the largest gain of any arm over {model.baseline}, the "
        f"largest on top; mean over {captions.seeds(model)}. {picked}: the table has every label."
    )
    return Chart(name, title, caption, figure, numbers)


def most_gained(ap: Mapping[str, Mapping[str, float]], baseline: str, limit: int = LABELS) -> list[str]:
    """Return up to `limit` labels by falling gain, the largest difference of an arm's AP to the baseline's.

    Labels on which no arm gains stand there too if there is room for them; of equal ones the first by name comes first.

    Parameters
    ----------
    ap
        Arm -> label -> AP.
    """
    labels = sorted({label for arm in ap.values() for label in arm})
    gain = {label: max(_gains(ap, baseline, label), default=0.0) for label in labels}
    return sorted(labels, key=lambda label: (-gain[label], label))[:limit]


def _draw(
    ap: Mapping[str, Mapping[str, float]], baseline: str, looks: Mapping[str, ArmStyle], x_label: str
) -> tuple[Figure, Numbers]:
    """Draw each label's AP under every arm, a row a label, those that gained most on top."""
    shown = most_gained(ap, baseline)
    figure, [[axes]] = panels(1, 1, COLUMN, 1.1 + 0.24 * len(shown))
    for row, label in enumerate(shown):
        reached = [100 * arm[label] for arm in ap.values() if label in arm]
        axes.plot([min(reached), max(reached)], [row, row], color=MUTED, linewidth=0.8, zorder=1)
    for arm, values in ap.items():
        look = looks[arm]
        places = [row for row, label in enumerate(shown) if label in values]
        axes.plot([100 * values[shown[row]] for row in places], places, look.marker, color=look.colour, label=arm)
    hover_rows(axes, (_told(label, ap) for label in shown))
    axes.set_yticks(range(len(shown)), shown)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel(x_label)
    axes.set_xlim(PERCENT)
    within(axes)
    legend_above(figure, axes)
    rows = tuple(
        (label, *(_percent(values.get(label)) for values in ap.values()), _best(ap, baseline, label)) for label in shown
    )
    return figure, Numbers(("label", *ap, "largest gain"), rows)


def _told(label: str, ap: Mapping[str, Mapping[str, float]]) -> str:
    reached = sorted(
        ((100 * values[label], arm) for arm, values in ap.items() if label in values), key=lambda one: -one[0]
    )
    return "\n".join([label, *value_lines(reached)])


def _gains(ap: Mapping[str, Mapping[str, float]], baseline: str, label: str) -> list[float]:
    return [
        values[label] - ap[baseline][label]
        for arm, values in ap.items()
        if arm != baseline and label in values and label in ap[baseline]
    ]


def _best(ap: Mapping[str, Mapping[str, float]], baseline: str, label: str) -> float | None:
    return _percent(max(_gains(ap, baseline, label), default=None))


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
