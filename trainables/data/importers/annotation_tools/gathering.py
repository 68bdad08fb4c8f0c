"""From files of annotations to one object of ActivityNet's form: which track is whose, and which of several counts."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from zipfile import BadZipFile

from crescendo.trainables.data.annotations import listed
from crescendo.trainables.data.importers.annotation_tools.recognition import (
    ACTIVITYNET,
    KNOWN,
    Marked,
    may_annotate,
    recognised,
)
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile, Track
from crescendo.trainables.data.importers.delimited import seconds
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted
from crescendo.trainables.storage.reading import unpack

SUFFIXES = (".json", ".gz", ".csv", ".tsv", ".txt", ".eaf")
"""Of files of annotations in a folder that holds others as well."""
_BEGINNING = 2**12
"""Bytes of a file that nobody named that tell what it is."""
_OWN = ("subset", "group", "duration")


class Gathered(NamedTuple):
    """What the files hold: `content` of ActivityNet's form, or `tracks`; `notes` says what was decided."""

    content: Any
    tracks: tuple[Track, ...]
    notes: tuple[str, ...]


def gathered(files: RawFiles, names: Sequence[str], tiers: Collection[str] = ()) -> Gathered:
    """Read the annotation files `names` of `files`; `tiers` are those of ELAN that count.

    Raises
    ------
    InputError
        If one is of no known form, or there are several of ActivityNet's; or as their readers.
    """
    marked = {name: _recognised(files, name, tiers) for name in names}
    content = [name for name, one in marked.items() if one.tool == ACTIVITYNET]
    if content and len(marked) > 1:
        raise InputError(
            f"{files.where(content[0])}: is one of {len(marked)} files of annotations; {ACTIVITYNET} holds all recordings in one "
            "file, name it with --annotations"
        )
    if content:
        return Gathered(marked[content[0]].content, (), ())
    tools = Counter(one.tool for one in marked.values())
    told = ", ".join(f"{tool} ({counted(count, 'file')})" if count > 1 else tool for tool, count in tools.items())
    tracks = tuple(track for one in marked.values() for track in one.tracks)
    if not tracks:
        raise InputError(f"{files.where(names[0])}: annotates no recording ({told})")
    noted: dict[str, list[str]] = {}
    for track in tracks:
        for what, found in track.notes.items():
            noted.setdefault(what, []).extend(f"{track.names[0]} {one}" for one in found)
    for one in marked.values():
        for what, found in one.notes.items():
            noted.setdefault(what, []).extend(found)
    lines = (f"{what}: {len(found):,}: {listed(found)}" for what, found in noted.items())
    return Gathered(None, tracks, (f"annotations: {told}", *lines))


def newest(tracks: Sequence[Track], there: Callable[[str], bool]) -> tuple[dict[str, Track], list[str]]:
    """Return recording -> its newest track, and in lines which others there were.

    A track is of the first of its `names` that is `there`, among the features; of its first name if none is.

    Raises
    ------
    InputError
        If two of a recording are equally new, and are no rows of one table, which come one after the other.
    """
    of: dict[str, list[Track]] = {}
    for track in tracks:
        of.setdefault(next(filter(there, track.names), track.names[0]), []).append(track)
    chosen = {name: max(several, key=lambda one: (one.made, one.order)) for name, several in of.items()}
    for name, one in chosen.items():
        rivals = (other for other in of[name] if other is not one and other.made == one.made)
        rival = next((other for other in rivals if other.file != one.file or other.order == one.order), None)
        equal = f"both annotate recording {name!r:.80} and are equally new"
        if rival is not None and rival.file == one.file:
            raise InputError(f"{one.file}: {one.by} and {rival.by} {equal}; leave one out, or say when each was made")
        if rival is not None:
            raise InputError(f"{one.file} and {rival.file}: {equal}; name those that count with --annotations")
    several = {name: [one for one in found if one is not chosen[name]] for name, found in of.items() if len(found) > 1}
    if not several:
        return chosen, []
    first = next(iter(several))
    newer, older = chosen[first], ", ".join(dict.fromkeys(one.by for one in several[first]))
    undated = any(one.made == newer.made for one in several[first])
    why = f"last in {newer.file}" if undated else _day(newer.made)
    return chosen, [
        f"{len(several)} of {counted(len(of), 'recording')} {agreeing(len(several), 'has', 'have')} several annotators, the "
        f"newest counts: of {first!r:.80} that of {newer.by} ({why}), not {older:.80}"
    ]


def activitynet_content(
    tracks: Mapping[str, Track], durations: Mapping[str, float], subsets: Mapping[str, str]
) -> dict[str, Any]:
    """Return the object of ActivityNet's form that says what `tracks`, by recording, do.

    A track's own `duration` and `subset` count before `durations` and `subsets`; without either a recording is training.
    """
    return {
        "version": "crescendo 1",
        "database": {
            name: {
                "duration": durations[name],
                "subset": track.keys.get("subset", subsets.get(name, "training")).lower(),
                "annotations": [{"segment": [one.start, one.end], "label": one.label} for one in track.segments],
                **({"group": track.keys["group"]} if "group" in track.keys else {}),
                **{key: value for key, value in track.keys.items() if key not in (*_OWN, "annotations")},
            }
            for name, track in tracks.items()
        },
    }


def said_duration(track: Track) -> float | None:
    """Return the duration that the track says, in seconds; None if it says none."""
    try:
        return seconds(track.keys["duration"]) if "duration" in track.keys else None
    except ValueError:
        raise InputError(f"{track.file}: duration {track.keys['duration']!r:.80} is no number of seconds") from None


def annotation_files(files: RawFiles, names: Sequence[str], given: str) -> tuple[str, ...]:
    """Return those of `names`, which `given` stands for, that can hold annotations by their suffix.

    Raises
    ------
    InputError
        If there are none.
    """
    if given in files:
        return (given,)
    found = tuple(name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(
            f"{files.where(given)}: holds no annotations but {', '.join(map(str, names)):.80} (--annotations); expected {KNOWN}"
        )
    return found


def unread(files: RawFiles, names: Sequence[str]) -> list[str]:
    """Return those of `names` that seem to hold annotations, as they begin."""
    likely = [name for name in names if name.lower().endswith((*SUFFIXES, ".textgrid"))]
    return [name for name in likely if _seems_to_annotate(files, name)]


def _seems_to_annotate(files: RawFiles, name: str) -> bool:
    try:
        with files.open(name) as file:
            beginning = file.read(_BEGINNING).decode(errors="ignore").removeprefix("\ufeff")
        return may_annotate(name, beginning)
    except (InputError, OSError, EOFError, BadZipFile, zlib.error):
        return False  # nobody asked for it


def _recognised(files: RawFiles, name: str, tiers: Collection[str]) -> Marked:
    where, data = files.where(name), files.read_bytes(name)
    plain = unpack(data, where) if name.lower().endswith(".gz") else data
    if plain.startswith(b"PK\x03\x04"):
        raise InputError(f"{where}: is a spreadsheet, or another zip; save it as CSV")
    try:
        # Spreadsheets write UTF-16, too; a text's first bytes tell.
        text = plain.decode(json.detect_encoding(plain)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: must be UTF-8 text but byte {error.start} is not; save it as UTF-8") from None
    return recognised(MarkedFile(name, where, text, files.written(name)), tiers)


def _day(made: float) -> str:
    return datetime.fromtimestamp(made, UTC).strftime("%Y-%m-%d")
