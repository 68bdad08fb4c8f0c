"""One recording on a time axis: frame scores, detections and ground truth, per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from crescendo.reports.charts.chart import Numbers
from crescendo.reports.charts.style import HEAT, INK, PAGE, Look, panels

COLUMNS = 600
OPACITY = 0.75
_TRUTH, _FOUND = 0.40, 0.22
"""Half heights of a row's outline and of the bar in it."""


class Stretch(NamedTuple):
    """Part of a recording, in seconds: a segment, or a detection with its score."""

    label: str
    start: float
    end: float
    score: float | None = None


@dataclass(frozen=True)
class Timeline:
    """What one arm made of a recording: its frame scores (frames, labels), if they were kept, and its detections."""

    scores: np.ndarray | None
    detections: Sequence[Stretch]


def timeline(
    truth: Sequence[Stretch],
    found: Mapping[str, Timeline],
    looks: Mapping[str, Look],
    *,
    labels: Sequence[str],
    fps: float,
) -> tuple[Figure, Numbers]:
    """Draw a panel for each arm with a row for each label that occurs: scores as shade, detections in outlines of truth.

    Parameters
    ----------
    labels
        What the columns of the scores are.
    """
    occurring = {one.label for one in truth}.union(*({one.label for one in arm.detections} for arm in found.values()))
    rows = [label for label in labels if label in occurring] + sorted(occurring.difference(labels))
    rows = rows or ["(no activity)"]
    ends = [one.end for one in truth] + [one.end for arm in found.values() for one in arm.detections]
    ends += [len(arm.scores) / fps for arm in found.values() if arm.scores is not None]
    height = 0.75 + len(found) * (0.32 + 0.155 * len(rows))
    figure, grid = panels(len(found), 1, PAGE, height, sharex=True)
    for [axes], (arm, line) in zip(grid, found.items(), strict=True):
        if line.scores is not None:
            _shade(axes, line.scores, [labels.index(label) if label in labels else None for label in rows], fps)
        _boxes(axes, truth, rows, _TRUTH, facecolor="none", edgecolor=INK, linewidth=0.8)
        _boxes(axes, line.detections, rows, _FOUND, facecolor=looks[arm].colour, edgecolor="none")
        axes.set_title(arm, loc="left", pad=3)
        axes.set_yticks(range(len(rows)), rows, fontsize=7)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False)
        axes.tick_params(axis="y", length=0)
    grid[-1][0].set_xlim(0, max(ends, default=1.0))
    grid[-1][0].set_xlabel("time (s)")
    handles = [
        Patch(facecolor="none", edgecolor=INK, label="ground truth"),
        Patch(facecolor=looks[next(iter(found))].colour, label="detection"),
    ]
    if any(line.scores is not None for line in found.values()):
        handles.append(Patch(facecolor=HEAT, alpha=OPACITY, label="frame score (stronger: higher)"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure, _numbers(truth, found)


def _shade(axes: Axes, scores: np.ndarray, columns: Sequence[int | None], fps: float) -> None:
    """Draw the scores of some labels as the opacity of one colour: it reads on light, on dark and in grey."""
    chosen = np.stack([np.zeros(len(scores)) if column is None else scores[:, column] for column in columns])
    edges = np.linspace(0, len(scores), min(COLUMNS, len(scores)) + 1).astype(int)[:-1]
    coarse = np.maximum.reduceat(chosen.astype(np.float64), edges, axis=1)
    pixels = np.empty((*coarse.shape, 4))
    pixels[..., :3] = to_rgb(HEAT)
    pixels[..., 3] = OPACITY * np.clip(coarse, 0, 1)
    axes.imshow(pixels, extent=(0, len(scores) / fps, len(columns) - 0.5, -0.5), aspect="auto", interpolation="nearest")


def _boxes(axes: Axes, stretches: Sequence[Stretch], rows: Sequence[str], half: float, **options: object) -> None:
    for one in stretches:
        row = rows.index(one.label)
        axes.add_patch(Rectangle((one.start, row - half), one.end - one.start, 2 * half, **options))  # type: ignore[arg-type]


def _numbers(truth: Sequence[Stretch], found: Mapping[str, Timeline]) -> Numbers:
    listed = [("ground truth", *one) for one in truth]
    listed += [(arm, *one) for arm, line in found.items() for one in line.detections]
    columns = ("", "label", "start (s)", "end (s)", "score")
    return Numbers(columns, tuple(listed), ("", "", ".2f", ".2f", ".3f"))
