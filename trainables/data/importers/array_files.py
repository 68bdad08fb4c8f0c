"""The arrays of one file, of NumPy, MATLAB, HDF5, CSV or Parquet: named and announced before their values are read.

No pickled object is read, and nothing that unpacks to far more than its file.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

import numpy as np

from crescendo.trainables.data.importers.arrays import Announced, ArrayFile
from crescendo.trainables.data.importers.hdf5 import Hdf5Arrays, is_hdf5
from crescendo.trainables.data.importers.matlab import MatlabArrays
from crescendo.trainables.data.importers.raw_files import RawFiles, check_packed
from crescendo.trainables.data.importers.tables import CsvTable, ParquetTable
from crescendo.trainables.data.npy import npy_header, read_npy
from crescendo.trainables.errors import InputError

HDF5 = (".h5", ".hdf5")
TABLES = (".csv", ".parquet")
_DAMAGED = "damaged or not a plain matrix"
_NOT = {".npy": "not a NumPy file", ".npz": _DAMAGED}


class _Npy:
    def __init__(self, file: IO[bytes], where: str) -> None:
        self._file = file
        header = npy_header(file)
        file.seek(0)
        self.announced = {"": Announced(header.shape, header.dtype)}

    def read(self, name: str) -> np.ndarray:
        """Return the array."""
        self._file.seek(0)
        return read_npy(self._file)


class _Npz:
    def __init__(self, file: IO[bytes], where: str) -> None:
        self._archive = zipfile.ZipFile(file)
        self._members = {member.filename.removesuffix(".npy"): member for member in self._archive.infolist()}
        self.announced = {}
        for name, member in self._members.items():
            check_packed(member, where)
            with self._archive.open(member) as inside:
                header = npy_header(inside)
            if header.dtype.hasobject:
                raise ValueError(f"{name} is of type {header.dtype}; Python objects are never read")
            self.announced[name] = Announced(header.shape, header.dtype)

    def read(self, name: str) -> np.ndarray:
        """Return a member."""
        with self._archive.open(self._members[name]) as inside:
            return read_npy(inside)


def _mat(file: IO[bytes], where: str) -> ArrayFile:
    return Hdf5Arrays(file, where, matlab=True) if is_hdf5(file) else MatlabArrays(file, where)


_KINDS: Mapping[str, Callable[[IO[bytes], str], ArrayFile]] = {
    ".npy": _Npy,
    ".npz": _Npz,
    ".mat": _mat,
    ".csv": CsvTable,
    ".parquet": ParquetTable,
    **dict.fromkeys(HDF5, Hdf5Arrays),
}
SUFFIXES = tuple(_KINDS)
"""Of files that hold arrays."""


def suffix(name: str) -> str:
    """Return the suffix of a file's name, in small letters."""
    return PurePosixPath(name).suffix.lower()


@contextmanager
def open_arrays(files: RawFiles, name: str) -> Iterator[ArrayFile]:
    """Yield the arrays of the file `name`, one of those with `SUFFIXES`.

    Raises
    ------
    InputError
        If it is missing, damaged, another kind of file than its name says, or unpacks without end; so of reading in the block.
    """
    where = files.where(name)
    with files.open(name) as opened:
        with _plain(where, _NOT.get(suffix(name), f"not a {suffix(name)} file")):
            # A member of a zip is no file that these formats could move about in.
            file = opened if files.local(name) or suffix(name) == ".npy" else io.BytesIO(opened.read())
            arrays = _KINDS[suffix(name)](file, where)
        with _plain(where, _DAMAGED):
            yield arrays


@contextmanager
def _plain(where: str, fault: str) -> Iterator[None]:
    try:
        yield
    except (
        ValueError,
        TypeError,
        LookupError,
        OSError,
        EOFError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(f"{where}: {fault} ({' '.join(str(error).split())[:200]})") from error
