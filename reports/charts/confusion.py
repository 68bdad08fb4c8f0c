"""The chart of confusion matrices: as what the frames of each label are labelled, under every arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from crescendo.reports.analysis.report_model import ReportModel
from crescendo.reports.analysis.segmental import SegmentalSummary
from crescendo.reports.charts.chart import Chart, LeftOut, Numbers
from crescendo.reports.charts.hover import hover
from crescendo.reports.charts.style import HEAT, PAGE, ArmStyle, panels

LABELS = 20
"""With more labels than these, those with the fewest errors are drawn as one."""

OTHERS = "all others"

_WRITTEN = 14
"""Up to so many rows, cells say their percentage."""


def confusion_matrix(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw each arm's confusion matrix, rows in percent of the label's frames."""
    del looks  # an arm is a panel, not a colour
    name, title = "confusion_matrix", "Confusion matrix: what the frames of each label are taken for"
    found = {arm.name: arm.segmental for arm in model.arms if arm.segmental is not None}
    if not found:
        yield LeftOut(name, title, "no confirmed run has segmental measures; runs of this version have them")
        return
    shown = _shown(list(found.values()))
    tables = {arm: shares(one, shown) for arm, one in found.items()}
    names = [*shown, OTHERS] if len(shown) < len(next(iter(found.values())).labels) else list(shown)
    few = f" The {len(shown)} labels with the most wrong frames are shown; the rest is one." if OTHERS in names else ""
    caption = (
        f"A row for each true label: the percentage of its {model.scored} frames that are labelled as each column says, all "
        f"confirmed trainings of the arm together; right ones lie on the diagonal.{few}"
    )
    rows = tuple(
        (arm, true, predicted, float(100 * table[row, column]))
        for arm, table in tables.items()
        for row, true in enumerate(names)
        for column, predicted in enumerate(names)
        if table[row, column] > 0
    )
    numbers = Numbers(("arm", "true label", "labelled as", "frames (%)"), rows)
    yield Chart(name, title, caption, _draw(tables, names), numbers)


def _shown(found: Sequence[SegmentalSummary]) -> tuple[str, ...]:
    """Return the labels to draw by themselves, in the data set's order: all, or those with the most wrong frames."""
    labels = found[0].labels
    if len(labels) <= LABELS:
        return labels
    wrong = np.zeros(len(labels), dtype=np.int64)
    for one in found:
        mistaken = one.confusion - np.diag(np.diag(one.confusion))
        wrong += mistaken.sum(axis=0) + mistaken.sum(axis=1)
    kept = np.sort(np.argsort(-wrong, kind="stable")[: LABELS - 1])
    return tuple(labels[number] for number in kept.tolist())


def shares(found: SegmentalSummary, shown: Sequence[str]) -> np.ndarray:
    """Return the confusion matrix over `shown` and, where there are more labels, all others; rows are shares of 1.

    A row without frames is 0 throughout.
    """
    size = len(shown) + (len(shown) < len(found.labels))
    place = np.array([shown.index(label) if label in shown else len(shown) for label in found.labels])
    frames = np.zeros((size, size))
    np.add.at(frames, (place[:, None], place[None, :]), found.confusion)
    table: np.ndarray = frames / np.maximum(frames.sum(axis=1, keepdims=True), 1)
    return table


def _draw(tables: Mapping[str, np.ndarray], names: Sequence[str]) -> Figure:
    columns = min(2, len(tables))
    rows = -(-len(tables) // columns)
    figure, grid = panels(rows, columns, PAGE, 0.7 + rows * (1.1 + 0.17 * len(names)), sharex=True, sharey=True)
    cells = [axes for row in grid for axes in row]
    for axes, (arm, table) in zip(cells, tables.items(), strict=False):
        _panel(axes, table, names)
        for place, share in np.ndenumerate(table):
            true, taken = (names[one] for one in place)
            if share > 0:
                told = f"{arm}\n{100 * share:.1f} % of {true}\nlabelled as {taken}"
                hover(axes, told, x=(place[1] - 0.5, place[1] + 0.5), y=(place[0] - 0.5, place[0] + 0.5))
        axes.set_title(arm, loc="left", pad=3)
    for number, axes in enumerate(cells[len(tables) :], len(tables)):
        axes.set_axis_off()
        cells[number - columns].tick_params(labelbottom=True)
    figure.supxlabel("labelled as", fontsize="medium")
    figure.supylabel("true label", fontsize="medium")
    return figure


def _panel(axes: Axes, table: np.ndarray, names: Sequence[str]) -> None:
    pixels = np.empty((*table.shape, 4))
    pixels[..., :3] = to_rgb(HEAT)
    pixels[..., 3] = 0.85 * table
    axes.imshow(pixels, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    if len(names) <= _WRITTEN:
        for row, column in zip(*np.nonzero(table >= 0.005), strict=True):
            axes.text(column, row, f"{100 * table[row, column]:.0f}", ha="center", va="center", fontsize=6.5)
