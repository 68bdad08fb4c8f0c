"""Features brought to the labels of their frames: time is the first axis, and both have the same length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.data.importers.arrays import Shape
from crescendo.trainables.data.importers.external import Matrices
from crescendo.trainables.data.importers.label_vectors import LabelVector
from crescendo.trainables.data.importers.time_axis import Transposed, time_axes
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted


@dataclass(frozen=True)
class Aligned:
    """Matrices (frames, width), the `frames` of each recording, and what was decided."""

    matrices: Matrices
    frames: Mapping[str, int]
    notes: tuple[str, ...]


class _Cut:
    """`matrices`, each cut to its number of `frames`."""

    def __init__(self, matrices: Matrices, frames: Mapping[str, int]) -> None:
        self._matrices, self._frames = matrices, frames

    def __contains__(self, recording: object) -> bool:
        return recording in self._matrices

    def where(self, recording: str) -> str:
        """Return the recording's matrix as messages show it."""
        return self._matrices.where(recording)

    def shape(self, recording: str) -> Shape:
        """Return the shape of what is left."""
        return replace(self._matrices.shape(recording), frames=self._frames[recording])

    def read(self, recording: str) -> np.ndarray:
        """Return what is left."""
        return self._matrices.read(recording)[: self._frames[recording]]


def aligned(
    matrices: Matrices, vectors: Mapping[str, LabelVector], labels: Mapping[str, str], fps: float, axis: str
) -> Aligned:
    """Return the matrices with time as the first axis, cut to their labels, as these are to them.

    `axis` is 0, 1, or `auto`: the axis that agrees with the lengths of all label vectors. `labels` names their files.

    Raises
    ------
    InputError
        If both axes agree, or lengths differ by more than 2 % or 1 s.
    """
    expected = {name: len(vector.codes) for name, vector in vectors.items()}
    tolerance = {name: tolerated_seconds(count / fps) * fps for name, count in expected.items()}
    shapes = {name: matrices.shape(name) for name in expected}
    chosen = _axis(matrices, shapes, expected, tolerance) if axis == "auto" else int(axis)
    notes = [
        f"features are stored as (features, frames): axis 1 is time{', found by the lengths' if axis == 'auto' else ''}"
    ]
    turned = Transposed(matrices) if chosen else matrices
    lengths = {name: turned.shape(name).frames for name in expected}
    for name, count in expected.items():
        if abs(lengths[name] - count) > tolerance[name] or not lengths[name]:
            stored = (shapes[name].frames, shapes[name].width)
            raise InputError(
                f"{matrices.where(name)}: recording {name!r} has {counted(lengths[name], 'frame')} of features (shape {stored}) "
                f"but {counted(count, 'label')} ({labels[name]}), more than {tolerance[name]:.0f} apart; check that both have "
                "the same rate, and --time-axis"
            )
    frames = {name: min(count, lengths[name]) for name, count in expected.items()}
    return Aligned(_Cut(turned, frames), frames, (*notes[: chosen or 0], *_cut(expected, lengths)))


def _axis(
    matrices: Matrices, shapes: Mapping[str, Shape], expected: Mapping[str, int], tolerance: Mapping[str, float]
) -> int:
    fitting = time_axes(shapes, expected, tolerance)
    exact = time_axes(shapes, expected, dict.fromkeys(expected, 0.0))
    meant = exact if len(exact) == 1 else fitting
    if len(meant) == 1:
        return meant[0]
    first = next(iter(shapes))
    if len(meant) == 2:
        raise InputError(
            f"{matrices.where(first)}: which axis is time cannot be told: both of {shapes[first].frames} x {shapes[first].width} "
            f"agree with {counted(expected[first], 'label')}, in every recording; pass --time-axis 0 or 1"
        )
    rows = sum(abs(one.frames - expected[name]) <= tolerance[name] for name, one in shapes.items())
    columns = sum(abs(one.width - expected[name]) <= tolerance[name] for name, one in shapes.items())
    return int(columns > rows)


def _cut(labels: Mapping[str, int], features: Mapping[str, int]) -> list[str]:
    more = {name: count - features[name] for name, count in labels.items() if count != features[name]}
    if not more:
        return []
    longest = max(more, key=lambda name: abs(more[name]))
    return [
        f"{len(more)} of {counted(len(labels), 'recording')} had more labels ({sum(one > 0 for one in more.values())}) or more "
        f"features ({sum(one < 0 for one in more.values())}) than the other and "
        f"{agreeing(len(more), 'was', 'were')} cut to the shorter, by "
        f"{counted(abs(more[longest]), 'frame')} at most ({longest!r:.80})"
    ]
