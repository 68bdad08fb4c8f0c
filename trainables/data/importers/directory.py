"""Anyone's data: annotations in ActivityNet's format, one feature matrix per recording, and a frame rate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from crescendo.trainables.data.annotations import Annotations, Recording, parse_annotations
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.data.importers.base import CLIP, Reporter, Silent
from crescendo.trainables.data.importers.external import Matrices, check_matrices, check_present
from crescendo.trainables.data.importers.feature_files import FeatureFiles, features_of
from crescendo.trainables.data.importers.label_map import HELP as LABELS
from crescendo.trainables.data.importers.label_map import read_changes, relabelled
from crescendo.trainables.data.importers.layout import selected
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.splits import given_folds, given_split
from crescendo.trainables.data.importers.time_axis import HELP, Transposed, check_axis, time_axes
from crescendo.trainables.data.splits import Splits
from crescendo.trainables.errors import InputError
from crescendo.trainables.files import parse_json


def import_directory(
    source: Annotated[Path | str, "Folder or zip with annotations and a feature file per recording."],
    destination: Path | str,
    *,
    fps: Annotated[float, "Rows of the feature matrices a second."],
    annotations: Annotated[str, "Path of the annotation file in SOURCE."] = "annotations.json",
    splits: Annotated[str, "Path of a file in SOURCE that divides the recordings into folds; default: none."] = "",
    name: Annotated[str, "Name of the data set; default: SOURCE's."] = "",
    licence: Annotated[str, "What may be done with the data."] = "not stated",
    features_from: Annotated[str, "Folder, pattern or one HDF5 file in SOURCE; default: anywhere in it."] = "",
    feature_key: Annotated[str, "Variable that holds the features, where a file has several."] = "",
    time_axis: Annotated[str, HELP] = "auto",
    labels: Annotated[Path | None, LABELS] = None,
    clip: Annotated[bool, CLIP] = False,
    reporter: Reporter | None = None,
) -> Dataset:
    """Prepare a folder (or zip) of annotations and matrices (frames x features), as docs/data.md shows.

    Matrices are files of NumPy, MATLAB, HDF5, CSV or Parquet (`feature_files`).

    Subsets are named `training`, `validation` and `test` (`train`, `val` and `testing` are understood). Without a
    validation subset a fifth of the training recordings becomes one, whole groups, chosen by the hash of their names.

    Raises
    ------
    InputError
        If the annotations or matrices are missing, damaged or contradict each other, or `destination` exists.
    """
    reporter = reporter or Silent()
    if not 0 < fps < float("inf"):
        raise InputError(f"fps must be a positive number but got {fps}")
    check_axis(time_axis)
    with RawFiles(
        source, annotations, f"a data set with {annotations} and one feature file per recording", literal=True
    ) as files:
        found = parse_annotations(files.read_bytes(annotations), files.where(annotations), clip=clip)
        renamed, changes = relabelled(found, read_changes(labels), labels)
        split, notes = given_split(renamed, files.where(annotations))
        folds, decided = ({}, []) if not splits else _folds(files, splits, split)
        names = selected(files, features_from, "--features-from") if features_from else files.names
        matrices = features_of(files, names, split.recordings, feature_key)
        check_present(matrices, split.recordings, str(source))
        turned, axis = _time_first(matrices, split.recordings, fps, time_axis)
        left = matrices.notes() if isinstance(matrices, FeatureFiles) else []
        notes = [*found.notes, *changes, *notes, *decided, *axis, *left]
        for note in notes:
            reporter.say(note)
        checked = check_matrices(turned, split.recordings, fps, str(source))
        return write_dataset(
            destination,
            DatasetMetadata(name or Path(source).stem, fps, "as given", str(Path(source).name), licence, tuple(notes)),
            split,
            frames=checked.frames,
            features=reporter.track(checked.matrices, len(checked.frames), "copying features"),
            feature_dim=checked.width,
            dtype=checked.dtype,
            splits=folds,
        )


def _folds(files: RawFiles, splits: str, annotations: Annotations) -> tuple[Splits, list[str]]:
    where = files.where(splits)
    if splits not in files:
        raise InputError(f"{where}: no such file; splits name a file in SOURCE, by its path there")
    return given_folds(parse_json(files.read_bytes(splits), where), annotations, where)


def _time_first(
    matrices: Matrices, recordings: Mapping[str, Recording], fps: float, axis: str
) -> tuple[Matrices, list[str]]:
    """Return the matrices as (frames, features), and what was decided; rows are frames unless only columns can be."""
    expected = {name: one.duration * fps for name, one in recordings.items()}
    tolerance = {name: tolerated_seconds(one.duration) * fps for name, one in recordings.items()}
    shapes = {name: matrices.shape(name) for name in recordings}
    found = axis == "auto" and time_axes(shapes, expected, tolerance) == (1,)
    if axis != "1" and not found:
        return matrices, []
    how = ", found by the lengths" if found else ""
    return Transposed(matrices), [f"features are stored as (features, frames): axis 1 is time{how}"]
