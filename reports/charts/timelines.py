"""Recordings on a time axis: frame scores, detections and ground truth, per arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from crescendo.reports.analysis.report_model import RecordingTimeline, ReportModel
from crescendo.reports.charts.chart import Chart, LeftOut, Numbers
from crescendo.reports.charts.hover import hover
from crescendo.reports.charts.style import HEAT, INK, PAGE, ArmStyle, panels

COLUMNS = 600
OPACITY = 0.75
_TRUTH, _DETECTION = 0.40, 0.22
"""Half heights of a row's outline and of the bar in it."""


def timelines(model: ReportModel, looks: Mapping[str, ArmStyle]) -> Iterator[Chart | LeftOut]:
    """Draw each recording of the model."""
    if not model.timelines:
        yield LeftOut("timeline_1", "Timelines of recordings", "no confirmed run has its detections")
    for number, timeline in enumerate(model.timelines, 1):
        scored = ", shades the label's frame scores." if timeline.scores else "; these runs kept no frame scores."
        caption = (
            f"Seed {timeline.seed}. A row for each label that occurs: outlines are the ground truth, bars the detections "
            f"after merging{scored}"
        )
        figure = _draw(timeline, looks, timeline.labels or model.labels)
        title = f"Timeline of {timeline.recording}"
        yield Chart(f"timeline_{number}", title, caption, figure, _numbers(timeline))


def _draw(timeline: RecordingTimeline, looks: Mapping[str, ArmStyle], labels: Sequence[str]) -> Figure:
    """Draw a panel for each arm with a row for each label that occurs: scores as shade, detections in outlines of truth.

    Parameters
    ----------
    labels
        What the columns of the scores are.
    """
    rows = _rows(timeline, labels)
    height = 0.75 + len(timeline.detections) * (0.32 + 0.155 * len(rows))
    figure, grid = panels(len(timeline.detections), 1, PAGE, height, sharex=True)
    scores = timeline.scores if timeline.fps else {}
    for [axes], (arm, detections) in zip(grid, timeline.detections.items(), strict=True):
        if arm in scores:
            columns = [labels.index(label) if label in labels else None for label in rows]
            _shade(axes, scores[arm], columns, timeline.fps or 1.0)
        _boxes(axes, timeline.truth, rows, _TRUTH, facecolor="none", edgecolor=INK, linewidth=0.8)
        _boxes(axes, detections, rows, _DETECTION, facecolor=looks[arm].colour, edgecolor="none")
        for label, start, end in timeline.truth:
            row = rows.index(label)
            hover(
                axes,
                f"ground truth\n{label}, {start:.2f} to {end:.2f} s",
                x=(start, end),
                y=(row - _TRUTH, row + _TRUTH),
            )
        for label, start, end, score in detections:
            row = rows.index(label)
            told = f"{arm}, score {score:.3f}\n{label}, {start:.2f} to {end:.2f} s"
            hover(axes, told, x=(start, end), y=(row - _DETECTION, row + _DETECTION))
        axes.set_title(arm, loc="left", pad=3)
        axes.set_yticks(range(len(rows)), rows, fontsize=7)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False)
        axes.tick_params(axis="y", length=0)
    grid[-1][0].set_xlim(0, _end(timeline))
    grid[-1][0].set_xlabel("time (s)")
    first = looks[next(iter(timeline.detections))]
    handles = [
        Patch(facecolor="none", edgecolor=INK, label="ground truth"),
        Patch(facecolor=first.colour, label="detection"),
    ]
    if scores:
        handles.append(Patch(facecolor=HEAT, alpha=OPACITY, label="frame score (stronger: higher)"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _rows(timeline: RecordingTimeline, labels: Sequence[str]) -> list[str]:
    """Return the labels that occur: in the order of `labels`, then any others."""
    occurring = {segment[0] for segment in timeline.truth}
    occurring |= {detection[0] for detections in timeline.detections.values() for detection in detections}
    rows = [label for label in labels if label in occurring] + sorted(occurring.difference(labels))
    return rows or ["(no activity)"]


def _end(timeline: RecordingTimeline) -> float:
    ends = [segment[2] for segment in timeline.truth]
    ends += [detection[2] for detections in timeline.detections.values() for detection in detections]
    if timeline.fps:
        ends += [len(scores) / timeline.fps for scores in timeline.scores.values()]
    return max(ends, default=1.0)


def _shade(axes: Axes, scores: np.ndarray, columns: Sequence[int | None], fps: float) -> None:
    """Draw the scores of some labels as the opacity of one colour: it reads on light, on dark and in grey."""
    chosen = np.stack([np.zeros(len(scores)) if column is None else scores[:, column] for column in columns])
    edges = np.linspace(0, len(scores), min(COLUMNS, len(scores)) + 1).astype(int)[:-1]
    coarse = np.maximum.reduceat(chosen.astype(np.float64), edges, axis=1)
    pixels = np.empty((*coarse.shape, 4))
    pixels[..., :3] = to_rgb(HEAT)
    pixels[..., 3] = OPACITY * np.clip(coarse, 0, 1)
    axes.imshow(pixels, extent=(0, len(scores) / fps, len(columns) - 0.5, -0.5), aspect="auto", interpolation="nearest")


def _boxes(
    axes: Axes,
    spans: Sequence[tuple[str, float, float] | tuple[str, float, float, float]],
    rows: Sequence[str],
    half: float,
    **options: object,
) -> None:
    for label, start, end, *_ in spans:
        row = rows.index(label)
        axes.add_patch(Rectangle((start, row - half), end - start, 2 * half, **options))  # type: ignore[arg-type]


def _numbers(timeline: RecordingTimeline) -> Numbers:
    truth = [("ground truth", *segment, None) for segment in timeline.truth]
    detected = [(arm, *one) for arm, detections in timeline.detections.items() for one in detections]
    columns = ("arm", "label", "start (s)", "end (s)", "score")
    return Numbers(columns, (*truth, *detected), ("", "", ".2f", ".2f", ".3f"))
