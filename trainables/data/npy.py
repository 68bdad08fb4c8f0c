"""NumPy's `.npy` format, read without trust: no pickled object, and no memory for values that are only announced."""

from __future__ import annotations

import math
from typing import IO, Any, NamedTuple

import numpy as np

MAGIC = b"\x93NUMPY"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_AT_ONCE = 2**24  # bytes
FOLLOWED = "something follows its array, another one perhaps; write one array a file"
"""What is wrong with a file that goes on after its array."""


class NpyHeader(NamedTuple):
    """What stands before an array: its shape, whether its first index runs fastest (Fortran's order), and its type."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def npy_header(file: IO[bytes]) -> NpyHeader:
    """Return the header of the array that begins here; the file then stands before its first value.

    Raises
    ------
    ValueError
        If no array of version 1 or 2 begins here, or its header is broken.
    """
    magic = file.read(8)
    read = _HEADERS.get((magic[6], magic[7])) if len(magic) == 8 and magic[:6] == MAGIC else None
    if read is None:
        raise ValueError("no .npy array (version 1 or 2) begins here; write it with numpy.save")
    try:
        header = NpyHeader(*read(file))
    except Exception as error:  # noqa: BLE001 - NumPy evaluates the header and has no common exception for what comes of it
        raise ValueError(f"the .npy array has a broken header ({' '.join(str(error).split())[:120]})") from None
    if not all(isinstance(size, int) and size >= 0 for size in header.shape):
        raise ValueError(f"the .npy array has shape {header.shape}")
    return header


def read_npy(file: IO[bytes]) -> np.ndarray:
    """Return the array that the rest of the file is, in memory.

    Raises
    ------
    ValueError
        As `npy_header` does, or if it is one of Python objects, the file ends before it, or goes on after it.
    """
    values = read_values(file, npy_header(file))
    if file.read(1):
        raise ValueError(FOLLOWED)
    return values


def read_values(file: IO[bytes], header: NpyHeader) -> np.ndarray:
    """Return the array whose `header` was just read; the file then stands after it.

    Raises
    ------
    ValueError
        If it is one of Python objects, or the file ends before it.
    """
    shape, fortran, dtype = header
    if dtype.hasobject:
        raise ValueError(f"it is of type {dtype}; Python objects are never read")
    size = math.prod(shape) * dtype.itemsize
    data = bytearray()
    while len(data) < size and (part := file.read(min(_AT_ONCE, size - len(data)))):
        data += part
    if len(data) < size:
        raise ValueError(f"it announces {size:,} bytes of values but holds {len(data):,}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
