"""One table of all, recording, start, end, label, or one a recording, without the first; others say more of a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile, Track, moment, solid
from crescendo.trainables.data.importers.delimited import cells, cells_as_written, seconds
from crescendo.trainables.data.importers.split_lists import recording_of
from crescendo.trainables.errors import InputError

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "recording": ("recording", "video", "file", "filename", "file_name", "name", "id"),
    "start": ("start", "begin", "onset", "start_time", "t_start"),
    "end": ("end", "stop", "offset", "end_time", "t_end"),
    "label": ("label", "activity", "action", "class", "behavior", "behaviour"),
}
"""What each column may be called, in small letters, with blanks and units in brackets left away."""
_FORMS = (tuple(COLUMNS), ("start", "end", "label"))
"""The columns of a table without a first line of names."""
_ANNOTATOR, _MADE = ("annotator", "coder", "rater"), ("annotated", "updated_at", "created_at")

_OF_A_TRACK = ("annotator", "annotated")


def is_one(text: str) -> bool:
    """Tell whether `text` is such a table, with or without a first line of names."""
    rows = cells(text, "")
    return is_headed(text) or (bool(rows) and _form(rows[0]) is not None)


def is_headed(text: str) -> bool:
    """Tell whether `text` is such a table with a first line of names."""
    rows = cells(text, "")
    return bool(rows) and _columns(rows[0]) is not None


def read(file: MarkedFile) -> list[Track]:
    """Return a track for each recording and annotator, in the order of their first rows.

    A table without recordings is of the one that the file is called as.
    Of several annotators that one is the newest whose time the column `annotated` says, or whose rows come last.

    Raises
    ------
    InputError
        If a row lacks something; a row of a recording alone says that nothing happens in it.
    """
    rows = cells_as_written(file.text, file.where)
    first = [cell.strip() for cell in rows[0]]
    columns = _columns(first)
    headed = columns is not None
    names = [_plain(cell) for cell in first] if headed else []
    place = columns or {name: at for at, name in enumerate(_form(first) or ())}
    tracks: dict[tuple[str, str], list[_Row]] = {}
    for number, row in enumerate(rows[headed:], 1 + headed):
        one = _row(row, number, place, names, file)
        tracks.setdefault((one.recording, one.others.get("annotator", "")), []).append(one)
    if "recording" not in place and not tracks:  # nothing happens in it
        return [Track((file.stem,), (), file.written, file.name, file.name)]
    return [_track(file, recording, by, found) for (recording, by), found in tracks.items()]


@dataclass(frozen=True)
class _Row:
    recording: str
    segment: Segment | None
    others: Mapping[str, str]
    number: int


def _row(written: Sequence[str], number: int, place: Mapping[str, int], names: Sequence[str], file: MarkedFile) -> _Row:
    """Return what a row says: its cells without blanks at the ends but the label, of which it is told that it had some."""
    row = [cell.strip() for cell in written]
    cells = {column: row[at] if at < len(row) else "" for column, at in place.items()}
    recording, start, end, label = cells.get("recording", file.stem), cells["start"], cells["end"], cells["label"]
    where = file.where
    others = {name: cell for at, (name, cell) in enumerate(zip(names, row, strict=False)) if at not in place.values()}
    named = {
        ("annotator" if name in _ANNOTATOR else "annotated" if name in _MADE else name): cell
        for name, cell in others.items()
        if cell
    }
    if not recording_of(recording):
        raise InputError(f"{where}: row {number} names no recording ({','.join(row)!r:.80})")
    if not (start or end or label):
        return _Row(recording_of(recording), None, named, number)
    try:
        times = seconds(start), seconds(end)
    except ValueError:
        raise InputError(
            f"{where}: row {number} has start {start!r:.40} and end {end!r:.40}; expected seconds, or h:mm:ss"
        ) from None
    if not label:
        raise InputError(f"{where}: row {number} has no label ({','.join(row)!r:.80})")
    return _Row(recording_of(recording), Segment(written[place["label"]], *times), named, number)


def _track(file: MarkedFile, recording: str, by: str, rows: Sequence[_Row]) -> Track:
    where = f"{file.where}: recording {recording!r:.80}"
    segments, points = solid([row.segment for row in rows if row.segment is not None], where)
    said: dict[str, set[str]] = {}
    for row in rows:
        for name, cell in row.others.items():
            said.setdefault(name, set()).add(cell)
    keys = {name: next(iter(cells)) for name, cells in said.items() if len(cells) == 1 and name not in _OF_A_TRACK}
    several = [name for name, cells in said.items() if len(cells) > 1 and name not in _OF_A_TRACK]
    notes = {**points, **({"left out, columns with several values in a recording": several} if several else {})}
    differing = next((name for name in ("subset", "group", "duration") if len(said.get(name, ())) > 1), None)
    if differing is not None:
        values = ", ".join(sorted(said[differing]))
        raise InputError(f"{where} has several values of {differing} ({values:.80}); give it one")
    made = max(moment(cell, file.written) for cell in said.get("annotated", {""}))
    names = tuple(dict.fromkeys((recording, PurePosixPath(recording).stem)))
    return Track(names, segments, made, by or file.name, file.name, keys, notes, rows[-1].number)


def _columns(first: Sequence[str]) -> dict[str, int] | None:
    """Return column -> its place in the line of names `first`; None if it is none. `recording` may be lacking."""
    named = [_plain(cell) for cell in first]
    found: dict[str, int] = {}
    for column, called in COLUMNS.items():
        places = [at for at, name in enumerate(named) if name in called]
        if places:
            found[column] = named.index(column) if column in named else places[0]
    return found if {"start", "end", "label"} <= found.keys() else None


def _plain(cell: str) -> str:
    return cell.partition("(")[0].strip().lower().replace(" ", "_")


def _form(row: Sequence[str]) -> tuple[str, ...] | None:
    """Return the columns of which `row` is one row; None if it is none."""
    form = next((form for form in _FORMS if len(form) == len(row)), None)
    if form is None or not all(row):
        return None
    cells = dict(zip(form, row, strict=True))
    try:
        return form if seconds(cells["start"]) <= seconds(cells["end"]) else None
    except ValueError:
        return None
