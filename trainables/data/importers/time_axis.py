"""Which axis of the feature matrices is time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crescendo.trainables.data.annotations import Recording
from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.data.importers.arrays import Shape, matrix_shape
from crescendo.trainables.data.importers.external import Matrices
from crescendo.trainables.errors import InputError

AXES = ("auto", "0", "1")
HELP = "Axis of the feature matrices that is time: 0 (frames x features), 1 (features x frames), auto: found by length."


class Transposed:
    """`matrices` with their axes exchanged."""

    def __init__(self, matrices: Matrices) -> None:
        self._matrices = matrices

    def __contains__(self, recording: object) -> bool:
        return recording in self._matrices

    def where(self, recording: str) -> str:
        """Return the recording's matrix as messages show it."""
        return self._matrices.where(recording)

    def shape(self, recording: str) -> Shape:
        """Return the shape with its axes exchanged."""
        one = self._matrices.shape(recording)
        return matrix_shape((one.width, one.frames), np.dtype(one.dtype), self.where(recording))

    def read(self, recording: str) -> np.ndarray:
        """Return the transposed matrix, a view."""
        return self._matrices.read(recording).T


def time_axes(
    shapes: Mapping[str, Shape], expected: Mapping[str, float], tolerance: Mapping[str, float]
) -> tuple[int, ...]:
    """Return the axes that can be time.

    One can if, in every recording, its length is the `expected` one within `tolerance`, in frames, and all recordings have
    the same length on the other axis, the features.
    """
    lengths = ({name: one.frames for name, one in shapes.items()}, {name: one.width for name, one in shapes.items()})
    return tuple(
        axis
        for axis in (0, 1)
        if len(set(lengths[1 - axis].values())) == 1
        and all(abs(lengths[axis][name] - expected[name]) <= tolerance[name] for name in shapes)
    )


def time_first(
    matrices: Matrices, recordings: Mapping[str, Recording], fps: float, axis: str
) -> tuple[Matrices, list[str]]:
    """Return the matrices as (frames, features), and what was decided; rows are frames unless only columns can be."""
    expected = {name: one.duration * fps for name, one in recordings.items()}
    tolerance = {name: tolerated_seconds(one.duration) * fps for name, one in recordings.items()}
    shapes = {name: matrices.shape(name) for name in recordings}
    found = axis == "auto" and time_axes(shapes, expected, tolerance) == (1,)
    if axis != "1" and not found:
        return matrices, []
    how = ", found by the lengths" if found else ""
    return Transposed(matrices), [f"features are stored as (features, frames): axis 1 is time{how}"]


def check_axis(axis: str) -> None:
    """Raise `InputError` unless `axis` is one of `AXES`."""
    if axis not in AXES:
        raise InputError(f"--time-axis must be one of {', '.join(AXES)} but got {axis!r:.80}")
