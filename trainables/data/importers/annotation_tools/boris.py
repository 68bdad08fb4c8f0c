"""Events of BORIS, exported as CSV or TSV: its tabular events (old and new) and its aggregated events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile, Track, moment, solid
from crescendo.trainables.data.importers.delimited import cells, cells_as_written, seconds
from crescendo.trainables.errors import InputError

_OBSERVATION, _DATE, _SUBJECT, _BEHAVIOR = "observation id", "observation date", "subject", "behavior"
_START, _STOP, _TIME = "start (s)", "stop (s)", "time"
_KIND = ("status", "behavior type")
_MEDIA = ("media file", "media file name", "media file path")
_NOBODY = "no focal subject"

Row = Mapping[str, str]


def is_one(text: str) -> bool:
    """Tell whether `text` is such an export: it has a line of names with a behavior and its times."""
    return _header(cells(text, "")) is not None


def read(file: MarkedFile) -> list[Track]:
    """Return a track for each observation.

    Raises
    ------
    InputError
        If a behavior starts and does not stop, or the other way round.
    """
    written = cells_as_written(file.text, file.where)
    rows = [[cell.strip() for cell in row] for row in written]
    at = _header(rows) or 0
    names = [name.lower() for name in rows[at]]
    above = {row[0].lower(): row[1] for row in rows[:at] if len(row) > 1}
    observations: dict[str, list[Row]] = {}
    for row in written[at + 1 :]:
        said = zip(names, row, strict=False)
        # Of the blanks at the ends of a label it is told that they are dropped.
        one = {**above, **{name: cell if name == _BEHAVIOR else cell.strip() for name, cell in said}}
        observations.setdefault(one.get(_OBSERVATION) or file.stem, []).append(one)
    if not observations:  # nothing was seen
        observations = {above.get(_OBSERVATION) or file.stem: []}
    return [_track(file, name, found) for name, found in observations.items()]


def _track(file: MarkedFile, observation: str, rows: Sequence[Row]) -> Track:
    paired = all(_START in row for row in rows)
    segments, points = solid(
        list(_aggregated(rows, file.where) if paired else _pairs(rows, observation, file.where)), file.where
    )
    media = {PurePosixPath(row[key].replace("\\", "/")).stem for row in rows for key in _MEDIA if row.get(key)} - {""}
    subjects = sorted({row.get(_SUBJECT, "") for row in rows} - {""})
    known = {_OBSERVATION, _DATE, _BEHAVIOR, _START, _STOP, _TIME, *_KIND, *_MEDIA}
    said = {key: {row.get(key, "") for row in rows} for key in rows[0]} if rows else {}
    keys = {
        key: next(iter(values))
        for key, values in said.items()
        if key not in known and len(values) == 1 and values != {""}
    }
    if [one for one in subjects if one.lower() != _NOBODY] != subjects:
        keys.pop(_SUBJECT, None)
    # Times are those of the observation, so that several videos in it have none of their own.
    names = (observation, *(media if len(media) == 1 else ()))
    made = moment(rows[0].get(_DATE, ""), file.written) if rows else file.written
    return Track(names, segments, made, observation, file.name, keys, points)


def _aggregated(rows: Sequence[Row], where: str) -> Iterator[Segment]:
    for row in rows:
        yield Segment(_behavior(row, where), _time(row, _START, where), _time(row, _STOP, where))


def _pairs(rows: Sequence[Row], observation: str, where: str) -> Iterator[Segment]:
    """Yield a segment for each start and the stop after it, of one subject, behavior and modifiers."""
    running: dict[tuple[str, ...], float] = {}
    for row in rows:
        behavior, time = _behavior(row, where), _time(row, _TIME, where)
        kind = next((row[key].upper() for key in _KIND if row.get(key)), "")
        modifiers = tuple(cell for key, cell in row.items() if key.startswith("modifier"))
        key = (row.get(_SUBJECT, ""), behavior.strip(), *modifiers)
        if kind == "POINT":
            yield Segment(behavior, time, time)
        elif kind == "START" and key not in running:
            running[key] = time
        elif kind == "STOP" and key in running:
            yield Segment(behavior, running.pop(key), time)
        else:
            fault = f"{kind or 'event of no kind'} of {behavior!r:.80} at {time:g} s"
            raise InputError(
                f"{where}: observation {observation!r:.80}: {fault} does not fit what comes before it; expected START and STOP "
                "in turn"
            )
    if running:
        (_, behavior, *_), time = next(iter(running.items()))
        raise InputError(
            f"{where}: observation {observation!r:.80}: {behavior!r:.80}, which starts at {time:g} s, has no STOP"
        )


def _behavior(row: Row, where: str) -> str:
    if not (behavior := row.get(_BEHAVIOR, "")).strip():
        raise InputError(f"{where}: has an event without a behavior ({','.join(row.values())!r:.80})")
    return behavior


def _time(row: Row, key: str, where: str) -> float:
    try:
        return seconds(row.get(key, ""))
    except ValueError:
        raise InputError(
            f"{where}: {key!r} is {row.get(key, '')!r:.40} of {row.get(_BEHAVIOR, '')!r:.80}; expected seconds"
        ) from None


def _header(rows: Sequence[Sequence[str]]) -> int | None:
    for at, row in enumerate(rows):
        names = {cell.lower() for cell in row}
        if _BEHAVIOR in names and ({_START, _STOP} <= names or (_TIME in names and names.intersection(_KIND))):
            return at
    return None
