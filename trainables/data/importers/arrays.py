"""What is known of arrays in files before their values are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted

_WIDEST = 2**24
_FLOATS = ("float16", "float32", "float64")


class Announced(NamedTuple):
    """Size and type of an array; the type is `object` where it is nothing that is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class ArrayFile(Protocol):
    """A file's arrays, by name."""

    @property
    def announced(self) -> Mapping[str, Announced]:
        """What there is; of a table, the columns."""

    def read(self, name: str) -> np.ndarray:
        """Return the values of the array `name`."""


@dataclass(frozen=True)
class Shape:
    """Size and type of a recording's feature matrix."""

    frames: int
    width: int
    dtype: str


def matrix_shape(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> Shape:
    """Return the shape of a feature matrix; `InputError` if it is none."""
    if len(shape) != 2 or not shape[1] or not (dtype.name in _FLOATS or dtype.kind in "iu"):
        raise InputError(
            f"{where}: has shape {shape} and dtype {dtype}; expected (frames, features) of {', '.join(_FLOATS)} or whole numbers"
        )
    if shape[1] > _WIDEST:
        raise InputError(f"{where}: has {counted(shape[1], 'column')}, more than the {_WIDEST:,} that are kept")
    return Shape(shape[0], shape[1], dtype.name)
