"""Files that were joined byte by byte to one that says where it ends: FFmpeg reads the first and is silent of the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from crescendo.trainables.video.mp4 import boxes

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_FLV_TAGS = frozenset({8, 9, 18})  # sound, pictures, data


def second_file(path: Path, format_name: str) -> int | None:
    """Return the byte at which a second video begins in the file `path`; None if it holds one, or no one can say.

    `format_name` is FFmpeg's name of the format. Only the heads of the file's parts are read.
    """
    search = next((one for name, one in _SEARCHES.items() if name in format_name.split(",")), None)
    if search is None:
        return None
    with path.open("rb") as file:
        return search(file, path.stat().st_size)


def _mp4(file: BinaryIO, length: int) -> int | None:
    # A file has one head, "moov". Where pictures lie in fragments, FFmpeg reads on over repeated heads.
    begins, heads = 0, 0
    for box in boxes(file, 0, length):
        if box.kind == b"moof":
            return None
        if box.kind == b"ftyp":
            begins = box.begins
        heads += box.kind == b"moov"
        if heads == 2:
            return begins or box.begins
    return None


def _asf(file: BinaryIO, length: int) -> int | None:
    # Objects of an identifier (16 bytes) and a size (64 bits).
    place = 0
    while place + 24 <= length:
        head = _read(file, place, 24)
        if place and head[:16] == _ASF_HEADER:
            return place
        size = int.from_bytes(head[16:], "little")
        if size < 24:
            return None
        place += size
    return None


def _avi(file: BinaryIO, length: int) -> int | None:
    # RIFF chunks of a kind; the further ones of a large file are of the kind "AVIX".
    place = 0
    while place + 12 <= length:
        head = _read(file, place, 12)
        if head[:4] != b"RIFF":
            return None
        if place and head[8:] == b"AVI ":
            return place
        size = int.from_bytes(head[4:8], "little")
        place += 8 + size + size % 2
    return None


def _flv(file: BinaryIO, length: int) -> int | None:
    # A head that says how long it is, then tags (11 bytes of head, a size of 24 bits) between the sizes of those before.
    place = int.from_bytes(_read(file, 5, 4), "big") + 4
    while place + 11 <= length:
        head = _read(file, place, 11)
        if head[:3] == b"FLV":
            return place
        if head[0] & 0x1F not in _FLV_TAGS:
            return None
        place += 11 + int.from_bytes(head[1:4], "big") + 4
    return None


def _read(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


_SEARCHES: dict[str, Callable[[BinaryIO, int], int | None]] = {"mov": _mp4, "asf": _asf, "avi": _avi, "flv": _flv}
