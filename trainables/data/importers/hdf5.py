"""HDF5: a file of one recording (MATLAB's version 7.3, too), or one file with a dataset per recording."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from crescendo.trainables.data.importers.arrays import Announced, Shape, matrix_shape
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.reading import check_plain, most_unpacked, too_large

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST = 10_000
# MATLAB keeps there what cells and objects refer to.
_MATLABS_OWN = "#"
_NUMBERS = ("double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))


def is_hdf5(file: IO[bytes]) -> bool:
    """Tell whether `file` is HDF5, with or without MATLAB's 512 bytes before it."""
    start = file.read(520)
    file.seek(0)
    return _SIGNATURE in (start[:8], start[512:520])


class Hdf5Arrays:
    """The datasets of an HDF5 file, by their paths. `matlab`: as MATLAB shows them, whose indices run the other way."""

    def __init__(self, file: IO[bytes], where: str, *, matlab: bool = False) -> None:
        """Look at what `file` holds; `ValueError` or `OSError` if it is no HDF5 file, or holds too many datasets."""
        self._file, self._where, self._matlab = h5py.File(file, "r"), where, matlab
        self.announced: dict[str, Announced] = {}
        self._file.visititems(self._see)  # follows no link

    def _see(self, name: str, found: Any) -> None:
        if not isinstance(found, h5py.Dataset) or name.startswith(_MATLABS_OWN):
            return
        if len(self.announced) == _MOST:
            raise ValueError(f"it holds more than {_MOST:,} datasets")
        kind = found.attrs.get("MATLAB_class", b"double")
        readable = not self._matlab or (kind.decode() if isinstance(kind, bytes) else str(kind)) in _NUMBERS
        shape = tuple(found.shape or ())
        self.announced[name] = Announced(
            shape[::-1] if self._matlab else shape, found.dtype if readable else np.dtype(object)
        )

    def read(self, name: str) -> np.ndarray:
        """Return the dataset `name`; `InputError` if it lies outside the file or unpacks without end."""
        values = read_dataset(self._file[name], self._where)
        return values.T if self._matlab else values


def read_dataset(dataset: Any, where: str) -> np.ndarray:
    """Return the values of an HDF5 dataset.

    Raises
    ------
    InputError
        If they lie in another file, are no plain values, or are far more than what is stored.
    """
    if dataset.is_virtual or dataset.external:
        raise InputError(f"{where}: {dataset.name} lies in another file; copy its values into one file")
    if dataset.dtype.hasobject:
        raise InputError(f"{where}: {dataset.name} is of type {dataset.dtype}; only numbers are read")
    if dataset.size is not None and dataset.size * dataset.dtype.itemsize > (
        limit := most_unpacked(dataset.id.get_storage_size())
    ):
        raise too_large(where, limit)
    return np.asarray(dataset[()])


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
        return any(self._is_here(key) for key in (str(recording), f"v_{recording}"))

    def _is_here(self, key: str) -> bool:
        try:
            return key in self._file and not isinstance(self._file.get(key, getlink=True), h5py.ExternalLink)
        except (ValueError, KeyError):  # a path that leads through a dataset
            return False

    def sought(self, recording: str) -> str:
        """Return what could hold the recording's features."""
        return f"a dataset or group {recording} or v_{recording} in {self.path.name}"

    def unused(self, recordings: Iterable[str]) -> list[str]:
        """Return the keys that the file begins with and that stand for none of `recordings`, sorted."""
        return sorted(set(self._file).difference(*({name, f"v_{name}"} for name in recordings)))

    def where(self, recording: str) -> str:
        """Return file and key of the recording's dataset."""
        return f"{self.path}: {self._key(recording)}"

    def _key(self, recording: str) -> str:
        return recording if self._is_here(recording) else f"v_{recording}"

    def _dataset(self, recording: str) -> Any:
        found = self._file[self._key(recording)]
        if isinstance(found, h5py.Group):
            inside = [found[key] for key in found if not isinstance(found.get(key, getlink=True), h5py.ExternalLink)]
            inside = [one for one in inside if isinstance(one, h5py.Dataset)]
            if len(inside) != 1:
                raise InputError(f"{self.where(recording)}: must hold one dataset but holds {len(inside)}")
            found = inside[0]
        return found

    def shape(self, recording: str) -> Shape:
        """Return the dataset's shape."""
        dataset = self._dataset(recording)
        return matrix_shape(tuple(dataset.shape or ()), dataset.dtype, self.where(recording))

    def read(self, recording: str) -> np.ndarray:
        """Return the matrix."""
        try:
            return read_dataset(self._dataset(recording), self.where(recording))
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise InputError(f"{self.where(recording)}: cannot be read ({error})") from error
