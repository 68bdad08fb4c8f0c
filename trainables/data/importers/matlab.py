"""MATLAB's files up to version 7 (v5, v4); those of version 7.3 are HDF5 (`hdf5`)."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from typing import IO, Any, cast

import numpy as np
import scipy.io

from crescendo.trainables.data.importers.arrays import Announced
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.reading import most_unpacked, too_large

# Cells, structures, sparse matrices and objects are not read.
_TYPES: dict[str, np.dtype[Any]] = {
    "double": np.dtype(np.float64),
    "single": np.dtype(np.float32),
    "logical": np.dtype(np.bool_),
    "char": np.dtype(np.str_),
    **{f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_PACKED, _AT_ONCE = 15, 2**20


class MatlabArrays:
    """The variables of a `.mat` file, as MATLAB shows them."""

    def __init__(self, file: IO[bytes], where: str) -> None:
        """Look at what `file` holds; `InputError` names it `where`."""
        self._file = cast(Any, file)  # the stubs know of paths only
        self._where = where
        self._limit = most_unpacked(file.seek(0, io.SEEK_END))
        file.seek(0)
        _check_unpacked(file, where, self._limit)
        try:
            found = scipy.io.whosmat(self._file)
        except Exception as error:  # scipy has no common exception for a damaged file
            raise self._damaged(error) from error
        self.announced = {
            name: Announced(tuple(shape), _TYPES.get(str(kind), np.dtype(object))) for name, shape, kind in found
        }

    def read(self, name: str) -> np.ndarray:
        """Return a variable; its type is the one that MATLAB shows, however it is stored.

        Raises
        ------
        InputError
            If it is damaged, or would unpack to far more than the file.
        """
        if math.prod(self.announced[name].shape) * np.dtype(np.float64).itemsize > self._limit:
            raise too_large(self._where, self._limit)
        self._file.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                table: dict[str, Any] = scipy.io.loadmat(self._file, variable_names=[name], mat_dtype=True)
            values: np.ndarray = np.asarray(table[name])
        except np.exceptions.ComplexWarning:
            raise InputError(f"{self._where}: {name} holds complex numbers; features and labels are real") from None
        except Exception as error:  # as above
            raise self._damaged(error) from error
        return values

    def _damaged(self, error: Exception) -> InputError:
        reason = " ".join(str(error).split())[:200]
        return InputError(f"{self._where}: not a complete MATLAB file ({reason}); get the data set again")


def _check_unpacked(file: IO[bytes], where: str, limit: int) -> None:
    """Refuse packed variables that unpack to more than `limit` bytes, whatever size they announce; `file` is at its begin."""
    start = file.read(128)
    order = {b"IM": "<", b"MI": ">"}.get(start[126:128])
    total = 0
    while order and len(tag := file.read(8)) == 8:
        kind, size = struct.unpack(f"{order}II", tag)
        if kind != _PACKED:
            file.seek(size, io.SEEK_CUR)
            continue
        unpacked = zlib.decompressobj()
        while size > 0 and (part := file.read(min(size, _AT_ONCE))):
            size -= len(part)
            while part:
                total += len(unpacked.decompress(part, _AT_ONCE))
                part = unpacked.unconsumed_tail
                if total > limit:
                    raise too_large(where, limit)
    file.seek(0)
