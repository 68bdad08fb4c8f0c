"""Features that others computed: a matrix per recording in `.npy` or `.npz` files, or in one HDF5 file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

import h5py
import numpy as np

from crescendo.trainables.data.annotations import Recording
from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.data.importers.raw_files import RawFiles, check_packed
from crescendo.trainables.data.npy import npy_header, read_npy
from crescendo.trainables.data.recording_names import FileNames, check_each_its_own
from crescendo.trainables.errors import InputError
from crescendo.trainables.reading import check_plain

_WIDEST = 2**24
_DAMAGED = "damaged or not a plain matrix"


@dataclass(frozen=True)
class Shape:
    """Size and type of a stored matrix, known before its values are read."""

    frames: int
    width: int
    dtype: str


class Matrices(Protocol):
    """Feature matrices by recording; `shape` reads no values."""

    def __contains__(self, recording: object) -> bool: ...

    def where(self, recording: str) -> str:
        """Return the recording's matrix as messages show it."""

    def shape(self, recording: str) -> Shape:
        """Return the shape of the recording's matrix, without reading it."""

    def read(self, recording: str) -> np.ndarray:
        """Return the recording's matrix, (frames, width)."""


class NumpyFiles:
    """One `.npy` file, or `.npz` file of one matrix, per recording, named like it (or `v_` and its name)."""

    def __init__(self, files: RawFiles) -> None:
        """Look for matrices anywhere in `files`; `InputError` if two belong to one recording."""
        self._files = files
        self._names: dict[str, str] = {}
        for name in files.names:
            path = PurePosixPath(name)
            if path.suffix.lower() in (".npy", ".npz"):
                if path.stem in self._names:
                    raise InputError(f"{files.path}: {self._names[path.stem]} and {name} stand for the same recording")
                self._names[path.stem] = name
        self._stems = FileNames(self._names)

    def __contains__(self, recording: object) -> bool:
        return bool(self._stems.of(str(recording)))

    def _name(self, recording: str) -> str:
        return self._names[self._stems.of(recording)[0]]

    def where(self, recording: str) -> str:
        """Return the path of the recording's file."""
        return self._files.where(self._name(recording))

    def shape(self, recording: str) -> Shape:
        """Return the shape that the file's header gives."""
        if self._name(recording).lower().endswith(".npz"):
            return _shape(self.read(recording), self.where(recording))
        with self._files.open(self._name(recording)) as file, _plain_matrix(self.where(recording), "not a NumPy file"):
            header = npy_header(file)
        return _header_shape(header.shape, header.dtype, self.where(recording))

    def read(self, recording: str) -> np.ndarray:
        """Return the matrix; pickled objects are never loaded."""
        with self._files.open(self._name(recording)) as file, _plain_matrix(self.where(recording), _DAMAGED):
            return _one_matrix(file, self._name(recording), self.where(recording))


@contextmanager
def _plain_matrix(where: str, fault: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{where}: {fault} ({' '.join(str(error).split())[:200]})") from error


def _one_matrix(file: IO[bytes], name: str, where: str) -> np.ndarray:
    if not name.lower().endswith(".npz"):
        return read_npy(file)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) != 1:
            names = ", ".join(member.filename.removesuffix(".npy") for member in members)
            raise InputError(f"{where}: must hold one matrix but holds {len(members)}: {names:.80}")
        check_packed(members[0], where)
        with archive.open(members[0]) as inside:
            return read_npy(inside)


class Hdf5File:
    """One HDF5 file with a dataset per recording, `ID` or `v_ID`, or a group of that name with one dataset in it."""

    def __init__(self, path: Path) -> None:
        """Open `path`; `InputError` if it is no HDF5 file."""
        self.path = path
        check_plain(path)
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise InputError(f"{path}: not a complete HDF5 file ({error})") from error

    def __contains__(self, recording: object) -> bool:
        return any(key in self._file for key in (str(recording), f"v_{recording}"))

    def where(self, recording: str) -> str:
        """Return file and key of the recording's dataset."""
        return f"{self.path}: {self._key(recording)}"

    def _key(self, recording: str) -> str:
        return recording if recording in self._file else f"v_{recording}"

    def _dataset(self, recording: str) -> Any:
        found = self._file[self._key(recording)]
        if isinstance(found, h5py.Group):
            inside = [one for one in found.values() if isinstance(one, h5py.Dataset)]
            if len(inside) != 1:
                raise InputError(f"{self.where(recording)}: must hold one dataset but holds {len(inside)}")
            found = inside[0]
        return found

    def shape(self, recording: str) -> Shape:
        """Return the dataset's shape."""
        dataset = self._dataset(recording)
        return _header_shape(dataset.shape, dataset.dtype, self.where(recording))

    def read(self, recording: str) -> np.ndarray:
        """Return the matrix."""
        try:
            return np.asarray(self._dataset(recording)[()])
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise InputError(f"{self.where(recording)}: cannot be read ({error})") from error


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
        If a recording has no matrix, or widths, dtypes or lengths (within the tolerance) do not fit.
    """
    lacking = [name for name in recordings if name not in matrices]
    if lacking:
        raise InputError(
            f"{what}: recording {lacking[0]!r} has no features ({len(lacking)} of {len(recordings)} lack them)"
        )
    check_each_its_own({name: matrices.where(name) for name in recordings}, "file")
    shapes = {name: matrices.shape(name) for name in recordings}
    first_name, first = next(iter(shapes.items()))
    for name, shape in shapes.items():
        if (shape.width, shape.dtype) != (first.width, first.dtype):
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
        "float16" if first.dtype == "float16" else "float32",
        _read_all(matrices, shapes),
    )


def _read_all(matrices: Matrices, shapes: Mapping[str, Shape]) -> Iterator[np.ndarray]:
    for name, shape in shapes.items():
        matrix = matrices.read(name)
        if _shape(matrix, matrices.where(name)) != shape:
            raise InputError(f"{matrices.where(name)}: changed while it was imported; start again")
        yield matrix


def _shape(matrix: np.ndarray, where: str) -> Shape:
    return _header_shape(matrix.shape, matrix.dtype, where)


def _header_shape(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> Shape:
    if len(shape) != 2 or not shape[1] or dtype.name not in ("float16", "float32", "float64"):
        raise InputError(
            f"{where}: has shape {shape} and dtype {dtype}; expected (frames, features) of float16, float32 or float64"
        )
    if shape[1] > _WIDEST:
        raise InputError(f"{where}: has {shape[1]:,} columns, more than the {_WIDEST:,} that are kept")
    return Shape(shape[0], shape[1], dtype.name)
