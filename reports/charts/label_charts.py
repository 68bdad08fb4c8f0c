"""Charts with one row a name: differences to the baseline, and the labels that gained most (figures 7 and 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from crescendo.reports.charts.chart import Cell, Numbers
from crescendo.reports.charts.style import COLUMN, MUTED, PAGE, PAPER, Look, legend_above, panels

LABELS = 20


@dataclass(frozen=True)
class Interval:
    """A difference of mAP, fractions of 1, with its 95 % interval; `holds`: it is shown to differ from 0."""

    value: float
    low: float
    high: float
    holds: bool


def differences(
    found: Mapping[str, Mapping[str, Interval]], looks: Mapping[str, Look], x_label: str
) -> tuple[Figure, Numbers]:
    """Draw arm -> what is measured -> difference to the baseline: a panel for each measure, a row for each arm.

    A filled marker is a difference that holds.
    """
    titles = list(dict.fromkeys(title for arm in found.values() for title in arm))
    figure, [row] = panels(
        1, len(titles), PAGE if len(titles) > 1 else COLUMN, 0.95 + 0.26 * len(found), sharex=True, sharey=True
    )
    rows: list[tuple[Cell, ...]] = []
    for axes, title in zip(row, titles, strict=True):
        axes.axvline(0, color=MUTED, linewidth=1)
        for place, (arm, intervals) in enumerate(found.items()):
            if title not in intervals:
                continue
            look, one = looks[arm], intervals[title]
            axes.plot([100 * one.low, 100 * one.high], [place, place], color=look.colour, linewidth=2)
            fill = look.colour if one.holds else PAPER
            axes.plot(100 * one.value, place, look.marker, color=look.colour, markerfacecolor=fill, markersize=7)
            told = "difference" if one.holds else "no difference shown"
            rows.append((title, arm, 100 * one.value, 100 * one.low, 100 * one.high, told))
        axes.set_title(title, loc="left")
        axes.set_xlabel(x_label)
    row[0].set_yticks(range(len(found)), list(found))
    row[0].set_ylim(len(found) - 0.4, -0.6)
    return figure, Numbers(("", "arm", "difference", "from", "to", ""), tuple(rows), ("+.1f",))


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


def gains(
    ap: Mapping[str, Mapping[str, float]], baseline: str, looks: Mapping[str, Look], x_label: str
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
    axes.set_yticks(range(len(shown)), shown)
    axes.invert_yaxis()
    axes.set_xlabel(x_label)
    axes.set_xlim(-2, 102)
    legend_above(figure, axes)
    rows = tuple(
        (label, *(_percent(values.get(label)) for values in ap.values()), _best(ap, baseline, label)) for label in shown
    )
    return figure, Numbers(("label", *ap, "largest gain"), rows)


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
