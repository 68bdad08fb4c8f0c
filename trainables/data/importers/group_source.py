"""Which person, session or camera a recording is of: a file says so, a key of the annotations, or the recordings' names."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from crescendo.trainables.data.annotations import Annotations, label_text, listed
from crescendo.trainables.data.groups import GROUPS
from crescendo.trainables.data.importers.delimited import cells
from crescendo.trainables.data.importers.layout import read_given
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.split_lists import recording_of
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted
from crescendo.trainables.storage.files import user_path
from crescendo.trainables.storage.json_files import parse_json
from crescendo.trainables.storage.reading import decoded
from crescendo.trainables.storage.yaml_values import yaml_value

HELP = (
    "Who or what a recording is of: a file (CSV, JSON, YAML) of recordings and groups, a key of the annotations "
    "(subject), or a pattern of names with one part in brackets: '(S[0-9]+)_.*'."
)
NOUNS = {
    "subject": "subjects", "person": "people", "user": "users", "participant": "participants", "patient": "patients",
    "actor": "actors", "speaker": "speakers", "animal": "animals", "session": "sessions", "camera": "cameras",
    "video": "videos", "day": "days", "site": "sites",
}  # fmt: skip
"""What a group is called -> what groups are."""
_RECORDING = ("recording", "video", "file", "filename", "name", "id")
_JSON, _YAML, _CSV = (".json",), (".yaml", ".yml"), (".csv", ".tsv", ".txt")


def grouped(annotations: Annotations, given: str, files: RawFiles) -> tuple[Annotations, list[str]]:
    """Return `annotations` with the groups that `given` says (the option `--group`; '': those that it has), and notes.

    Raises
    ------
    InputError
        If `given` is none of a file, a key and a pattern, or says nothing of any recording.
    """
    if not given:
        return annotations, []
    if is_file(given, files):
        of, are = _of_file(given, files)
    elif "(" in given:
        of, are = _of_names(annotations, given), GROUPS
    elif PurePosixPath(given).suffix.lower() in (*_JSON, *_YAML, *_CSV):
        raise InputError(f"--group {given}: no such file, neither here nor in SOURCE")
    else:
        of, are = _of_key(annotations, given), NOUNS.get(given.lower(), GROUPS)
    return _with_groups(annotations, of, are, given)


def is_file(given: str, files: RawFiles) -> bool:
    """Tell whether `given`, the option `--group`, names a file, in SOURCE or elsewhere."""
    return bool(given) and (given in files or os.path.lexists(user_path(given)))


def _with_groups(
    annotations: Annotations, of: Mapping[str, str], are: str, given: str
) -> tuple[Annotations, list[str]]:
    are = annotations.groups_are if are == GROUPS else are
    found = {_same(recording): group for recording, group in of.items()}
    names = {_same(name) for name in annotations.recordings}
    recordings = {
        name: replace(one, group=found.get(_same(name), one.group)) for name, one in annotations.recordings.items()
    }
    lacking = [name for name in recordings if _same(name) not in found]
    if len(lacking) == len(recordings):
        raise InputError(
            f"--group {given}: says nothing of any recording; it names {', '.join(of):.80}; there are "
            f"{', '.join(recordings):.80}"
        )
    groups = {found[_same(name)] for name in recordings if _same(name) in found}
    notes = [
        f"groups by {given}: {counted(len(recordings) - len(lacking), 'recording')} of {counted(len(groups), 'group', are)}"
    ]
    own = [name for name in lacking if recordings[name].group is not None]
    if own:
        notes.append(
            f"{counted(len(own), 'recording keeps', 'recordings keep')} the group of the annotations: {listed(own)}"
        )
    alone = [name for name in lacking if recordings[name].group is None]
    if alone:
        notes.append(
            f"{counted(len(alone), 'recording has', 'recordings have')} no group and "
            f"{agreeing(len(alone), 'stands', 'stand')} alone: {listed(alone)}"
        )
    unknown = sorted(recording for recording in of if _same(recording) not in names)
    if unknown:
        notes.append(
            f"{counted(len(unknown), 'recording')} of {given} {agreeing(len(unknown), 'is', 'are')} not in the data: "
            f"{listed(unknown)}"
        )
    return replace(annotations, recordings=recordings, groups_are=are), notes


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _of_key(annotations: Annotations, key: str) -> dict[str, str]:
    values = {name: _value(one.extra, key) for name, one in annotations.recordings.items()}
    of = {name: text for name, value in values.items() if (text := label_text(value)) is not None}
    if not of:
        keys = sorted({one for recording in annotations.recordings.values() for one in recording.extra})
        raise InputError(
            f"--group {key}: is neither a file nor a key of the annotations that holds text or numbers; "
            f"there are the keys {', '.join(keys) or '(none)':.120}"
        )
    return of


def _value(keys: Mapping[str, Any], key: str) -> Any:
    """Return the value of `key`, or of what is called so in small or large letters."""
    return keys.get(key, next((value for name, value in keys.items() if name.lower() == key.lower()), None))


def _of_names(annotations: Annotations, pattern: str) -> dict[str, str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--group {pattern:.80}: is no regular expression ({error})") from None
    if compiled.groups != 1:
        raise InputError(f"--group {pattern:.80}: must have one part in brackets, the group, but has {compiled.groups}")
    found = {name: compiled.fullmatch(name) for name in annotations.recordings}
    of = {name: match[1] for name, match in found.items() if match is not None and match[1]}
    if not of:
        raise InputError(
            f"--group {pattern:.80}: fits no recording from end to end; there are {', '.join(annotations.recordings):.120}"
        )
    return of


def _of_file(given: str, files: RawFiles) -> tuple[dict[str, str], str]:
    """Return recording -> group, and what groups are."""
    where, data = read_given(files, given)
    kind = PurePosixPath(given).suffix.lower()
    if kind in _JSON:
        return _of_mapping(parse_json(data.removeprefix(b"\xef\xbb\xbf"), where), where), GROUPS
    text = decoded(data, where)
    return (_of_mapping(yaml_value(text, where), where), GROUPS) if kind in _YAML else _of_table(text, where)


def _of_mapping(content: Any, where: str) -> dict[str, str]:
    """Return recording -> group of an object with recordings and their groups, or groups and lists of their recordings."""
    if not isinstance(content, dict) or not content:
        raise InputError(f"{where}: must map recordings to groups (RECORDING: GROUP)")
    pairs = [
        (recording, group) if isinstance(value, list) else (group, value)
        for group, value in content.items()
        for recording in (value if isinstance(value, list) else (None,))
    ]
    return _unique([(str(recording), label_text(group)) for recording, group in pairs], where)


def _of_table(text: str, where: str) -> tuple[dict[str, str], str]:
    rows = cells(text, where)
    if not rows or len(rows[0]) < 2:
        raise InputError(f"{where}: must have a line RECORDING,GROUP for each recording")
    named = [cell.lower() for cell in rows[0]]
    headed = named[0] in _RECORDING or any(cell in ("group", *NOUNS) for cell in named[1:])
    kept = [number for number, cell in enumerate(named) if cell in ("group", *NOUNS) and number > 0]
    if len(rows[0]) > 2 and len(kept) != 1:
        raise InputError(
            f"{where}: has {counted(len(rows[0]), 'column')}; keep the recording and its group, or call one column group"
        )
    column = kept[0] if headed and kept else 1
    short = next((row for row in rows if len(row) <= column), None)
    if short is not None:
        raise InputError(f"{where}: the line {','.join(short)!r:.80} has no group; expected RECORDING,GROUP")
    pairs = [(row[0], row[column]) for row in rows[1 if headed else 0 :]]
    return _unique([(recording, group or None) for recording, group in pairs], where), (
        NOUNS.get(named[column], GROUPS) if headed else GROUPS
    )


def _unique(pairs: list[tuple[str, str | None]], where: str) -> dict[str, str]:
    of: dict[str, str] = {}
    for entry, group in pairs:
        recording = recording_of(entry)
        if group is None:
            raise InputError(f"{where}: recording {recording!r:.80} has no group; it must be a text")
        if of.setdefault(recording, group) != group:
            raise InputError(f"{where}: recording {recording!r:.80} is of {of[recording]!r:.80} and of {group!r:.80}")
    return of
