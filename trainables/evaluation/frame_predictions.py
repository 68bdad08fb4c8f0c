"""Labels of frames that somebody predicted, beside the annotated ones: as vectors in files, or from detections."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from crescendo.trainables.data.annotations import Annotations, listed
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import BACKGROUND, BACKGROUND_INDEX, frame_labels, frame_span, tolerated_seconds
from crescendo.trainables.data.importers.frame_files import MAPPING
from crescendo.trainables.data.importers.frame_runs import meanings, places_of
from crescendo.trainables.data.importers.label_vectors import LabelFiles, read_mapping
from crescendo.trainables.data.importers.layout import check_file, found_file
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import Detection
from crescendo.trainables.evaluation.segmental import SegmentalMetrics, segmental_metrics
from crescendo.trainables.plurals import agreeing, counted

WHAT = "a folder of label vectors, one file a recording"


@dataclass(frozen=True)
class FrameLabels:
    """Labels of the frames of a subset: `of` maps a recording to (frames,) int64, indices into `labels`.

    `labels` begins with background; `fps` are frames a second; `notes` says what was read otherwise than it was written.
    """

    labels: tuple[str, ...]
    fps: float
    of: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()


def truth_of_dataset(dataset: Dataset, subset: str) -> FrameLabels:
    """Return the annotated labels of the frames of `subset`; `InputError` if it has no recordings."""
    return FrameLabels(
        dataset.labels, dataset.fps, {name: dataset.frame_labels(name) for name in dataset.recordings(subset)}
    )


def truth_of_annotations(annotations: Annotations, subset: str, fps: float) -> FrameLabels:
    """Return the annotated labels of the frames of `subset` at `fps` frames a second; `InputError` if it has no recordings."""
    labels = (BACKGROUND, *(label for label in annotations.labels() if label != BACKGROUND))
    index = {label: number for number, label in enumerate(labels)}
    return FrameLabels(
        labels,
        fps,
        {
            name: frame_labels(one.segments, math.ceil(one.duration * fps), fps, index)
            for name, one in annotations.of(subset).items()
        },
    )


def read_predictions(
    source: Path | str,
    truth: FrameLabels,
    *,
    label_key: str = "",
    mapping: str = "",
    background: Sequence[str] | None = None,
) -> FrameLabels:
    """Read a vector of labels for each recording of `truth`, as `crescendo data import frames` reads them.

    Parameters
    ----------
    source
        Folder or zip with a file for each recording, named like it: `.txt` (a label a line), `.npy`, `.npz`, `.mat`, `.csv`,
        `.parquet` or HDF5. Files of other recordings are left out.
    label_key
        Column or variable that holds the labels, where a file has several.
    mapping
        File in `source` or elsewhere with a number and a label a line, where labels are numbers; default: `mapping.txt` in
        `source`, if there.
    background
        Labels that mean that nothing happens; default: `frame_runs.BACKGROUNDS`.

    Raises
    ------
    InputError
        If a recording has no vector or one of another length (by more than 2 % or 1 s), or a label is none of the truth's.
    """
    with RawFiles(source, "*", WHAT) as files:
        check_file(files, mapping, "--mapping")
        mapping = mapping or found_file(files, MAPPING, "--mapping") or ""
        found = LabelFiles(files, [name for name in files.names if name != mapping], label_key, "--predictions")
        lacking = [name for name in truth.of if name not in found]
        if lacking:
            raise InputError(
                f"{files.path}: holds no labels for recording {lacking[0]!r:.80} ({len(lacking)} of {len(truth.of)} lack "
                f"them); found files of {', '.join(found.recordings[:3]) or 'no recording'}"
            )
        vectors = {name: found.read(name) for name in truth.of}
        where = {name: found.where(name) for name in truth.of}
        left = sorted(set(found.recordings).difference(PurePosixPath(found.name(name)).stem for name in truth.of))
        numbers, blanks = read_mapping(files, mapping) if mapping else ({}, [])
    meant = meanings(places_of(vectors, where), numbers, background, {}, mapping)
    index = {label: number for number, label in enumerate(truth.labels)}
    predicted = {}
    for name, vector in vectors.items():
        unknown = [raw for raw in vector.names if (meant.of[raw] or BACKGROUND) not in index]
        if unknown:
            raise InputError(
                f"{where[name]}: label {unknown[0]!r:.80} is none of the ground truth's ({', '.join(truth.labels):.200}); "
                "mend it, name what numbers mean (--mapping), or pass --background if it means none"
            )
        codes = np.array([index[meant.of[raw] or BACKGROUND] for raw in vector.names], dtype=np.int64)
        predicted[name] = codes[vector.codes]
        _check_length(len(vector.codes), len(truth.of[name]), truth.fps, where[name])
    others = (
        [
            f"{counted(len(left), 'file')} of other recordings {agreeing(len(left), 'is', 'are')} left out: {listed(left)}"
        ]
        if left
        else []
    )
    return FrameLabels(truth.labels, truth.fps, predicted, (*blanks, *meant.notes, *others, *_cut(predicted, truth)))


def labels_of_detections(detections: Mapping[str, Sequence[Detection]], truth: FrameLabels) -> FrameLabels:
    """Return for each frame the label of the detection with the highest score among those that cover its centre.

    Of equal scores the one that starts, then ends first is taken; a frame without detection is background. Detections of
    recordings or labels that `truth` has not are left out.
    """
    index = {label: number for number, label in enumerate(truth.labels)}
    predicted = {}
    for name, mine in truth.of.items():
        labels = np.full(len(mine), BACKGROUND_INDEX, dtype=np.int64)
        ranked = sorted(detections.get(name, ()), key=lambda one: (-one.score, one.start, one.end, one.label))
        for one in reversed(ranked):
            if one.label in index:
                first, last = frame_span(one.start, one.end, truth.fps)
                labels[first:last] = index[one.label]
        predicted[name] = labels
    return FrameLabels(truth.labels, truth.fps, predicted)


def evaluate_frames(truth: FrameLabels, predicted: FrameLabels) -> SegmentalMetrics:
    """Compare `predicted` with `truth`; of a recording with vectors of two lengths, the frames that both have.

    Raises
    ------
    InputError
        If there is no frame.
    """
    pairs = [(mine, predicted.of[name]) for name, mine in sorted(truth.of.items())]
    shorter = [min(len(mine), len(theirs)) for mine, theirs in pairs]
    return segmental_metrics(
        [mine[:count] for (mine, _), count in zip(pairs, shorter, strict=True)],
        [theirs[:count] for (_, theirs), count in zip(pairs, shorter, strict=True)],
        truth.labels,
    )


def _check_length(frames: int, expected: int, fps: float, where: str) -> None:
    tolerance = tolerated_seconds(expected / fps) * fps
    if abs(frames - expected) > tolerance:
        raise InputError(
            f"{where}: has {counted(frames, 'label')} but the recording has {counted(expected, 'frame')} at {fps:g} a second, "
            f"more than {tolerance:.0f} apart; predictions must have the rate of the ground truth"
        )


def _cut(predicted: Mapping[str, np.ndarray], truth: FrameLabels) -> list[str]:
    apart = {name: len(one) - len(truth.of[name]) for name, one in predicted.items() if len(one) != len(truth.of[name])}
    if not apart:
        return []
    widest = max(apart, key=lambda name: abs(apart[name]))
    return [
        f"{len(apart)} of {counted(len(predicted), 'recording')} {agreeing(len(apart), 'has', 'have')} more or fewer labels than "
        f"frames and {agreeing(len(apart), 'was', 'were')} cut to the shorter, by {counted(abs(apart[widest]), 'frame')} at most "
        f"({widest!r:.80})"
    ]
