"""GTEA with the per-frame features of a spatial CNN (Lea et al.): four folds, each with its own features."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.fold_sets import write_fold_sets
from crescendo.trainables.data.importers.array_files import open_arrays
from crescendo.trainables.data.importers.base import Reporter, SilentReporter
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.errors import InputError

FOLDS = ("1", "2", "3", "4")
ALL = "all"
# The videos run at 15 frames a second and the features have one row for each of their frames.
FPS = 15
# The files hold numbers only. Their counts by recording fit the ten verbs in alphabetical order and no other: number 2
# occurs in hot dogs alone, 7 in tea, 8 with peanut butter, 9 in hot drinks, and 10 is the most frequent.
ACTIVITIES = ("close", "fold", "open", "pour", "put", "scoop", "shake", "spread", "stir", "take")
WARNING = (
    "the features come from a network tuned on this fold's training subjects: scores on training and validation "
    "recordings flatter every setting; only the test part is unseen"
)


def import_gtea(
    source: Path | str,
    destination: Path | str,
    *,
    fold: Annotated[str, "1 to 4: the subject to test; all: four data sets in a folder, for a study's folds."] = "1",
    reporter: Reporter | None = None,
) -> Dataset | tuple[Dataset, ...]:
    """Prepare a fold of GTEA, or all: its features as stored, its test split, one training subject as validation.

    The validation subject is the one that follows the test subject (S1 follows S4).

    Raises
    ------
    InputError
        If a file is missing, damaged or of another form, the fold unknown, or `destination` exists.
    """
    reporter = reporter or SilentReporter()
    fold = str(fold)
    if fold == ALL:
        return write_fold_sets(destination, FOLDS, lambda one, folder: _import(source, folder, one, reporter))
    if fold not in FOLDS:
        raise InputError(f"fold must be one of {', '.join((*FOLDS, ALL))} but got {fold}")
    return _import(source, Path(destination), fold, reporter)


def _import(source: Path | str, destination: Path, fold: str, reporter: Reporter) -> Dataset:
    folder = f"features/GTEA/SpatialCNN/Split_{fold}"
    matrices: dict[str, np.ndarray] = {}
    recordings: dict[str, Recording] = {}
    with RawFiles(source, "splits/GTEA", "GTEA's features and splits (features/GTEA, splits/GTEA)") as files:
        splits = {part: files.read_text(f"splits/GTEA/Split_{fold}/{part}.txt").split() for part in ("train", "test")}
        validation = _validation_subject(files, splits)
        names = [*splits["train"], *splits["test"]]
        for name in reporter.track(names, len(names), "reading features"):
            matrix, labels = _read(files, f"{folder}/{name}.mat")
            matrices[name] = matrix
            part = "test" if name in splits["test"] else "validation" if _subject(name) == validation else "training"
            recordings[name] = Recording(part, len(labels) / FPS, _segments(labels), group=_subject(name))
    notes = (f"fold {fold}: validation subject {validation}, taken from the training subjects", WARNING)
    for note in notes:
        reporter.say(note)
    return write_dataset(
        destination,
        DatasetMetadata(
            name=f"gtea-fold{fold}",
            fps=FPS,
            features="128 activations a frame of a spatial CNN fine-tuned on the fold's training subjects",
            source="GTEA; features of Lea et al., Temporal Convolutional Networks",
            licence="features and splits MIT; videos for research",
            notes=notes,
        ),
        Annotations(recordings, groups_are="people"),
        frames={name: len(matrix) for name, matrix in matrices.items()},
        features=matrices.values(),
        feature_dim=next(iter(matrices.values())).shape[1],
        labels=ACTIVITIES,
    )


def _subject(recording: str) -> str:
    return recording.split("_", 1)[0]


def _validation_subject(files: RawFiles, splits: dict[str, list[str]]) -> str:
    test = {_subject(name) for name in splits["test"]}
    training = sorted({_subject(name) for name in splits["train"]})
    if not test or not training or test & set(training):
        raise InputError(f"{files.path}: a fold's train.txt and test.txt must name recordings of different subjects")
    return next((subject for subject in training if subject > max(test)), training[0])


def _read(files: RawFiles, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return features (frames, 128) float32 and labels (frames,)."""
    where = files.where(name)
    with open_arrays(files, name) as file:
        lacking = next((one for one in ("A", "Y") if one not in file.announced), None)
        if lacking is not None:
            raise InputError(f"{where}: lacks the matrix {lacking!r}; get the data set again")
        features, labels = file.read("A"), file.read("Y").reshape(-1)
    if features.ndim != 2 or features.dtype.kind != "f" or len(features) != len(labels) or not len(labels):
        raise InputError(
            f"{where}: A has shape {features.shape}, Y {labels.shape}; expected one label for each row of A"
        )
    if not np.isin(labels, range(len(ACTIVITIES) + 1)).all():
        raise InputError(f"{where}: Y must hold whole numbers from 0 to {len(ACTIVITIES)}")
    return features.astype(np.float32), labels.astype(np.int64)


def _segments(labels: np.ndarray) -> tuple[Segment, ...]:
    """Return the unbroken runs of each activity."""
    bounds = np.r_[0, np.flatnonzero(np.diff(labels)) + 1, len(labels)].tolist()
    return tuple(
        Segment(ACTIVITIES[labels[first] - 1], first / FPS, last / FPS)
        for first, last in pairwise(bounds)
        if labels[first]
    )
