"""How charts look: colours that colour-blind readers tell apart, markers and dashes that survive grey, fixed bytes."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from crescendo.reports.charts.fonts import FIRST, LAST
from crescendo.reports.charts.hover import HoverFigure
from crescendo.trainables.text import visible

# Ink and colour on paper -> on a dark screen. The page gives each pair a CSS variable, so its charts follow its theme.
INK, MUTED, GRID, PAPER = "#1f1e1c", "#66645d", "#dddbd2", "#ffffff"
BASELINE = "#4a4a4a"
ARMS = ("#2a78d6", "#e0600f", "#0a9c74", "#6b2fa0", "#c99a00")
STEPS = ("#9ec5f4", "#6ba3e8", "#3f82d1", "#235fa6", "#123c70")
# Shades are stored as pixels, which cannot follow a theme: a grey that stands out from either ground.
HEAT = "#8c8a82"
DARK = {
    INK: "#ecebe4",
    MUTED: "#a5a39a",
    GRID: "#3a3a37",
    PAPER: "#1b1b1a",
    BASELINE: "#e4e3dc",
    **dict(zip(ARMS, ("#3f8ae0", "#e86a2c", "#1f9d78", "#cba6ff", "#f2d04e"), strict=True)),
    **dict(zip(STEPS, ("#1f5390", "#2f72bd", "#5595de", "#8bbcf2", "#cfe4ff"), strict=True)),
}
MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">")
DASHES = ((0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)), (0, (8, 2)), (0, (4, 1, 1, 1, 1, 1)), "-")

_TAG = re.compile(r"<[^>]*>")

Bounds = tuple[float, float]
PERCENT: Bounds = (0, 100)
POINTS: Bounds = (-100, 100)
"""What shares in percent, and differences of two in points, lie within."""

COLUMN, PAGE = 5.0, 7.2
"""Widths in inches: of one panel, and of several side by side."""

_SETTINGS: Any = {
    "svg.hashsalt": "crescendo",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label may hold a dollar sign
    "pdf.fonttype": 42,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class ArmStyle:
    """How an arm is drawn, the same in every chart."""

    colour: str
    marker: str
    dashes: str | tuple[int, tuple[float, ...]]


def looks(arms: Sequence[str], baseline: str) -> dict[str, ArmStyle]:
    """Return arm -> look: the baseline grey and solid, the others in the palette's order.

    Colours, markers and dashes come round after 5, 8 and 7 arms, so that no two of 280 look the same.
    """
    others = [arm for arm in arms if arm != baseline]
    found = {
        arm: ArmStyle(ARMS[number % len(ARMS)], MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)])
        for number, arm in enumerate(others)
    }
    return {arm: found.get(arm, ArmStyle(BASELINE, "o", "-")) for arm in arms}


@contextmanager
def styled(families: Sequence[str] = (FIRST, LAST)) -> Iterator[None]:
    """Draw and save within this, in fonts of these `families`, whatever the user's matplotlib settings are."""
    with mpl.rc_context(), warnings.catch_warnings():
        # They name lines of source; what a reader can use of them, `fonts.lacking_letters` tells.
        warnings.simplefilter("ignore")
        mpl.rcdefaults()
        mpl.rcParams.update({**_SETTINGS, "font.family": list(families)})
        yield


def panels(rows: int, columns: int, width: float, height: float, **options: object) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure of `width` x `height` inches and its grid of axes; needs no screen and leaves no global state."""
    figure = HoverFigure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False, **options)  # type: ignore[call-overload]
    return figure, [list(row) for row in grid]


def within(axes: Axes, *, x: Bounds | None = None, y: Bounds | None = None) -> None:
    """End the axes where what they show ends, such as at 0 and 100 %; lines and markers on the edge are drawn whole."""
    for bounds, limits, set_limits in ((x, axes.get_xlim(), axes.set_xlim), (y, axes.get_ylim(), axes.set_ylim)):
        if bounds is not None:
            low, high = (min(max(one, bounds[0]), bounds[1]) for one in limits)
            set_limits(low, high)
    for line in axes.lines:
        line.set_clip_on(False)


def legend_above(figure: Figure, axes: Axes) -> None:
    """Name every line of `axes` once, above all panels, in as many columns as there is room for."""
    handles, names = axes.get_legend_handles_labels()
    # Inches of a handle with its gaps, and of a letter.
    column = 0.75 + 0.075 * max(map(len, names))
    columns = min(max(int(figure.get_figwidth() / column), 1), len(names))
    figure.legend(handles, names, loc="outside upper left", ncols=columns, handlelength=2.6)


def image(figure: Figure, kind: str) -> bytes:
    """Return the figure as `svg`, `pdf` or `png`; the same figure gives the same bytes."""
    stamps: dict[str, dict[str, str | None]] = {
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    stream = io.BytesIO()
    with styled(), mpl.rc_context({"figure.constrained_layout.use": False}):
        if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
            # It lays out again at every drawing, each time from where the last one ended.
            figure.draw_without_rendering()
            # Not "none", which is an engine, too: for one matplotlib draws twice, the first time to lay out.
            figure.set_layout_engine(None)
        figure.savefig(stream, format=kind, metadata=stamps[kind])
    # XML has no way to write a control character that stands in a label.
    return visible(stream.getvalue().decode()).encode() if kind == "svg" else stream.getvalue()


def themed_svg(svg: bytes, name: str, description: str) -> str:
    """Return a figure's `image`, an SVG, as an `<svg>` element for the page.

    Its colours are the CSS variables of `theme`, its ids begin with `name`, it scales with its box and says what it shows.
    """
    text = svg.decode()
    text = text[text.index("<svg") :].rstrip()
    used = {one for tag in _TAG.findall(text) for one in re.findall(r'(?:href="#|url\(#)([^")]*)', tag)}
    # Labels stand between the tags, and may look like an id or a colour.
    text = _TAG.sub(lambda tag: _themed(tag.group(), name, used), text)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="([^"]*)"', head)
    if box is None:
        raise AssertionError("matplotlib's svg has no size")
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-label="{description}" viewBox="{box.group(1)}">{body}'
    )


def _themed(tag: str, name: str, used: Collection[str]) -> str:
    """Return a tag with the ids that are `used`, which then begin with `name`, and with variables for colours."""
    tag = re.sub(r' id="([^"]*)"', lambda found: found.group(0) if found.group(1) in used else "", tag)
    tag = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", tag)
    for colour in DARK:
        tag = tag.replace(colour, f"var(--{colour[1:]})")
    return tag


def theme() -> tuple[str, str]:
    """Return the CSS declarations of the charts' colours, light and dark."""
    light = " ".join(f"--{colour[1:]}: {colour};" for colour in DARK)
    dark = " ".join(f"--{colour[1:]}: {there};" for colour, there in DARK.items())
    return light, dark
