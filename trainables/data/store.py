"""Frame matrices of many recordings in Arrow IPC files, memory-mapped.

A file holds one record batch per recording and one column, in which each frame is a fixed-size list. The schema's
metadata names the recordings: opening a file of any size reads its schema and footer only, and pyarrow alone is enough
to read it. Features and frame scores are both stored this way.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.files import atomic_file
from crescendo.trainables.storage.json_files import can_be_written, parse_json
from crescendo.trainables.storage.reading import check_plain, expecting, mapping

RECORDINGS = b"crescendo.recordings"
METADATA = b"crescendo.metadata"
_DTYPES = {"float16": pa.float16(), "float32": pa.float32()}


@dataclass(frozen=True)
class _Place:
    """Where a recording is stored: the numbers of its file and of its first record batch there, and its frames."""

    file: int
    batch: int
    frames: int


_WHAT, _AGAIN = "a file of recordings", "make it again"


class RecordingStore:
    """What all stores of recordings in Arrow files share: which recordings there are, how long they are, and where.

    `metadata` is what the writer of the first file stored.
    """

    metadata: dict[str, Any]

    def __init__(self, paths: Sequence[Path | str]) -> None:
        """Open the files; no frame is read."""
        self._paths = [Path(path) for path in paths]
        self._readers = [open_arrow(path) for path in self._paths]
        self._places: dict[str, _Place] = {}
        with expecting(_WHAT, self._paths[0], _AGAIN):
            stored = (self._readers[0].schema.metadata or {}).get(METADATA, b"{}")
            self.metadata = mapping(parse_json(stored, f"{self._paths[0]}: its metadata"))
            if not can_be_written(self.metadata):
                raise ValueError("its metadata hold NaN or infinity")

    @property
    def recordings(self) -> tuple[str, ...]:
        """The recordings' names, in the order of the files."""
        return tuple(self._places)

    def __contains__(self, recording: object) -> bool:
        return recording in self._places

    def frames(self, recording: str) -> int:
        """Return the number of frames of `recording`."""
        return self._places[recording].frames

    def _described(self) -> tuple[bytes, bytes]:
        """Return what the first file's schema says of recordings and metadata, as it was written."""
        metadata = self._readers[0].schema.metadata
        return metadata[RECORDINGS], metadata[METADATA]

    def _place(self, recording: str, file: int, batch: int, frames: int) -> None:
        if recording in self._places:
            raise InputError(f"{self._paths[file]}: recording {recording!r} is stored twice")
        self._places[recording] = _Place(file, batch, frames)


class FrameStore(RecordingStore):
    """Read access to the matrices of one or several Arrow files: recording -> (frames, width), zero-copy.

    `width` is the number of columns of every matrix, `dtype` float16 or float32, `metadata` what the writer stored.
    """

    def __init__(self, paths: Sequence[Path | str]) -> None:
        """Open the files; no matrix is read.

        Raises
        ------
        InputError
            If a file is missing, damaged or of another kind, or the files do not fit together.
        """
        super().__init__(paths)
        kinds = set()
        for number, (path, reader) in enumerate(zip(self._paths, self._readers, strict=True)):
            metadata = reader.schema.metadata or {}
            types = reader.schema.types
            if RECORDINGS not in metadata or len(types) != 1 or not _holds_frames(types[0]):
                raise InputError(f"{path}: not a frame store of Crescendo")
            entries = stored_recordings(path, metadata)
            if len(entries) != reader.num_record_batches:
                raise InputError(
                    f"{path}: names {counted(len(entries), 'recording')} but holds {reader.num_record_batches}"
                )
            for batch, (name, frames) in enumerate(entries):
                self._place(name, number, batch, frames)
            kinds.add((types[0].list_size, str(types[0].value_type)))
        if len(kinds) != 1:
            raise InputError(f"{self._paths[0].parent}: the files' widths or types disagree: {sorted(kinds)}")
        self.width, type_name = kinds.pop()
        self.dtype = np.dtype("float16" if type_name == "halffloat" else "float32")

    def digest(self) -> str:
        """Return the SHA-256 that `write_frames` returned of its content; every matrix is read."""
        digest = hashlib.sha256(b"".join(self._described()) + f"{self.width}{self.dtype}".encode())
        for recording in self.recordings:
            digest.update(self[recording].data)
        return digest.hexdigest()

    def __getitem__(self, recording: str) -> np.ndarray:
        """Return the matrix of `recording`, (frames, width): a read-only view of the mapped file."""
        place = self._places[recording]
        with expecting(_WHAT, self._paths[place.file], _AGAIN):
            batch = self._readers[place.file].get_batch(place.batch)
        if batch.num_rows != place.frames:
            raise InputError(
                f"{self._paths[place.file]}: recording {recording!r} has {counted(batch.num_rows, 'frame')}, not {place.frames}"
            )
        values = batch.column(0).flatten().to_numpy(zero_copy_only=True)
        matrix: np.ndarray = values.reshape(place.frames, self.width)
        return matrix


