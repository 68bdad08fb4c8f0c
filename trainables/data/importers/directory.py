"""Anyone's data: annotations in ActivityNet's format, one feature matrix per recording, and a frame rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from crescendo.trainables.data.annotations import Annotations, parse_annotations
from crescendo.trainables.data.dataset import SUBSETS, Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.importers.archives import Source
from crescendo.trainables.data.importers.base import Reporter, Silent
from crescendo.trainables.data.importers.external import NumpyFiles, plan_features
from crescendo.trainables.data.importers.splits import held_out
from crescendo.trainables.errors import InputError

SYNONYMS = {"train": "training", "val": "validation", "testing": "test"}


def import_directory(
    source: Path | str,
    destination: Path | str,
    *,
    fps: float,
    annotations: str = "annotations.json",
    clip: bool = False,
    name: str = "",
    licence: str = "not stated",
    reporter: Reporter | None = None,
) -> Dataset:
    """Prepare a folder (or zip) of annotations and `.npy` or `.npz` matrices (frames x features), as docs/data.md shows.

    Subsets are named `training`, `validation` and `test` (`train`, `val` and `testing` are understood). Without a
    validation subset a fifth of the training recordings becomes one, chosen by the hash of their names.

    Parameters
    ----------
    fps
        Rows of the matrices a second.
    annotations
        Path of the annotation file in the source.
    clip
        Cut segments to their recording and drop those outside it, instead of refusing them.

    Raises
    ------
    InputError
        If the annotations or matrices are missing, damaged or contradict each other, or `destination` exists.
    """
    reporter = reporter or Silent()
    if not 0 < fps < float("inf"):
        raise InputError(f"fps must be a positive number but got {fps}")
    with Source(source, annotations, f"a data set with {annotations} and one .npy or .npz file per recording") as files:
        found = parse_annotations(files.read_bytes(annotations), files.where(annotations), clip=clip)
        split, notes = given_split(found, files.where(annotations))
        for note in notes:
            reporter.say(note)
        plan = plan_features(NumpyFiles(files), split.recordings, fps, str(source))
        return write_dataset(
            destination,
            DatasetMetadata(name or Path(source).stem, fps, "as given", str(Path(source).name), licence, tuple(notes)),
            split,
            frames=plan.frames,
            features=reporter.track(plan.matrices, len(plan.frames), "copying features"),
            feature_dim=plan.width,
            dtype=plan.dtype,
        )


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
        chosen = held_out(training)
        recordings.update({name: replace(recordings[name], subset="validation") for name in chosen})
        notes.append(f"no validation subset: {len(chosen)} of {len(training)} training recordings became one")
    return replace(annotations, recordings=recordings), notes
