"""Synthetic videos: activities that can be told apart by sight, and videos with quirks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import SUBSETS
from crescendo.trainables.data.importers.base import Reporter, SilentReporter
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_directory
from crescendo.trainables.storage.json_files import write_json
from crescendo.trainables.video.decoding import require_av
from crescendo.trainables.video.encoding import write_video

RATE = Fraction(25)
_RECORDINGS, _LARGEST = 100_000, 4320
ACTIVITY_SECONDS = (3.0, 6.0)
BACKGROUND_SECONDS = (1.5, 4.0)

ODD = ("odd_variable_rate", "odd_rotated", "odd_size", "odd_sound", "odd_truncated", "odd_empty", "odd_text")

Pattern = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _waves(values: np.ndarray) -> np.ndarray:
    waves: np.ndarray = np.sin(2 * np.pi * values)
    return waves


# In units of the pattern's period, from the centre of the picture; positive where the first colour is.
PATTERNS: dict[str, Pattern] = {
    "stripes_lying": lambda x, y: _waves(y),
    "stripes_standing": lambda x, y: _waves(x),
    "stripes_slanting": lambda x, y: _waves((x + y) / np.sqrt(2)),
    "rings": lambda x, y: _waves(np.hypot(x, y)),
    "checks": lambda x, y: _waves(x / 1.5) * _waves(y / 1.5),
    "dots": lambda x, y: 8 * (0.1 - (np.mod(x, 1.0) - 0.5) ** 2 - (np.mod(y, 1.0) - 0.5) ** 2),
}


@dataclass(frozen=True)
class _Scene:
    """A stretch of a video: `label` (an index of `PATTERNS`, or None) for `seconds`."""

    label: int | None
    seconds: float


def synthesize_videos(
    destination: Path | str,
    *,
    seed: int = 0,
    recordings: int = 8,
    labels: int = 4,
    size: int = 96,
    odd: bool = False,
    reporter: Reporter | None = None,
) -> Annotations:
    """Write a folder of videos and their `annotations.json`; the same arguments give the same pictures.

    A video holds one or two activities between stretches of background. An activity is a moving pattern (stripes that
    lie, stand or slant, rings, checks, dots) in two colours, of a period, a speed and a direction drawn anew each time,
    so that only the pattern tells which activity it is. Background is clouds of colour.

    Parameters
    ----------
    recordings
        Training videos; validation and test have half as many each (at least one).
    labels
        Activities, at most six.
    size
        Height in pixels; the width is 4/3 of it.
    odd
        Also write training videos with quirks: `odd_variable_rate`, `odd_rotated` (a flag says to turn it by 90 degrees),
        `odd_size` (odd width and height), `odd_sound` (with a sound track), and broken ones: `odd_truncated`, `odd_empty`
        (no byte), `odd_text` (text called .mp4).

    Raises
    ------
    InputError
        If a number is out of range, PyAV is not installed, or `destination` exists.
    """
    require_av()
    reporter = reporter or SilentReporter()
    sized = 1 <= recordings <= _RECORDINGS and 24 <= size <= _LARGEST and not size % 12
    if not sized or not 1 <= labels <= len(PATTERNS) or seed < 0:
        raise InputError(
            f"recordings must be from 1 to {_RECORDINGS:,}, labels 1 to {len(PATTERNS)}, size a multiple of 12 from 24 to "
            f"{_LARGEST}, seed 0 or more but got {recordings}, {labels}, {size} and {seed}"
        )
    sizes = dict(zip(SUBSETS, (recordings, max(1, recordings // 2), max(1, recordings // 2)), strict=True))
    names = [(subset, f"{subset}_{number:03d}") for subset, count in sizes.items() for number in range(count)]
    if odd:
        names += [("training", name) for name in ODD]
    annotated = {}
    with atomic_directory(destination) as folder:
        for number, (subset, name) in enumerate(reporter.track(names, len(names), "making videos")):
            generator = np.random.default_rng([seed, number])
            scenes = _scenes(generator, number, labels)
            annotated[name] = _recording(subset, scenes)
            path, shape = folder / f"{name}.mp4", (size, size * 4 // 3)
            if name in ODD:
                _write_odd(name, path, generator, scenes, shape)
            else:
                _plain(path, generator, scenes, shape)
        annotations = Annotations(annotated)
        write_json(folder / "annotations.json", annotations.to_json())
    return annotations


def _recording(subset: str, scenes: list[_Scene]) -> Recording:
    segments, time = [], 0.0
    names = list(PATTERNS)
    for scene in scenes:
        if scene.label is not None:
            segments.append(Segment(names[scene.label], round(time, 3), round(time + scene.seconds, 3)))
        time += scene.seconds
    return Recording(subset, round(time, 3), tuple(segments))


def _scenes(generator: np.random.Generator, number: int, labels: int) -> list[_Scene]:
    """Return background, activity, background, ...; every label comes up equally often over the videos."""
    activities = 1 + number % 2
    before = number + number // 2  # activities in the videos before: one and two in turn
    scenes = []
    for place in range(2 * activities + 1):
        active = place % 2 == 1
        length = float(generator.uniform(*(ACTIVITY_SECONDS if active else BACKGROUND_SECONDS)))
        label = (before + place // 2) % labels if active else None
        scenes.append(_Scene(label, round(length * float(RATE)) / float(RATE)))
    return scenes


def _pictures(
    generator: np.random.Generator, scenes: list[_Scene], times: Iterable[float], height: int, width: int
) -> Iterator[np.ndarray]:
    """Yield the picture of every time, (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width] - np.array([height / 2, width / 2])[:, None, None]
    clock = iter(times)
    time = next(clock, None)
    begins = 0.0
    patterns = list(PATTERNS.values())
    for scene in scenes:
        colours = _colours(generator)
        period = generator.uniform(1 / 6, 1 / 3.5) * height
        speed, direction = generator.uniform(0.5, 1.5) * period, generator.uniform(0, 2 * np.pi)
        move = speed * np.array([np.cos(direction), np.sin(direction)])
        clouds = _clouds(generator, height, width)
        while time is not None and time < begins + scene.seconds - 1e-9:
            dx, dy = move * (time - begins)
            if scene.label is None:
                mix = np.roll(clouds, (round(dx), round(dy)), axis=(0, 1))
            else:
                mix = np.clip(0.5 + 2 * patterns[scene.label]((x - dx) / period, (y - dy) / period), 0, 1)
            picture = colours[0] + mix[..., None] * (colours[1] - colours[0])
            grain = generator.normal(0, 4, size=picture.shape)
            yield np.clip(picture + grain, 0, 255).astype(np.uint8)
            time = next(clock, None)
        begins += scene.seconds