def write_frames(
    path: Path | str,
    column: str,
    frames: Mapping[str, int],
    matrices: Iterable[np.ndarray],
    *,
    width: int,
    dtype: str,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Write one Arrow file, atomically, holding one matrix in memory at a time; return the SHA-256 of its content.

    Parameters
    ----------
    column
        The column's name: `features` or `scores`.
    frames
        Recording -> number of frames. `matrices` yields the (frames, `width`) matrices in this order.
    dtype
        `float16` or `float32`, the type on disk.
    metadata
        Stored in the file, for its readers; must be JSON-able.

    Raises
    ------
    InputError
        If a matrix has another shape than announced, holds NaN or infinity in its stored type, or the disk fills.
    """
    kind = pa.list_(_DTYPES[dtype], width)
    entries = json.dumps(list(frames.items()))
    described = json.dumps(dict(metadata or {}))
    schema = pa.schema([pa.field(column, kind, nullable=False)], metadata={RECORDINGS: entries, METADATA: described})
    digest = hashlib.sha256(f"{entries}{described}{width}{dtype}".encode())
    with atomic_file(path) as partial, pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for (recording, count), matrix in zip(frames.items(), matrices, strict=True):
            values = _checked(recording, matrix, (count, width), dtype)
            digest.update(values.data)
            array = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), width)
            writer.write_batch(pa.record_batch([array], schema=schema))
    return digest.hexdigest()


def _checked(recording: str, matrix: np.ndarray, shape: tuple[int, int], dtype: str) -> np.ndarray:
    if matrix.shape != shape:
        raise InputError(
            f"recording {recording!r}: the matrix has shape {matrix.shape}, expected {shape} (frames, width)"
        )
    return check_finite(matrix, dtype, f"recording {recording!r}")


def check_finite(matrix: np.ndarray, dtype: str, where: str) -> np.ndarray:
    """Return `matrix`, (frames, width), as `dtype`; `where` names it in messages.

    Raises
    ------
    InputError
        If it holds NaN or infinity, as given or as `dtype`.
    """
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(matrix, dtype=dtype)
    if not np.isfinite(values).all():
        broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
        frame, column = int(broken[0]), int(np.flatnonzero(~np.isfinite(values[broken[0]]))[0])
        cause = "NaN or infinity" if not np.isfinite(matrix[frame]).all() else f"a value too large for {dtype}"
        raise InputError(
            f"{where}: frame {frame} holds {cause} in column {column} ({len(broken):,} of {len(values):,} frames "
            "hold such); every value must be finite; fill it where the matrix comes from"
        )
    return values


def stored_recordings(path: Path, metadata: Mapping[bytes, bytes]) -> list[tuple[str, int]]:
    """Return name and number of frames of every recording that the Arrow file `path` announces; `InputError` if it is damaged."""
    with expecting(_WHAT, path, _AGAIN):
        entries = [(name, frames) for name, frames in parse_json(metadata[RECORDINGS], f"{path}: its recordings")]
        wrong = next((one for one in entries if not (isinstance(one[0], str) and _is_count(one[1]))), None)
        if wrong is not None:
            raise ValueError(f"{list(wrong)!s:.80} is no name and number of frames")
        return entries


def _holds_frames(kind: pa.DataType) -> bool:
    return pa.types.is_fixed_size_list(kind) and kind.value_type in _DTYPES.values()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def open_arrow(path: Path) -> Any:
    """Return a reader of the Arrow file `path`, memory-mapped; `InputError` if it is missing or damaged."""
    check_plain(path)
    try:
        # Not pa.memory_map: it asks the system to fetch a whole recording (MADV_WILLNEED) where 100 frames are drawn.
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped)))
    except (ValueError, OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a complete Arrow file ({' '.join(str(error).split())})") from error
