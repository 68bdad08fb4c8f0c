"""Features that others computed: a matrix per recording, in a file each or in one HDF5 file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

import numpy as np

from crescendo.trainables.data.annotations import Recording, listed
from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.data.importers.arrays import Shape, matrix_shape
from crescendo.trainables.data.recording_names import check_each_its_own
from crescendo.trainables.data.store import check_finite
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted


class Matrices(Protocol):
    """Feature matrices by recording; `shape` reads no values."""

    def __contains__(self, recording: object) -> bool: ...

    def where(self, recording: str) -> str:
        """Return the recording's matrix as messages show it."""

    def shape(self, recording: str) -> Shape:
        """Return the shape of the recording's matrix, without reading it."""

    def read(self, recording: str) -> np.ndarray:
        """Return the recording's matrix, (frames, width)."""


class Features(Matrices, Protocol):
    """Matrices where they lie, among others perhaps."""

    def sought(self, recording: str) -> str:
        """Return what a recording's features are looked for as."""

    def unused(self, recordings: Iterable[str]) -> list[str]:
        """Return the names of what may hold features and stands for none of `recordings`, sorted."""


@dataclass(frozen=True)
class CheckedMatrices:
    """What `write_dataset` needs to know of the matrices before it reads them, and what to say of them, in lines."""

    frames: Mapping[str, int]
    width: int
    dtype: str
    matrices: Iterator[np.ndarray]
    notes: tuple[str, ...]


def check_widths(matrices: Matrices, recordings: Iterable[str]) -> int:
    """Return how many features a frame has; `InputError` if that differs, as where one matrix lies the other way round."""
    shapes = {name: matrices.shape(name) for name in recordings}
    [(width, _)] = Counter(shape.width for shape in shapes.values()).most_common(1)
    first = next(name for name, shape in shapes.items() if shape.width == width)
    for name, shape in shapes.items():
        if shape.width != width:
            do = "its axes seem to be exchanged; transpose it" if shape.frames == width else "all must have the same"
            raise InputError(
                f"{matrices.where(name)}: has {counted(shape.width, 'feature')} a frame, but {first!r} has {width}; {do}"
            )
    return width


def check_matrices(matrices: Matrices, recordings: Mapping[str, Recording], fps: float) -> CheckedMatrices:
    """Check the shapes of all matrices, which are there, and return how to write them; values are read one by one.

    They are stored as float16 if all are that, else as float32.

    Raises
    ------
    InputError
        If widths or lengths (within the tolerance) do not fit.
    """
    shapes = {name: matrices.shape(name) for name in recordings}
    for name, shape in shapes.items():
        _check_length(matrices.where(name), shape, recordings[name].duration, fps)
    width = check_widths(matrices, recordings)
    kinds = dict.fromkeys(shape.dtype for shape in shapes.values())
    stored = "float16" if list(kinds) == ["float16"] else "float32"
    others = [kind for kind in kinds if kind != stored]
    kept = (f"features of type {' and '.join(others)} are stored as {stored}",) if others else ()
    return CheckedMatrices(
        {name: shape.frames for name, shape in shapes.items()},
        width,
        stored,
        _read_all(matrices, shapes, stored),
        (*_differing(shapes, recordings, fps), *kept),
    )


def _differing(shapes: Mapping[str, Shape], recordings: Mapping[str, Recording], fps: float) -> list[str]:
    """Return a line on the matrices that are a frame or more longer or shorter than their recording, if there are any."""
    more = {name: shape.frames - recordings[name].duration * fps for name, shape in shapes.items()}
    more = {name: frames for name, frames in more.items() if abs(frames) >= 1}
    if not more:
        return []
    widest = max(more, key=lambda name: abs(more[name]))
    return [
        f"{len(more)} of {counted(len(shapes), 'recording')} {agreeing(len(more), 'has', 'have')} more "
        f"({sum(one > 0 for one in more.values())}) or fewer ({sum(one < 0 for one in more.values())}) frames of features than "
        f"their duration says, by {abs(more[widest]):.3g} at most ({widest!r:.80}), within the tolerance; check the fps if "
        "they should not"
    ]


def _check_length(where: str, shape: Shape, duration: float, fps: float) -> None:
    expected, tolerance = duration * fps, tolerated_seconds(duration) * fps
    if shape.frames and abs(shape.frames - expected) <= tolerance:
        return
    size = f"{where}: has {counted(shape.frames, 'frame')} of {counted(shape.width, 'feature')}"
    long = f"{duration:g} s at {fps:g} fps are {expected:.1f} (tolerance {tolerance:.1f})"
    if abs(shape.width - expected) <= tolerance:
        raise InputError(
            f"{size}, but {long}, which its other axis agrees with: its axes seem to be exchanged; transpose it, or the "
            "axes of all with --time-axis"
        )
    raise InputError(f"{size}, but {long}; check the fps, and the duration in the annotations")


def check_present(features: Features, recordings: Mapping[str, object], what: str) -> None:
    """Raise `InputError` unless each of `recordings` has a matrix of its own; `what` names the source."""
    lacking = [name for name in recordings if name not in features]
    if lacking:
        others = features.unused(recordings)
        near = get_close_matches(lacking[0], others, n=3) or others
        found = f"left over are {listed(near)}" if near else "no such file is left over"
        raise InputError(
            f"{what}: recording {lacking[0]!r} has no features ({len(lacking)} of {len(recordings)} lack them): looked for "
            f"{features.sought(lacking[0])}; {found}"
        )
    check_each_its_own({name: features.where(name) for name in recordings}, "file")


def without_recording(features: Features, recordings: Mapping[str, object], apart: Collection[str] = ()) -> list[str]:
    """Return a line on what could hold features but belongs to none of `recordings`, if there is any; not files `apart`."""
    unused = [name for name in features.unused(recordings) if name not in apart]
    if not unused:
        return []
    return [f"features that belong to no annotated recording are left out: {len(unused):,}: {listed(unused)}"]


def _read_all(matrices: Matrices, shapes: Mapping[str, Shape], stored: str) -> Iterator[np.ndarray]:
    for name, shape in shapes.items():
        matrix = matrices.read(name)
        if matrix_shape(matrix.shape, matrix.dtype, matrices.where(name)) != shape:
            raise InputError(f"{matrices.where(name)}: changed while it was imported; start again")
        yield check_finite(matrix, stored, f"{matrices.where(name)}: recording {name!r}")
