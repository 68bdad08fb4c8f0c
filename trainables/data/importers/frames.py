"""Frame labels: a vector of labels beside a matrix of features per recording, as most sets of the field come."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.importers.aligned import aligned
from crescendo.trainables.data.importers.base import Reporter, SilentReporter
from crescendo.trainables.data.importers.external import check_present, without_recording
from crescendo.trainables.data.importers.feature_files import FeatureFiles, features_of
from crescendo.trainables.data.importers.frame_files import FoundFrames, find
from crescendo.trainables.data.importers.frame_runs import label_order, meanings, places_of, runs
from crescendo.trainables.data.importers.group_source import grouped, is_file
from crescendo.trainables.data.importers.label_map import read_changes
from crescendo.trainables.data.importers.label_vectors import read_mapping
from crescendo.trainables.data.importers.own_data import OwnData, described, left_out, told, write_own
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.split_lists import numbered
from crescendo.trainables.data.importers.splits import given_folds, given_split
from crescendo.trainables.data.splits import Splits

WHAT = "a folder of per-frame labels and features"


@told
def import_frames(
    source: Annotated[Path | str, "Folder or zip with a label vector and a feature matrix per recording."],
    destination: Path | str,
    *,
    labels_from: Annotated[
        str, "Folder or pattern in SOURCE of the label files; default: groundTruth, labels ..."
    ] = "",
    label_key: Annotated[str, "Column or variable that holds the labels, where a file has several."] = "",
    mapping: Annotated[
        str, "File, in SOURCE or elsewhere, with a number and a label a line; default: mapping.txt, if there."
    ] = "",
    splits: Annotated[str, "Folder in SOURCE of the lists train, val and test (.bundle, .txt); default: splits."] = "",
    split: Annotated[str, "Which of several numbered splits counts; default: the first."] = "",
    background: Annotated[list[str] | None, "Label that means that nothing happens; may be repeated."] = None,
    own: OwnData,
    reporter: Reporter | None = None,
) -> Dataset:
    """Prepare recordings whose every frame has a label: runs of equal labels become segments, as docs/data.md shows.

    Several numbered splits become the data set's folds. Without a validation list a fifth of the training recordings
    validates; without any list all recordings are training and validation.

    Raises
    ------
    InputError
        If labels, features or lists are missing, damaged or contradict each other, or `destination` exists.
    """
    reporter = reporter or SilentReporter()
    changes = read_changes(own.labels)
    with RawFiles(source, "*", WHAT) as files:
        apart = {own.group} if is_file(own.group, files) else set()
        found = find(files, labels_from, own.features_from, label_key, mapping, splits, split, apart)
        names = list(found.subsets)
        vectors = {one: found.labels.read(one) for one in reporter.track(names, len(names), "reading labels")}
        numbers, blanks = read_mapping(files, found.mapping) if found.mapping else ({}, [])
        where = {one: found.labels.where(one) for one in names}
        meant = meanings(places_of(vectors, where), numbers, background or None, changes, found.mapping, own.labels)
        matrices = features_of(files, found.features, names, own.feature_key, found.leave)
        check_present(matrices, vectors, str(source))
        axis = aligned(matrices, vectors, where, own.fps, own.time_axis)
        recordings = {
            one: Recording(subset, frames / own.fps, runs(vectors[one], frames, own.fps, meant.of))
            for (one, subset), frames in zip(found.subsets.items(), axis.frames.values(), strict=True)
        }
        in_groups, groups = grouped(Annotations(recordings), own.group, files)
        annotated, decided = given_split(in_groups, str(source), own.test)
        folds, divided = _folds(found, annotated, str(source))
        left = left_out(matrices) or (
            [] if isinstance(matrices, FeatureFiles) else without_recording(matrices, vectors)
        )
        return write_own(
            source,
            destination,
            own,
            annotated,
            axis.matrices,
            [*found.notes, *blanks, *meant.notes, *axis.notes, *left, *groups, *decided, *divided],
            reporter,
            features=described(matrices, "as given, one row a frame"),
            labels=label_order([segment for one in recordings.values() for segment in one.segments], numbers, changes),
            splits=folds,
        )


def _folds(found: FoundFrames, annotations: Annotations, where: str) -> tuple[Splits, list[str]]:
    """Return the numbered splits as folds, if there are several of the same recordings, each with a test part."""
    lists = numbered(found.lists)
    if len(lists) < 2:
        return {}, []
    whole = set(annotations.recordings)
    for fold, parts in lists.items():
        if {name for names in parts.values() for name in names} != whole or "test" not in parts:
            return {}, [f"the {len(lists)} splits became no folds: split {fold} lacks a test part or other recordings"]
    content = {fold: {subset: list(names) for subset, names in parts.items()} for fold, parts in lists.items()}
    folds, notes = given_folds(content, annotations, where)
    return folds, [f"{len(folds)} splits became folds: {', '.join(folds)}", *notes]
