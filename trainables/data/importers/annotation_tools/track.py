"""What one person marked in one recording, whatever tool it was done with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.errors import InputError


@dataclass(frozen=True)
class MarkedFile:
    """A file of annotations: its path in the data set and in messages, its text, and when it was last written (seconds)."""

    name: str
    where: str
    text: str
    written: float

    @property
    def stem(self) -> str:
        """Its name without folders and suffix."""
        return PurePosixPath(self.name).stem


@dataclass(frozen=True)
class Track:
    """Segments of one recording by one annotator.

    Attributes
    ----------
    names
        What the recording may be called, the likeliest first: tools name videos, observations or uploads.
    made
        When it was annotated, in seconds since 1970; the newest track of a recording counts.
    by
        Who did it, or which file holds it.
    file
        The file that holds it.
    keys
        What else is said of the recording: its subject, its part (`subset`), its `duration`.
    notes
        What was left out, or read otherwise than it was written, in the plural, and which these were.
    order
        Of several tracks in one file that were made at the same time, the one with the largest counts: the row of a table that
        says its last.
    """

    names: tuple[str, ...]
    segments: Sequence[Segment]
    made: float
    by: str
    file: str
    keys: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    order: int = 0


def solid(segments: Sequence[Segment], where: str) -> tuple[tuple[Segment, ...], dict[str, list[str]]]:
    """Return the segments that have a length, and those that have none, as notes of a track.

    Raises
    ------
    InputError
        If one ends before it starts.
    """
    for number, one in enumerate(segments, 1):
        if one.end < one.start:
            raise InputError(
                f"{where}: segment {number} of {len(segments)}, [{one.start:g}, {one.end:g}] of {one.label!r:.80}, ends before "
                "it starts; mend it"
            )
    kept = tuple(one for one in segments if one.end > one.start)
    points = [f"{one.start:g} s {one.label.strip()}".strip() for one in segments if one.end == one.start]
    return kept, {"left out, marks without length (points)": points} if points else {}


def moment(text: object, otherwise: float) -> float:
    """Return the seconds since 1970 that `text` says, a date and time of ISO 8601; `otherwise` where it says none."""
    try:
        said = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return otherwise
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
