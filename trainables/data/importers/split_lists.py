"""Lists of the recordings of each part: `train.bundle`, `test.txt`, `train.split2.bundle`, `Split_2/val.txt` ..."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

from crescendo.trainables.data.importers.array_files import SUFFIXES
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.splits import SUBSETS
from crescendo.trainables.errors import InputError

_KINDS = (".bundle", ".txt")
_PARTS = {
    "train": "training", "training": "training", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
_NAMED = "|".join(_PARTS)
_NUMBER = r"(?:split|fold)?[._-]?(?P<fold>\d+)"
_FORMS = (
    re.compile(rf"(?P<part>{_NAMED})(?:[._-]?{_NUMBER})?", re.IGNORECASE),
    re.compile(rf"{_NUMBER}[._-](?P<part>{_NAMED})", re.IGNORECASE),
)
_FOLDER = re.compile(r"(?:split|fold)[._-]?(\d+)", re.IGNORECASE)

Parts = TypeVar("Parts")
Lists = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Fold -> subset -> recordings; a division without a number is called ''."""


def list_files(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return fold -> subset -> file of those of `names` that are called as lists are, folds in order of their numbers.

    Raises
    ------
    InputError
        If two files are of the same part.
    """
    found: dict[str, dict[str, str]] = {}
    for name in names:
        path = PurePosixPath(name)
        match = _match(path)
        if match is None:
            continue
        above = next((number[1] for part in reversed(path.parts[:-1]) if (number := _FOLDER.fullmatch(part))), "")
        fold = match["fold"] or above
        parts = found.setdefault(fold, {})
        subset = _PARTS[match["part"].lower()]
        if subset in parts:
            raise InputError(f"{parts[subset]} and {name} both list the {subset} part; say which is meant (--splits)")
        parts[subset] = name
    return {
        fold: {subset: found[fold][subset] for subset in SUBSETS if subset in found[fold]}
        for fold in sorted(found, key=lambda one: (int(one or 0), one))
    }


def lists_among(names: Iterable[str]) -> list[str]:
    """Return those of `names` that are called as lists are."""
    return [name for name in names if _match(PurePosixPath(name)) is not None]


def _match(path: PurePosixPath) -> re.Match[str] | None:
    if path.suffix.lower() not in _KINDS:
        return None
    return next(filter(None, (form.fullmatch(path.stem) for form in _FORMS)), None)


def numbered(lists: Mapping[str, Parts]) -> dict[str, Parts]:
    """Return those of `lists`, by fold, that have a number."""
    return {fold: parts for fold, parts in lists.items() if fold}


def read_lists(files: RawFiles, found: Mapping[str, Mapping[str, str]]) -> Lists:
    """Return what the lists hold: a recording a line, with or without folders before it and the suffix of a file after it.

    Raises
    ------
    InputError
        If a list is empty, or names a recording twice; or a recording stands in two lists of a fold.
    """
    return {fold: _read(files, parts) for fold, parts in found.items()}


def _read(files: RawFiles, parts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    for subset, file in parts.items():
        lines = (line.strip() for line in files.read_text(file).lstrip("\ufeff").splitlines())
        names = tuple(recording_of(line) for line in lines if line)
        if not names:
            raise InputError(f"{files.where(file)}: lists no recording")
        for name in names:
            if name in owner:
                raise InputError(
                    f"{files.where(file)}: names {name!r:.80}, which {owner[name]} names already; once is right"
                )
            owner[name] = file
        lists[subset] = names
    return lists


def recording_of(entry: str) -> str:
    """Return the recording that a line of a list, or a file's path, stands for."""
    path = PurePosixPath(entry.replace("\\", "/"))
    return path.stem if path.suffix.lower() in (*SUFFIXES, ".txt") else path.name
