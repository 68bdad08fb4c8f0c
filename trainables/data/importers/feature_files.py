"""The one reader of feature files: a file per recording, whatever its format, or one HDF5 file of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from crescendo.trainables.data.annotations import listed
from crescendo.trainables.data.importers.array_files import HDF5, SUFFIXES, TABLES, open_arrays, suffix
from crescendo.trainables.data.importers.arrays import Announced, ArrayFile, Shape, matrix_shape
from crescendo.trainables.data.importers.external import Features
from crescendo.trainables.data.importers.hdf5 import Hdf5File
from crescendo.trainables.data.importers.label_vectors import COLUMNS
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.recording_names import FileNames
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

# A column y may as well be an axis of a sensor.
_LABELS = frozenset(COLUMNS) - {"y"}
# `Unnamed: 0` is how pandas reads the index that it wrote.
_NUMBERS = frozenset({"", "unnamed: 0", "index", "frame", "time", "timestamp"})
"""Columns that most likely count frames or tell the time, by which a network could learn when things use to happen."""


class _Chosen(NamedTuple):
    """Which arrays of a file are the features: one matrix, or the columns of a table."""

    names: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    is_table: bool


class FeatureFiles:
    """One file per recording, named like it (or `v_` and its name): one matrix in it, or a table with a row a frame."""

    def __init__(
        self,
        files: RawFiles,
        names: Sequence[str],
        key: str = "",
        leave: Collection[str] = (),
        option: str = "--features-from",
    ) -> None:
        """Take those of `names` that can hold features.

        `key` is the array that holds the features where a file has several; the columns `leave` of a table are none. `option`
        is what says where the files lie.
        """
        self._files, self._key, self._leave, self._option = files, key, frozenset(leave), option
        self._names: dict[str, list[str]] = {}
        for name in names:
            if suffix(name) in SUFFIXES:
                self._names.setdefault(PurePosixPath(name).stem, []).append(name)
        self._stems = FileNames(self._names)
        self._columns: tuple[str, tuple[str, ...]] | None = None
        self._left: Counter[str] = Counter()
        self._shapes: dict[str, Shape] = {}

    def __contains__(self, recording: object) -> bool:
        return bool(self._stems.of(str(recording)))

    def name(self, recording: str) -> str:
        """Return the recording's file; `InputError` if there are several."""
        found = self._names[self._stems.of(recording)[0]]
        if len(found) > 1:
            raise InputError(
                f"{self._files.path}: {found[0]} and {found[1]} stand for the same recording; say which files hold the "
                f"features ({self._option})"
            )
        return found[0]

    def where(self, recording: str) -> str:
        """Return the path of the recording's file."""
        return self._files.where(self.name(recording))

    def shape(self, recording: str) -> Shape:
        """Return the shape of its matrix; of a CSV file, all is read for it, once."""
        if recording not in self._shapes:
            self._shapes[recording] = self._shape(recording)
        return self._shapes[recording]

    def _shape(self, recording: str) -> Shape:
        name, where = self.name(recording), self.where(recording)
        with open_arrays(self._files, name) as file:
            chosen = self._choose(file, name)
            self._see(recording, file, chosen)
            return matrix_shape(chosen.shape, chosen.dtype, where)

    def read(self, recording: str) -> np.ndarray:
        """Return the matrix; of a table its columns side by side."""
        name = self.name(recording)
        with open_arrays(self._files, name) as file:
            chosen = self._choose(file, name)
            if not chosen.is_table:
                return file.read(chosen.names[0])
            return np.stack([file.read(column).astype(chosen.dtype) for column in chosen.names], axis=1)

    def sought(self, recording: str) -> str:
        """Return the files that could hold the recording's features."""
        called = FileNames((recording, f"v_{recording}"))
        others = [
            name for name in self._files.names if suffix(name) not in SUFFIXES and called.of(PurePosixPath(name).stem)
        ]
        no_kind = f", which {listed(others)} {agreeing(len(others), 'is', 'are')} not" if others else ""
        return f"a file {recording} or v_{recording} ({', '.join(SUFFIXES)}){no_kind}"

    def unused(self, recordings: Iterable[str]) -> list[str]:
        """Return the files that stand for none of `recordings`, sorted."""
        stems = set(self._names).difference(*(self._stems.of(name) for name in recordings))
        return sorted(name for stem in stems for name in self._names[stem])

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns of the tables whose shapes were looked at; none where there are none."""
        return self._columns[1] if self._columns else ()

    def notes(self) -> list[str]:
        """Return, in lines, what was left out of the files whose shapes were looked at, and what seems to be no feature."""
        return [
            *(
                f"{array} is no feature and was left out ({counted(count, 'file')})"
                for array, count in self._left.items()
            ),
            *(
                f"the column {column!r} is a feature, as all columns of numbers are; take it out of the tables if it "
                f"{'is the label' if column.lower() in _LABELS else 'only counts the frames'}"
                for column in self.columns()
                if column.lower() in _LABELS | _NUMBERS
            ),
        ]

    def _choose(self, file: ArrayFile, name: str) -> _Chosen:
        if suffix(name) in TABLES:
            return self._table(file, name)
        found, where = file.announced, self._files.where(name)
        if self._key:
            if self._key not in found:
                raise InputError(f"{where}: lacks {self._key!r} (--feature-key); it holds {_listed(found)}")
            chosen = self._key
        else:
            matrices = [key for key, one in found.items() if _is_matrix(one, "f")]
            matrices = matrices or [key for key, one in found.items() if _is_matrix(one, "iu")]
            if len(found) != 1 and len(matrices) != 1:
                raise InputError(
                    f"{where}: must hold one matrix but holds {len(found)}: {_listed(found)}; name it with --feature-key"
                )
            chosen = next(iter(found if len(found) == 1 else matrices))
        return _Chosen((chosen,), found[chosen].shape, found[chosen].dtype, False)

    def _table(self, file: ArrayFile, name: str) -> _Chosen:
        if self._key:
            raise InputError(f"{self._files.where(name)}: is a table, all of whose columns of numbers are features; "
                             "--feature-key is for .npz, .mat and HDF5")  # fmt: skip
        columns = {
            key: one for key, one in file.announced.items() if key not in self._leave and one.dtype.kind in "biuf"
        }
        if not columns:
            raise InputError(f"{self._files.where(name)}: has no column of numbers; it has {_listed(file.announced)}")
        kinds = {one.dtype for one in columns.values()}
        kind = next(iter(kinds)) if len(kinds) == 1 and next(iter(kinds)).kind == "f" else np.dtype(np.float64)
        rows = next(iter(columns.values())).shape[0]
        return _Chosen(tuple(columns), (rows, len(columns)), kind, True)

    def _see(self, recording: str, file: ArrayFile, chosen: _Chosen) -> None:
        # Without names the table is a plain matrix, which may lie on its side.
        if chosen.is_table and not all(column.isdecimal() for column in chosen.names):
            first, columns = self._columns or (recording, chosen.names)
            if columns != chosen.names:
                differs = next(iter(sorted(set(columns) ^ set(chosen.names))), "another order")
                raise InputError(
                    f"{self.where(recording)}: its columns of numbers are not those of {first!r} ({differs}); "
                    "all recordings must have the same, in the same order"
                )
            self._columns = (first, columns)
        kind = "the column" if chosen.is_table else "the array"
        self._left.update(f"{kind} {key!r}" for key in file.announced if key not in {*chosen.names, *self._leave})


def features_of(
    files: RawFiles, names: Sequence[str], recordings: Collection[str], key: str = "", leave: Collection[str] = ()
) -> Features:
    """Return the matrices in the files `names`: a file per recording, or one HDF5 file of all.

    Raises
    ------
    InputError
        If that HDF5 file lies in a zip, or is none.
    """
    found = FeatureFiles(files, names, key, leave)
    hdf5 = [name for name in names if suffix(name) in HDF5]
    if len(hdf5) != 1 or any(name in found for name in recordings):
        return found
    local = files.local(hdf5[0])
    if local is None:
        raise InputError(
            f"{files.where(hdf5[0])}: is in a zip; unpack it, an HDF5 file of all recordings is read in place"
        )
    return Hdf5File(local)


def _is_matrix(one: Announced, kinds: str) -> bool:
    return len(one.shape) == 2 and min(one.shape) > 1 and one.dtype.kind in kinds


def _listed(found: Mapping[str, Announced]) -> str:
    return f"{', '.join(found):.80}" or "nothing"
