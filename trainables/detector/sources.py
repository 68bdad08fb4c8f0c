"""Frames from files and pipes: `.npy` rows and JSON lines.

Input is not trusted: no object array is read, and no memory is reserved for a size that was not checked.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crescendo.trainables.data.npy import FOLLOWED, MAGIC, npy_header, read_npy, read_values
from crescendo.trainables.detector.stream import Frame
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import parse_json
from crescendo.trainables.storage.reading import check_plain, expecting

_LARGEST_FRAME = 64 * 2**20  # bytes
_LARGEST_WHOLE = 4 * 2**30
_BLANK = b" \t\r\n\v\f\x1e"  # the last one begins each text of a JSON sequence (RFC 7464)


class BrokenInput(InputError):
    """A pipe of frames that can be read no further: it is not known where the next frame begins."""


def frames_of(pipe: BufferedReader) -> Iterator[Frame]:
    """Return the frames that arrive on `pipe`, as `.npy` rows or as JSON lines; its first byte tells which.

    Each frame is yielded as soon as it has arrived. A JSON line that cannot be used raises `InputError` and the
    iterator goes on with the next one; a broken `.npy` raises `BrokenInput`.
    """
    return NpyFrames(pipe) if pipe.peek(1)[:1] == MAGIC[:1] else JsonFrames(pipe)


class NpyFrames(Iterator[Frame]):
    """Frames of one `.npy` array after the other: each one frame (features,) or several (frames, features).

    Those of an array in Fortran's order, of which no frame lies in one piece, come once all of it has arrived.
    """

    def __init__(self, pipe: BufferedReader) -> None:
        self._pipe = pipe
        self._left = 0
        self._shape: tuple[int, ...] = (0,)
        self._dtype: np.dtype[Any] = np.dtype("float32")
        self._whole: np.ndarray | None = None
        self._frame = -1

    def __next__(self) -> Frame:
        self._frame += 1
        while self._left == 0:
            self._read_header()
        self._left -= 1
        if self._whole is not None:
            return Frame(self._whole[-1 - self._left])
        size = self._dtype.itemsize * self._shape[0]
        data = self._pipe.read(size)
        if len(data) < size:
            self._left = 0
            raise BrokenInput(f"frame {self._frame}: the input ends inside it ({len(data)} of {size} bytes)")
        return Frame(np.frombuffer(data, self._dtype).reshape(self._shape))

    def _read_header(self) -> None:
        if not self._pipe.peek(1):
            raise StopIteration
        with self._broken():
            header = npy_header(self._pipe)
        shape, fortran, dtype = header
        if dtype.kind not in "fiu":
            raise BrokenInput(f"frame {self._frame}: the .npy array is of type {dtype}; features are real numbers")
        if len(shape) not in (1, 2):
            raise BrokenInput(
                f"frame {self._frame}: the .npy array has shape {shape}; expected (features,) or (frames, features)"
            )
        if shape[-1] == 0:  # of which any number comes of nothing
            raise BrokenInput(f"frame {self._frame}: announces frames without features")
        if dtype.itemsize * shape[-1] > _LARGEST_FRAME:
            raise BrokenInput(f"frame {self._frame}: announces {shape[-1]:,} features, more than can be read")
        self._left = 1 if len(shape) == 1 else shape[0]
        self._shape, self._dtype, self._whole = shape[-1:], dtype, None
        if fortran and len(shape) == 2:
            size = math.prod(shape) * dtype.itemsize
            if size > _LARGEST_WHOLE:
                raise BrokenInput(
                    f"frame {self._frame}: announces {size:,} bytes in Fortran order, more than are kept; write it in C order"
                )
            with self._broken():
                self._whole = read_values(self._pipe, header)

    @contextmanager
    def _broken(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise BrokenInput(f"frame {self._frame}: {error}") from None


class JsonFrames(Iterator[Frame]):
    """Frames of JSON lines: `{"features": [...]}`, and, optionally, a time stamp in seconds under `time`.

    What only frames the lines is no frame: empty lines, space around a line, ends of CR and LF, byte order marks, and
    the record separators of JSON sequences.
    """

    def __init__(self, pipe: BufferedReader) -> None:
        self._pipe = pipe
        self._frame = -1

    def __next__(self) -> Frame:
        text = b""
        while not text:
            text = self._next_line()
        self._frame += 1
        content = parse_json(text, f"frame {self._frame}: its line")
        if not isinstance(content, dict) or "features" not in content:
            raise InputError(f'frame {self._frame}: its line is no object with features, such as {{"features": [0.5]}}')
        return Frame(content["features"], content.get("time"))

    def _next_line(self) -> bytes:
        line = self._pipe.readline(_LARGEST_FRAME)
        if not line:
            raise StopIteration
        if not line.endswith(b"\n") and len(line) == _LARGEST_FRAME:
            self._frame += 1
            while line and not line.endswith(b"\n"):
                line = self._pipe.readline(_LARGEST_FRAME)
            raise InputError(f"frame {self._frame}: its line is longer than {_LARGEST_FRAME:,} bytes")
        return line.strip(_BLANK).removeprefix(codecs.BOM_UTF8).strip(_BLANK)


def open_matrix(path: Path, width: int) -> Iterator[ArrayLike | Frame]:
    """Return the frames of a recording's `.npy` file, (frames, `width`), read one after the other.

    Raises
    ------
    InputError
        If it is no such file.
    """
    check_plain(path)
    with (
        expecting("a .npy file of numbers", path, f"the model takes (frames, {width}) of them"),
        path.open("rb") as file,
    ):
        shape, fortran, dtype = npy_header(file)
        if dtype.kind not in "fiu":
            raise ValueError(f"it is of type {dtype}")
        if len(shape) != 2 or shape[1] != width:
            turned = len(shape) == 2 and shape[0] == width
            remedy = "; its axes seem to be exchanged, transpose it" if turned else ""
            raise InputError(f"{path}: has shape {shape}; the model takes (frames, {width}){remedy}")
        size, there = math.prod(shape) * dtype.itemsize, path.stat().st_size - file.tell()
        if there < size:
            raise ValueError(f"it announces {size:,} bytes of values but holds {there:,}")
        if there > size:
            raise ValueError(FOLLOWED)
        if fortran:  # of which no frame lies in one piece
            file.seek(0)
            return iter(read_npy(file))
    return _rows(path)


def _rows(path: Path) -> Iterator[Frame]:
    with path.open("rb") as file:
        yield from NpyFrames(file)
