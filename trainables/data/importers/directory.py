"""Anyone's data: annotations in ActivityNet's format, one feature matrix per recording, and a frame rate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.importers.annotation_source import DEFAULT, find, opened
from crescendo.trainables.data.importers.base import CLIP, Reporter, SilentReporter
from crescendo.trainables.data.importers.external import without_recording
from crescendo.trainables.data.importers.group_source import grouped
from crescendo.trainables.data.importers.label_map import read_changes, relabelled
from crescendo.trainables.data.importers.own_data import OwnData, described, left_out, told, write_own
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.splits import given_folds, given_split
from crescendo.trainables.data.importers.time_axis import time_first
from crescendo.trainables.data.label_blanks import trimmed
from crescendo.trainables.data.splits import Splits
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import parse_json


@told
def import_directory(
    source: Annotated[Path | str, "Folder or zip with annotations and a feature file per recording."],
    destination: Path | str,
    *,
    annotations: Annotated[
        str, "File, folder or pattern in SOURCE of the annotations; default: annotations.json, .csv ..."
    ] = DEFAULT,
    tier: Annotated[
        list[str] | None, "Tier of ELAN files that holds labels; may be repeated; default: all with times."
    ] = None,
    splits: Annotated[str, "Path of a file in SOURCE that divides the recordings into folds; default: none."] = "",
    clip: Annotated[bool, CLIP] = False,
    own: OwnData,
    reporter: Reporter | None = None,
) -> Dataset:
    """Prepare a folder (or zip) of annotations and matrices (frames x features), as docs/data.md shows.

    Annotations are ActivityNet's JSON, or what a tool wrote (`annotation_tools`): what they hold tells. Matrices are files of
    NumPy, MATLAB, HDF5, CSV or Parquet (`feature_files`).

    Subsets are named `training`, `validation` and `test` (`train`, `val` and `testing` are understood). Without a
    validation subset a fifth of the training recordings becomes one, whole groups, chosen by the hash of their names.

    Raises
    ------
    InputError
        If the annotations or matrices are missing, damaged or contradict each other, or `destination` exists.
    """
    reporter = reporter or SilentReporter()
    changes = read_changes(own.labels)
    with opened(source, annotations) as files:
        found = find(files, annotations, tier or (), own, clip, (splits, own.group))
        plain, blanks = trimmed(found.annotations)
        renamed, changed = relabelled(plain, changes, own.labels)
        in_groups, groups = grouped(renamed, own.group, files)
        split, decided = given_split(in_groups, found.where, own.test)
        folds, divided = ({}, []) if not splits else _folds(files, splits, split)
        turned, axis = found.matrices, list[str]()
        if not found.axis_found:
            turned, axis = time_first(found.matrices, split.recordings, own.fps, own.time_axis)
        left = [*without_recording(found.features, split.recordings, found.unread), *left_out(found.features)]
        notes = [
            *found.notes, *found.annotations.notes, *blanks, *changed, *groups, *decided, *divided, *axis, *left
        ]  # fmt: skip
        features = described(found.features, "as given")
        return write_own(source, destination, own, split, turned, notes, reporter, features, splits=folds)


def _folds(files: RawFiles, splits: str, annotations: Annotations) -> tuple[Splits, list[str]]:
    where = files.where(splits)
    if splits not in files:
        raise InputError(f"{where}: no such file; splits name a file in SOURCE, by its path there")
    return given_folds(parse_json(files.read_bytes(splits), where), annotations, where)
