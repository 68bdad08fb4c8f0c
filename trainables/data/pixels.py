"""The pixel store: prepared frames as JPEG in Arrow, to fine-tune a network on (protocol section 2)."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from crescendo.trainables.data.store import METADATA, RECORDINGS, RecordingStore, stored_recordings
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.files import atomic_file
from crescendo.trainables.storage.reading import expecting

_SIZE = b"crescendo.picture_size"
_COLUMN = "pictures"
# Frames a record batch: bounds the memory of the writer, whatever a recording's length.
_BATCH = 256
_QUALITY = 90


class PixelFrames:
    """The frames of one recording, (frames, 3 * size * size) uint8; a frame is decoded when it is read."""

    dtype = np.dtype(np.uint8)

    def __init__(self, store: PixelStore, recording: str) -> None:
        self._store, self._recording = store, recording
        self.shape = (store.frames(recording), store.width)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return the frames of a slice, (n, 3 * size * size) uint8: the red, green and blue squares, row by row."""
        numbers = range(len(self))[part]
        decoded = np.empty((len(numbers), self.shape[1]), dtype=np.uint8)
        for row, number in enumerate(numbers):
            decoded[row] = self._store.picture(self._recording, number).reshape(-1)
        return decoded

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all frames, decoded."""
        return self[:].astype(dtype or np.uint8, copy=False)


class PixelStore(RecordingStore):
    """Read access to the frames of one or several Arrow files: recording -> `PixelFrames`; like `FrameStore`.

    `size` is the side of the pictures, `width` is 3 * size * size, `metadata` what the writer stored.
    """

    def __init__(self, paths: Sequence[Path | str]) -> None:
        """Open the files; no picture is read.

        Raises
        ------
        InputError
            If a file is missing, damaged or of another kind, or the files do not fit together.
        """
        super().__init__(paths)
        sizes = set()
        for number, (path, reader) in enumerate(zip(self._paths, self._readers, strict=True)):
            metadata = reader.schema.metadata or {}
            if _SIZE not in metadata or RECORDINGS not in metadata:
                raise InputError(f"{path}: not a pixel store of Crescendo")
            batch = 0
            for name, frames in stored_recordings(path, metadata):
                self._place(name, number, batch, frames)
                batch += math.ceil(frames / _BATCH)
            if batch != reader.num_record_batches:
                raise InputError(
                    f"{path}: must hold {counted(batch, 'batch')} of frames but holds {reader.num_record_batches}"
                )
            with expecting("a store of pictures", path, "extract the frames again"):
                sizes.add(int(metadata[_SIZE]))
        if len(sizes) != 1:
            raise InputError(f"{self._paths[0].parent}: the files' pictures differ in size: {sorted(sizes)}")
        self.size = sizes.pop()
        self.width = 3 * self.size**2
        self.dtype = np.dtype(np.uint8)

    def digest(self) -> str:
        """Return the SHA-256 that `write_pixels` returned of its content; every frame is read, none decoded."""
        digest = hashlib.sha256(b"pixels " + b"".join(self._described()) + str(self.size).encode())
        for recording in self.recordings:
            for number in range(self.frames(recording)):
                one = self.encoded(recording, number)
                digest.update(len(one).to_bytes(8, "little") + one)
        return digest.hexdigest()

    def __getitem__(self, recording: str) -> PixelFrames:
        """Return the frames of `recording`, not yet decoded."""
        self._places[recording]
        return PixelFrames(self, recording)

    def encoded(self, recording: str, number: int) -> bytes:
        """Return frame `number` of `recording` as it is stored."""
        place = self._places[recording]
        batch = self._readers[place.file].get_batch(place.batch + number // _BATCH)
        encoded: bytes = batch.column(0)[number % _BATCH].as_py()
        return encoded

    def picture(self, recording: str, number: int) -> np.ndarray:
        """Return frame `number` of `recording`, (3, size, size) uint8; `InputError` if it is damaged."""
        where = f"{self._paths[self._places[recording].file]}: frame {number} of recording {recording!r}"
        expected = (self.size, self.size, 3)
        try:
            with Image.open(io.BytesIO(self.encoded(recording, number))) as image:
                shape = (image.height, image.width, 3)
                # One of another size may have been made to fill the memory: it is not decoded.
                pixels = np.asarray(image.convert("RGB")) if shape == expected else None
        except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
            raise InputError(f"{where} is no picture ({error}); extract the frames again") from error
        if pixels is None:
            raise InputError(f"{where} has shape {shape}, expected {expected}; extract the frames again")
        return np.moveaxis(pixels, -1, 0)


def encode_picture(picture: np.ndarray) -> bytes:
    """Return a prepared frame, (3, size, size) uint8, as JPEG."""
    target = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.moveaxis(picture, 0, -1))).save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()


def write_pixels(
    path: Path | str,
    frames: Mapping[str, int],
    pictures: Iterable[Iterable[bytes]],
    *,
    size: int,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Write one Arrow file, atomically, holding a few pictures in memory at a time; return the SHA-256 of its content.

    Parameters
    ----------
    frames
        Recording -> number of frames. `pictures` yields the frames of all recordings in this order, as `encode_picture`
        makes them.
    size
        Side of the pictures.
    metadata
        Stored in the file, for its readers; must be JSON-able.

    Raises
    ------
    InputError
        If a recording has another number of frames than announced, or the disk fills.
    """
    entries, described = json.dumps(list(frames.items())), json.dumps(dict(metadata or {}))
    schema = pa.schema(
        [pa.field(_COLUMN, pa.binary(), nullable=False)],
        metadata={RECORDINGS: entries, METADATA: described, _SIZE: str(size)},
    )
    digest = hashlib.sha256(f"pixels {entries}{described}{size}".encode())
    with atomic_file(path) as partial, pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for (recording, count), encoded in zip(frames.items(), pictures, strict=True):
            written = 0
            for batch in _batches(encoded):
                for one in batch:
                    digest.update(len(one).to_bytes(8, "little") + one)
                writer.write_batch(pa.record_batch([pa.array(batch, pa.binary())], schema=schema))
                written += len(batch)
            if written != count:
                raise InputError(f"recording {recording!r}: has {counted(written, 'frame')}, not the {count} announced")
    return digest.hexdigest()


def _batches(encoded: Iterable[bytes]) -> Iterator[list[bytes]]:
    iterator = iter(encoded)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
