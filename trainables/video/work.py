"""The work folder of an extraction: one Arrow file for each finished video, so that nothing is done twice.

A file holds a row for every frame, in any order: its number and its value, a float16 vector or a JPEG. It gets its name
only when all rows are on the disk, and it records the state of the video it was made from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from crescendo.trainables.data.store import open_arrow
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import flush_to_disk, mended

_FACTS = b"crescendo.video"
_PARTIAL = ".partial"


class WorkFolder:
    """Frames of videos that will become a prepared data set: `width` columns of float16, or JPEGs where it is None."""

    def __init__(self, path: Path, width: int | None) -> None:
        """Open or make the folder `path`; what an earlier command left unfinished is removed."""
        self.path, self._width = path, width
        self._writers: dict[str, _Writer] = {}
        with mended(path):
            path.mkdir(parents=True, exist_ok=True)
            for left in path.glob(f"*{_PARTIAL}"):
                left.unlink()

    def add(self, recording: str, video: Path, numbers: np.ndarray, values: Any, total: int | None) -> bool:
        """Add the frames `numbers` of `recording`; return whether the recording is now finished.

        Parameters
        ----------
        values
            (n, width) float16, or a list of n JPEGs.
        total
            The recording's number of frames, where it is known already.
        """
        with mended(self.path):
            writer = self._writers.get(recording)
            if writer is None:
                writer = self._writers[recording] = _Writer(self._file(recording), self._width, state_of(video))
            writer.add(numbers, values, total)
            if not writer.complete:
                return False
            self._writers.pop(recording).finish()
            return True

    def drop(self, recording: str) -> None:
        """Remove what was added of `recording`."""
        writer = self._writers.pop(recording, None)
        if writer is not None:
            writer.abandon()

    def close(self) -> None:
        """Remove all that is not finished."""
        for recording in list(self._writers):
            self.drop(recording)

    def frames(self, recording: str, video: Path) -> int | None:
        """Return the number of frames of `recording` if it is finished and `video` has not changed since, else None."""
        try:
            reader = open_arrow(self._file(recording))
            metadata = json.loads((reader.schema.metadata or {}).get(_FACTS, b"{}"))
        except (InputError, ValueError, RecursionError):
            return None
        with suppress(OSError):
            if metadata == state_of(video):
                return sum(int(reader.get_batch(number).num_rows) for number in range(reader.num_record_batches))
        return None

    def matrix(self, recording: str, frames: int) -> np.ndarray:
        """Return the features of a finished recording, (frames, width) float16."""
        if self._width is None:
            raise ValueError("the work folder holds pictures")
        matrix = np.empty((frames, self._width), np.float16)
        for batch in self._batches(recording):
            values = batch.column("values").flatten().to_numpy(zero_copy_only=True)
            matrix[batch.column("frame").to_numpy()] = values.reshape(-1, self._width)
        return matrix

    def pictures(self, recording: str) -> Iterator[bytes]:
        """Yield the JPEGs of a finished recording, in order."""
        batches = list(self._batches(recording))
        numbers = np.concatenate([batch.column("frame").to_numpy() for batch in batches])
        bounds = np.cumsum([0, *(batch.num_rows for batch in batches)])
        for row in np.argsort(numbers):
            batch = int(np.searchsorted(bounds, row, side="right")) - 1
            yield batches[batch].column("values")[int(row - bounds[batch])].as_py()

    def _batches(self, recording: str) -> Iterator[Any]:
        reader = open_arrow(self._file(recording))
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)

    def _file(self, recording: str) -> Path:
        # A recording may bear a name that no file can.
        return self.path / f"{hashlib.sha256(recording.encode()).hexdigest()[:32]}.arrow"


def state_of(video: Path) -> dict[str, Any]:
    """Return path, size and time of change of `video`: they differ if it was replaced or changed."""
    metadata = video.stat()
    return {"path": str(video), "bytes": metadata.st_size, "changed": metadata.st_mtime_ns}


class _Writer:
    def __init__(self, path: Path, width: int | None, metadata: dict[str, Any]) -> None:
        values = pa.binary() if width is None else pa.list_(pa.float16(), width)
        self._schema = pa.schema(
            [pa.field("frame", pa.int64()), pa.field("values", values)], metadata={_FACTS: json.dumps(metadata)}
        )
        self._path, self._width = path, width
        self._partial = path.with_name(path.name + _PARTIAL)
        self._file = pa.OSFile(str(self._partial), "wb")
        self._writer = pa.ipc.new_file(self._file, self._schema)
        self._total: int | None = None
        self._written = 0

    @property
    def complete(self) -> bool:
        return self._written == self._total

    def add(self, numbers: np.ndarray, values: Any, total: int | None) -> None:
        if self._width is None:
            column = pa.array(values, pa.binary())
        else:
            flat = pa.array(np.ascontiguousarray(values, np.float16).reshape(-1))
            column = pa.FixedSizeListArray.from_arrays(flat, self._width)
        self._writer.write_batch(pa.record_batch([pa.array(numbers, pa.int64()), column], schema=self._schema))
        self._written += len(numbers)
        self._total = self._total if total is None else total

    def finish(self) -> None:
        self._close()
        flush_to_disk(self._partial)
        self._partial.replace(self._path)

    def abandon(self) -> None:
        # A full disk may be why: closing writes the file's end.
        with suppress(OSError):
            self._close()
        self._partial.unlink(missing_ok=True)

    def _close(self) -> None:
        self._writer.close()
        self._file.close()
