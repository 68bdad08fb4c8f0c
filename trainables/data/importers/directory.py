"""Anyone's data: annotations in ActivityNet's format, one feature matrix per recording, and a frame rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from crescendo.trainables.data.annotations import Annotations, parse_annotations
from crescendo.trainables.data.dataset import SUBSETS, Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.importers.base import CLIP, Reporter, Silent
from crescendo.trainables.data.importers.external import NumpyFiles, check_matrices
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.splits import SYNONYMS, given_folds, held_out
from crescendo.trainables.data.splits import Splits
from crescendo.trainables.errors import InputError
from crescendo.trainables.files import parse_json


def import_directory(
    source: Annotated[Path | str, "Folder or zip with annotations and a .npy or .npz per recording."],
    destination: Path | str,
    *,
    fps: Annotated[float, "Rows of the feature matrices a second."],
    annotations: Annotated[str, "Path of the annotation file in SOURCE."] = "annotations.json",
    splits: Annotated[str, "Path of a file in SOURCE that divides the recordings into folds; default: none."] = "",
    name: Annotated[str, "Name of the data set; default: SOURCE's."] = "",
    licence: Annotated[str, "What may be done with the data."] = "not stated",
    clip: Annotated[bool, CLIP] = False,
    reporter: Reporter | None = None,
) -> Dataset:
    """Prepare a folder (or zip) of annotations and `.npy` or `.npz` matrices (frames x features), as docs/data.md shows.

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
    with RawFiles(
        source, annotations, f"a data set with {annotations} and one .npy or .npz file per recording", literal=True
    ) as files:
        found = parse_annotations(files.read_bytes(annotations), files.where(annotations), clip=clip)
        split, notes = given_split(found, files.where(annotations))
        folds, decided = ({}, []) if not splits else _folds(files, splits, split)
        notes = [*found.notes, *notes, *decided]
        for note in notes:
            reporter.say(note)
        checked = check_matrices(NumpyFiles(files), split.recordings, fps, str(source))
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
    return given_folds(parse_json(files.read_bytes(splits), where), annotations, where)


def given_split(annotations: Annotations, where: str) -> tuple[Annotations, list[str]]:
    """Return the annotations under the names of `SUBSETS`, with a validation subset, and what was decided, in lines.

    Raises
    ------
    InputError
        If there are no recordings, or one is of an unknown subset; `where` names their file.
    """
    if not annotations.recordings:
        raise InputError(f"{where}: holds no recordings")
    recordings = {}
    for name, one in annotations.recordings.items():
        subset = SYNONYMS.get(one.subset, one.subset)
        if subset not in SUBSETS:
            raise InputError(f"{where}: recording {name!r} has subset {one.subset!r}; expected {', '.join(SUBSETS)}")
        recordings[name] = replace(one, subset=subset)
    notes = []
    training = [name for name, one in recordings.items() if one.subset == "training"]
    if training and not any(one.subset == "validation" for one in recordings.values()):
        chosen = held_out(training, annotations.groups(training))
        recordings.update({name: replace(recordings[name], subset="validation") for name in chosen})
        notes.append(f"no validation subset: {len(chosen)} of {len(training)} training recordings became one")
    split = replace(annotations, recordings=recordings)
    return split, notes + _divided(split)


def _divided(annotations: Annotations) -> list[str]:
    """Return a line on groups that are in several subsets, if there are any."""
    subsets: dict[str, set[str]] = {}
    for name, group in annotations.groups().of.items():
        subsets.setdefault(group, set()).add(annotations.recordings[name].subset)
    divided = sorted(group for group, found in subsets.items() if len(found) > 1)
    if not divided:
        return []
    return [
        f"{len(divided)} of {len(subsets)} {annotations.groups_are} have recordings in several subsets ({divided[0]} in "
        f"{', '.join(sorted(subsets[divided[0]]))}): results do not tell how it would go with others"
    ]
