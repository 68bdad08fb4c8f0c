"""Contact sheets: the sampled frames of a video on one picture, with their time stamps and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from crescendo.trainables.data.annotations import Recording
from crescendo.trainables.data.frames import BACKGROUND, frame_labels, seconds
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.text import visible
from crescendo.trainables.video.backbones import Preparation
from crescendo.trainables.video.decoding import sampled_frames

_COLUMNS = 8
_SIDE = 160
_CAPTION = 18
_MARGIN = 6
_INK, _PAPER, _FAINT = (20, 20, 20), (255, 255, 255), (110, 110, 110)
# A label's colour, by its order among those of the recording; readable on white.
_COLOURS = ((176, 58, 46), (31, 97, 141), (30, 132, 73), (125, 60, 152), (156, 100, 12), (17, 122, 101))


def chosen_frames(total: int, most: int) -> np.ndarray:
    """Return the numbers of at most `most` of `total` frames, spread evenly from the first on, (n,) int64."""
    return np.unique(np.floor(np.arange(min(total, most)) * total / max(1, min(total, most))).astype(np.int64))


def draw_contact_sheet(
    video: Path,
    title: str,
    target: Path,
    *,
    fps: float,
    preparation: Preparation,
    recording: Recording | None = None,
    most: int = 48,
) -> None:
    """Write a PNG of up to `most` frames of `video`, exactly as a network is shown them, to `target`.

    Below each frame: the second of its centre and, where a `recording` is given, its label.

    Raises
    ------
    InputError
        If the video is broken.
    """
    # Two passes: how many frames there are is only known at the end, and all of them may not fit into memory.
    total = sum(1 for _ in sampled_frames(video, fps, preparation.at(8)))
    numbers = chosen_frames(total, most)
    wanted = set(numbers.tolist())
    frames = [one for number, one in enumerate(sampled_frames(video, fps, preparation)) if number in wanted]
    labels = None if recording is None else _labels(recording, total, fps)
    heading = f"{title}: {len(frames)} of {counted(total, 'frame')} at {fps:g} a second, {preparation.size} x {preparation.size}"
    _sheet(heading, frames, numbers, labels, fps).save(target, "PNG", optimize=True)


def _labels(recording: Recording, frames: int, fps: float) -> list[str]:
    names = [BACKGROUND, *dict.fromkeys(segment.label for segment in recording.segments)]
    index = {name: number for number, name in enumerate(names)}
    return [names[number] for number in frame_labels(recording.segments, frames, fps, index)]


def _sheet(
    heading: str, frames: Sequence[np.ndarray], numbers: np.ndarray, labels: Sequence[str] | None, fps: float
) -> Image.Image:
    if not frames:
        raise InputError(f"{heading}: nothing to draw")
    lines = 1 if labels is None else 2
    step = _SIDE + lines * _CAPTION + _MARGIN
    columns = min(_COLUMNS, len(frames))
    width = max(columns * (_SIDE + _MARGIN) + _MARGIN, 5 * (_SIDE + _MARGIN))
    sheet = Image.new("RGB", (width, 2 * _CAPTION + math.ceil(len(frames) / columns) * step + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(15), ImageFont.load_default(12)
    draw.text((_MARGIN, _MARGIN), _fitted(draw, heading, large, width - 2 * _MARGIN), _INK, large)
    colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(_activities(labels))}
    for place, (number, frame) in enumerate(zip(numbers.tolist(), frames, strict=True)):
        x = _MARGIN + place % columns * (_SIDE + _MARGIN)
        y = 2 * _CAPTION + place // columns * step
        picture = Image.fromarray(np.ascontiguousarray(np.moveaxis(frame, 0, -1)))
        sheet.paste(picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (x, y))
        draw.text((x, y + _SIDE + 2), f"{seconds(number + 0.5, fps):.2f} s", _INK, small)
        if labels is not None:
            label = labels[number]
            colour = colours.get(label, _FAINT)
            text = _fitted(draw, label, small, _SIDE)
            draw.text((x, y + _SIDE + _CAPTION), text, colour, small)
            if label in colours:
                draw.rectangle((x, y, x + _SIDE - 1, y + _SIDE - 1), outline=colour, width=3)
    return sheet


def _activities(labels: Sequence[str] | None) -> list[str]:
    return [name for name in dict.fromkeys(labels or ()) if name != BACKGROUND]


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    text = visible(" ".join(text.split()))
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "...", font) > width:
        text = text[:-1]
    return text + "..."