def _colours(generator: np.random.Generator) -> np.ndarray:
    """Return two colours, (2, 3), one clearly lighter than the other."""
    dark = generator.uniform(0, 110, size=3)
    return np.stack([dark, np.minimum(dark + generator.uniform(90, 145, size=3), 255)])


def _clouds(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return a smooth random field between 0 and 1, (height, width), that wraps around."""
    rows, columns = np.fft.fftfreq(height) * height, np.fft.fftfreq(width) * width
    spectrum = np.fft.fft2(generator.standard_normal((height, width))) * np.exp(
        -(rows[:, None] ** 2 + columns**2) / (2 * 2.5**2)
    )
    field = np.fft.ifft2(spectrum).real
    clouds: np.ndarray = (field - field.min()) / np.ptp(field)
    return clouds


def _length(scenes: list[_Scene]) -> float:
    return sum(scene.seconds for scene in scenes)


def _plain(
    path: Path,
    generator: np.random.Generator,
    scenes: list[_Scene],
    size: tuple[int, int],
    *,
    sideways: bool = False,
    **options: Any,
) -> None:
    """Write the video of `scenes` at `RATE`; `sideways` stores it so that it must be turned by 90 degrees."""
    stamps = range(round(_length(scenes) * float(RATE)))
    pictures = _pictures(generator, scenes, (stamp / float(RATE) for stamp in stamps), *size)
    if sideways:
        pictures = (np.ascontiguousarray(np.rot90(picture, -1)) for picture in pictures)
        options["rotation"] = 90
    write_video(path, zip(stamps, pictures, strict=True), time_base=1 / RATE, **options)


def _variable_rate(path: Path, generator: np.random.Generator, scenes: list[_Scene], size: tuple[int, int]) -> None:
    end = round(_length(scenes) * 1000)
    steps = np.cumsum(generator.integers(15, 120, size=end // 15)).tolist()  # milliseconds
    stamps = [stamp for stamp in (0, *steps) if stamp < end]
    pictures = _pictures(generator, scenes, (stamp / 1000 for stamp in stamps), *size)
    write_video(path, zip(stamps, pictures, strict=True), time_base=Fraction(1, 1000))


def _write_odd(
    name: str, path: Path, generator: np.random.Generator, scenes: list[_Scene], size: tuple[int, int]
) -> None:
    height, width = size
    match name:
        case "odd_variable_rate":
            _variable_rate(path, generator, scenes, size)
        case "odd_rotated":
            _plain(path, generator, scenes, (width, height), sideways=True)
        case "odd_size":
            _plain(path, generator, scenes, (height + 1, width + 1))
        case "odd_sound":
            _plain(path, generator, scenes, size, sound_seconds=_length(scenes))
        case "odd_truncated":
            _plain(path, generator, scenes, size, whole_head=True)
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
        case "odd_empty":
            path.touch()
        case _:
            path.write_text("This is no video.\n", encoding="utf-8")
