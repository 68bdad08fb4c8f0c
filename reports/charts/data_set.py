"""What is in a data set, on one page: segments per label, their lengths, and a few recordings on a time axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from crescendo.reports.charts.fonts import families_for
from crescendo.reports.charts.style import INK, MUTED, PAGE, STEPS, styled
from crescendo.trainables.data.annotations import Recording
from crescendo.trainables.data.dataset import SUBSETS, Dataset
from crescendo.trainables.plurals import counted

MOST_LABELS = 40
"""Rows of labels; the rarest of more are left out, which the chart says."""
A_PART = 2
"""Recordings of each part that are shown on a time axis."""
_COLOURS = colormaps["tab20"].colors  # type: ignore[attr-defined]
_OTHERS = "#b5b3ab"
_ROW, _TIMELINE = 0.19, 0.42
"""Inches of a label's row and of a recording's."""


def data_set_figure(dataset: Dataset) -> Figure:
    """Draw the segments per label of each part, the quartiles and extremes of their lengths, and some recordings.

    Of each part those recordings are shown that hold the most different labels (of equal ones the first).
    """
    parts = {subset: found for subset in SUBSETS if (found := _of(dataset, subset))}
    counts = Counter(segment.label for part in parts.values() for one in part.values() for segment in one.segments)
    # Stable: of equally frequent labels those come first that the data set names first.
    labels = sorted(dataset.labels[1:], key=lambda label: -counts[label])[:MOST_LABELS]
    shown = {
        f"{name} ({subset})": recording for subset, part in parts.items() for name, recording in _varied(part).items()
    }
    heights = [max(len(labels), 3) * _ROW + 0.5, *(_TIMELINE for _ in shown)]
    letters = "".join((dataset.metadata.name, *labels, *shown))
    with styled(families_for(letters)):
        figure = Figure(figsize=(PAGE, sum(heights) + 1.6))
        grid = figure.add_gridspec(1 + len(shown), 2, height_ratios=heights, width_ratios=(1, 1))
        left = figure.add_subplot(grid[0, 0])
        _counts(left, parts, labels)
        _lengths(figure.add_subplot(grid[0, 1], sharey=left), parts, labels)
        longest = max((one.duration for one in shown.values()), default=1.0)
        colours = _colours(shown, labels)
        for row, (name, recording) in enumerate(shown.items(), 1):
            axes = figure.add_subplot(grid[row, :])
            _timeline(axes, name, recording, colours, longest, last=row == len(shown))
        handles = [Patch(facecolor=colour, label=label) for label, colour in colours.items()]
        if handles:
            figure.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=7, handlelength=1.2)
        more = len(dataset.labels) - 1 - len(labels)
        left_out = f"; {counted(more, 'rarer label')} {'is' if more == 1 else 'are'} left out" if more > 0 else ""
        figure.suptitle(
            f"{dataset.metadata.name}: {counted(len(dataset.labels) - 1, 'label')}, {dataset.fps:g} frames a second{left_out}",
            x=0.01,
            ha="left",
            fontsize=9,
        )
    return figure


def _of(dataset: Dataset, subset: str) -> dict[str, Recording]:
    return {name: one for name, one in dataset.annotations.recordings.items() if one.subset == subset}


def _counts(axes: Axes, parts: Mapping[str, Mapping[str, Recording]], labels: Sequence[str]) -> None:
    begins = [0] * len(labels)
    for number, (subset, recordings) in enumerate(parts.items()):
        found = Counter(segment.label for one in recordings.values() for segment in one.segments)
        widths = [found[label] for label in labels]
        axes.barh(range(len(labels)), widths, left=begins, height=0.7, color=STEPS[2 * number], label=subset)
        begins = [begin + width for begin, width in zip(begins, widths, strict=True)]
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlabel("segments")
    # Above the bars: within, it would lie on those of the labels below, whose steps are its own colours.
    axes.legend(
        fontsize=7, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(parts), borderaxespad=0.2, handlelength=1.2
    )


def _lengths(axes: Axes, parts: Mapping[str, Mapping[str, Recording]], labels: Sequence[str]) -> None:
    lengths: dict[str, list[float]] = {label: [] for label in labels}
    for recordings in parts.values():
        for one in recordings.values():
            for segment in one.segments:
                if segment.label in lengths and segment.end > segment.start:
                    lengths[segment.label].append(segment.end - segment.start)
    rows = [row for row, label in enumerate(labels) if lengths[label]]
    if rows:
        line = {"color": INK, "linewidth": 0.8}
        axes.boxplot(
            [lengths[labels[row]] for row in rows],
            positions=rows,
            orientation="horizontal",
            whis=(0, 100),
            widths=0.6,
            manage_ticks=False,
            boxprops=line,
            whiskerprops={**line, "color": MUTED},
            capprops={**line, "color": MUTED},
            medianprops={"color": STEPS[3], "linewidth": 1.8},
        )
        axes.set_xscale("log")
        # The usual ones are written in mathematics, which labels are not to be taken for.
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", labelleft=False)
    axes.set_xlabel("seconds (extremes, quartiles, median)")


def _varied(recordings: Mapping[str, Recording]) -> dict[str, Recording]:
    names = sorted(recordings, key=lambda name: -len({segment.label for segment in recordings[name].segments}))
    return {name: recordings[name] for name in names[:A_PART]}


def _colours(shown: Mapping[str, Recording], labels: Sequence[str]) -> dict[str, str]:
    """Return the colours of the labels that occur: twenty of their own, of the most frequent, and one for all others."""
    there = {segment.label for one in shown.values() for segment in one.segments}
    named = [label for label in labels if label in there][: len(_COLOURS)]
    colours = dict(zip(named, _COLOURS, strict=False))
    return {**colours, **({"other labels": _OTHERS} if there - set(named) else {})}


def _timeline(
    axes: Axes, name: str, recording: Recording, colours: Mapping[str, str], longest: float, *, last: bool
) -> None:
    # As frames are labelled: of activities that overlap, the one that started later lies on top.
    segments = sorted(recording.segments, key=lambda segment: segment.start)
    axes.broken_barh(
        [(segment.start, segment.end - segment.start) for segment in segments],
        (-0.45, 0.9),
        facecolors=[colours.get(segment.label, _OTHERS) for segment in segments],
    )
    axes.set_xlim(0, longest)
    axes.set_ylim(-0.5, 0.5)
    axes.axvline(recording.duration, color=MUTED, linewidth=0.8)
    axes.set_yticks([])
    axes.set_title(name, loc="left", fontsize=7, pad=2)
    axes.grid(visible=False)
    axes.tick_params(axis="x", labelbottom=last)
    if last:
        axes.set_xlabel("time (s)")
