"""Vectors of labels, one a frame: a line each in text, an array, or a column of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from crescendo.trainables.data.importers.array_files import SUFFIXES, TABLES, open_arrays, suffix
from crescendo.trainables.data.importers.arrays import ArrayFile
from crescendo.trainables.data.importers.layout import read_given
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.label_blanks import dropped_blanks
from crescendo.trainables.data.recording_names import FileNames
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.reading import decoded

_TEXT = ".txt"
COLUMNS = ("label", "labels", "activity", "action", "class", "target", "y", "gt", "ground_truth", "groundtruth")
"""What a column of labels, or an array of them among others, is called, in small letters."""
_MAPPED = re.compile(r"(-?\d+)[\s,:;]+(\S.*)")


@dataclass(frozen=True)
class LabelVector:
    """A recording's labels: `codes`, (frames,) int64, are indices into `names`; numbers are written as text."""

    names: tuple[str, ...]
    codes: np.ndarray


class LabelFiles:
    """One file of labels per recording, named like it."""

    def __init__(self, files: RawFiles, names: Sequence[str], key: str = "", option: str = "--labels-from") -> None:
        """Take those of `names` that can hold labels; `key` is the array or column that does, `option` said where they lie."""
        self._files, self._key, self._option = files, key, option
        self._names: dict[str, list[str]] = {}
        for name in names:
            if suffix(name) in (_TEXT, *SUFFIXES):
                self._names.setdefault(PurePosixPath(name).stem, []).append(name)
        self._stems = FileNames(self._names)

    @property
    def recordings(self) -> tuple[str, ...]:
        """The recordings, sorted."""
        return tuple(sorted(self._names))

    def __contains__(self, recording: object) -> bool:
        return bool(self._stems.of(str(recording)))

    def name(self, recording: str) -> str:
        """Return the recording's file; `InputError` if there are several. Text goes before arrays."""
        found = self._names[self._stems.of(recording)[0]]
        text = [name for name in found if suffix(name) == _TEXT]
        chosen = text if len(text) == 1 else found
        if len(chosen) > 1:
            raise InputError(
                f"{self._files.path}: {chosen[0]} and {chosen[1]} stand for the same recording; say which files hold the "
                f"labels ({self._option})"
            )
        return chosen[0]

    def where(self, recording: str) -> str:
        """Return the path of the recording's file."""
        return self._files.where(self.name(recording))

    def key(self, recording: str) -> str:
        """Return the array or column that holds the recording's labels; '' of a file of nothing else."""
        name = self.name(recording)
        if suffix(name) == _TEXT:
            return ""
        with open_arrays(self._files, name) as file:
            return self._choose(file, name)

    def read(self, recording: str) -> LabelVector:
        """Return the recording's labels.

        Raises
        ------
        InputError
            If the file is damaged, or holds no vector of text or whole numbers.
        """
        name, where = self.name(recording), self.where(recording)
        if suffix(name) == _TEXT:
            lines = self._files.read_text(name).lstrip("\ufeff").splitlines()
            while lines and not lines[-1].strip():
                lines.pop()
            return _vector(np.asarray(lines, dtype=np.str_), where)
        with open_arrays(self._files, name) as file:
            key = self._choose(file, name)
            if (kind := file.announced[key].dtype).hasobject:
                raise _untyped(where, kind)
            return _vector(file.read(key), where)

    def _choose(self, file: ArrayFile, name: str) -> str:
        found, where = file.announced, self._files.where(name)
        what = "column" if suffix(name) in TABLES else "array"
        if self._key:
            if self._key not in found:
                raise InputError(f"{where}: has no {what} {self._key!r} (--label-key); it has {', '.join(found):.80}")
            return self._key
        if len(found) == 1:
            return next(iter(found))
        called = [one for one in found if one.lower() in COLUMNS]
        if len(called) != 1:
            raise InputError(
                f"{where}: has {len(found)} {what}s ({', '.join(found):.80}); name the one of labels with --label-key"
            )
        return called[0]


def _untyped(where: str, kind: np.dtype[Any]) -> InputError:
    return InputError(
        f"{where}: holds values of type {kind} (a cell array or another); labels are text or whole numbers"
    )


def _vector(values: np.ndarray, where: str) -> LabelVector:
    if values.size == 0 or values.size != max(values.shape, default=0):
        raise InputError(
            f"{where}: has shape {values.shape}; expected one label a frame, a vector (of scores of all labels, the largest's)"
        )
    flat = values.reshape(-1)
    if flat.dtype.kind not in "biufUS":
        raise _untyped(where, flat.dtype)
    if flat.dtype.kind == "f":
        bad = np.flatnonzero(~(np.isfinite(flat) & (flat == np.round(flat)) & (np.abs(flat) < 2**53)))
        if len(bad):
            raise InputError(f"{where}: frame {bad[0]} has label {flat[bad[0]]}; labels are text or whole numbers")
        flat = flat.astype(np.int64)
    elif flat.dtype.kind == "b":
        flat = flat.astype(np.int64)
    elif flat.dtype.kind == "S":
        try:
            flat = np.char.decode(flat, "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: its labels are no text in UTF-8 ({error})") from None
    unique, codes = np.unique(flat, return_inverse=True)
    return LabelVector(tuple(str(one) for one in unique.tolist()), codes.astype(np.int64))


def read_mapping(files: RawFiles, name: str) -> tuple[Mapping[str, str], list[str]]:
    """Return number -> label, in the order of the lines, of a file with a number and a label a line; what was done, in lines.

    `name` is a file of `files`, or one elsewhere.

    Raises
    ------
    InputError
        If a line holds anything else, or a number or a label stands twice.
    """
    mapping: dict[str, str] = {}
    written = Counter[str]()
    where, data = read_given(files, name)
    for number, line in enumerate(decoded(data, where).splitlines(), 1):
        if not line.strip():
            continue
        match = _MAPPED.fullmatch(line.lstrip())
        if match is None:
            raise InputError(f"{where}: line {number} is {line.strip()!r:.80}; expected a number and a label")
        key, label = str(int(match[1])), match[2].strip()
        if key in mapping or label in mapping.values():
            raise InputError(f"{where}: line {number}: {key if key in mapping else label!r} stands twice")
        mapping[key] = label
        written[match[2]] += 1
    if not mapping:
        raise InputError(f"{where}: holds no labels; expected a number and a label a line")
    return mapping, dropped_blanks(written, f"line of {name}")
