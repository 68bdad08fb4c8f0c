"""Label tracks of Audacity: start, end and label, between tabs; a file per recording, named like it."""

from __future__ import annotations

from collections.abc import Iterator

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile, Track, solid
from crescendo.trainables.data.importers.delimited import seconds
from crescendo.trainables.errors import InputError

_FREQUENCIES = "\\"  # begins a second line of a label: the frequencies that were selected with it


def is_one(text: str) -> bool:
    """Tell whether `text` is a label track: its first line that is not empty begins with two times between tabs."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    parts = first.split("\t")
    return len(parts) >= 2 and _times(parts) is not None


def read(file: MarkedFile) -> list[Track]:
    """Return the one track of `file`.

    Raises
    ------
    InputError
        If a line is no label, or a label of some length has no text.
    """
    segments, points = solid(list(_segments(file)), file.where)
    return [Track((file.stem,), segments, file.written, file.name, file.name, notes=points)]


def _segments(file: MarkedFile) -> Iterator[Segment]:
    for number, line in enumerate(file.text.splitlines(), 1):
        if not line.strip() or line.startswith(_FREQUENCIES):
            continue
        start, end, *rest = [*line.split("\t"), ""]
        times = _times([start, end])
        label = "\t".join(rest).rstrip("\t")
        if times is None or (not label.strip() and times[0] < times[1]):
            fault = "has no label" if times is not None else "is no label of a track"
            raise InputError(
                f"{file.where}: line {number} {fault} ({line.strip()!r:.80}); expected START, END and LABEL"
            )
        yield Segment(label, *times)


def _times(parts: list[str]) -> tuple[float, float] | None:
    try:
        return seconds(parts[0].strip()), seconds(parts[1].strip())
    except ValueError:
        return None
