"""Features that others computed: a matrix per recording, in a file each or in one HDF5 file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crescendo.trainables.data.annotations import Recording
from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.data.importers.arrays import Shape, matrix_shape
from crescendo.trainables.data.recording_names import check_each_its_own
from crescendo.trainables.errors import InputError


class Matrices(Protocol):
    """Feature matrices by recording; `shape` reads no values."""

    def __contains__(self, recording: object) -> bool: ...

    def where(self, recording: str) -> str:
        """Return the recording's matrix as messages show it."""

    def shape(self, recording: str) -> Shape:
        """Return the shape of the recording's matrix, without reading it."""

    def read(self, recording: str) -> np.ndarray:
        """Return the recording's matrix, (frames, width)."""


@dataclass(frozen=True)
class CheckedMatrices:
    """What `write_dataset` needs to know of the matrices before it reads them."""

    frames: Mapping[str, int]
    width: int
    dtype: str
    matrices: Iterator[np.ndarray]


def check_matrices(matrices: Matrices, recordings: Mapping[str, Recording], fps: float, what: str) -> CheckedMatrices:
    """Check the shapes of all matrices and return how to write them; values are read one recording at a time.

    float64 is stored as float32, float32 and float16 as they are. `what` names the source in messages.

    Raises
    ------
    InputError
        If a recording has no matrix, or widths, stored types or lengths (within the tolerance) do not fit.
    """
    check_present(matrices, recordings, what)
    shapes = {name: matrices.shape(name) for name in recordings}
    first_name, first = next(iter(shapes.items()))
    for name, shape in shapes.items():
        if (shape.width, _stored(shape)) != (first.width, _stored(first)):
            raise InputError(
                f"{matrices.where(name)}: has {shape.width} columns of {shape.dtype}, but {first_name!r} has "
                f"{first.width} of {first.dtype}; all must agree"
            )
        expected = recordings[name].duration * fps
        tolerance = tolerated_seconds(recordings[name].duration) * fps
        if not shape.frames or abs(shape.frames - expected) > tolerance:
            raise InputError(
                f"{matrices.where(name)}: has {shape.frames} frames, but {recordings[name].duration:g} s at {fps:g} fps "
                f"are {expected:.1f} (tolerance {tolerance:.1f}); check the fps"
            )
    return CheckedMatrices(
        {name: shape.frames for name, shape in shapes.items()},
        first.width,
        _stored(first),
        _read_all(matrices, shapes),
    )


def check_present(matrices: Matrices, recordings: Mapping[str, object], what: str) -> None:
    """Raise `InputError` unless each of `recordings` has a matrix of its own; `what` names the source."""
    lacking = [name for name in recordings if name not in matrices]
    if lacking:
        raise InputError(
            f"{what}: recording {lacking[0]!r} has no features ({len(lacking)} of {len(recordings)} lack them)"
        )
    check_each_its_own({name: matrices.where(name) for name in recordings}, "file")


def _stored(shape: Shape) -> str:
    return "float16" if shape.dtype == "float16" else "float32"


def _read_all(matrices: Matrices, shapes: Mapping[str, Shape]) -> Iterator[np.ndarray]:
    for name, shape in shapes.items():
        matrix = matrices.read(name)
        if matrix_shape(matrix.shape, matrix.dtype, matrices.where(name)) != shape:
            raise InputError(f"{matrices.where(name)}: changed while it was imported; start again")
        yield matrix
