"""The boxes of an MP4 or QuickTime file (ISO 14496-12, 4.2), as far as they say what FFmpeg does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Box:
    """A box: its type, its first byte in the file, the first byte of its content, and the byte after it."""

    kind: bytes
    begins: int
    content: int
    ends: int


def boxes(file: BinaryIO, begins: int, ends: int) -> Iterator[Box]:
    """Yield the boxes that lie side by side from the byte `begins` on, up to `ends`; only their heads are read."""
    while begins + 8 <= ends:
        file.seek(begins)
        head = file.read(16)
        # A size of 1: 64 bits follow; 0: up to the end.
        size, length = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, length = int.from_bytes(head[8:16], "big"), 16
        size = size or ends - begins
        if size < length or len(head) < length:
            return
        yield Box(head[4:8], begins, begins + length, min(begins + size, ends))
        begins += size


def plays_in_parts(file: BinaryIO, length: int) -> bool:
    """Whether the edit list of a track of pictures plays more than one part of it, or stops in between.

    One part, with a wait before it, is what cameras and programs write that cut at the ends; FFmpeg places it rightly.
    Of several it repeats or drops pictures.
    """
    tracks = (box for head in _inside(file, Box(b"", 0, 0, length), b"moov") for box in _inside(file, head, b"trak"))
    return any(_pictures(file, track) and _parts(file, track) for track in tracks)


def _inside(file: BinaryIO, box: Box, *path: bytes) -> list[Box]:
    found = [box]
    for kind in path:
        found = [one for outer in found for one in boxes(file, outer.content, outer.ends) if one.kind == kind]
    return found


def _pictures(file: BinaryIO, track: Box) -> bool:
    for handler in _inside(file, track, b"mdia", b"hdlr"):
        file.seek(handler.content + 8)  # version, flags, and a type that QuickTime had
        if file.read(4) == b"vide":
            return True
    return False


def _parts(file: BinaryIO, track: Box) -> bool:
    for edits in _inside(file, track, b"edts", b"elst"):
        file.seek(edits.content)
        head = file.read(8)
        # Version 0: a duration and a time of 32 bits each; version 1: of 64; then the rate, 32 bits.
        size, time = (20, slice(8, 16)) if head[:1] == b"\1" else (12, slice(4, 8))
        # Two parts are seen in the first few entries: an endless list need not be read.
        entries = [file.read(size) for _ in range(min(int.from_bytes(head[4:8], "big"), 64))]
        waits = [int.from_bytes(entry[time], "big", signed=True) == -1 for entry in entries if len(entry) == size]
        if False in waits[:-1]:
            return True
    return False
