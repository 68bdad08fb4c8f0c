"""Which files of a folder of frame labels are what: labels, features, mapping and split lists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from crescendo.trainables.data.annotations import listed
from crescendo.trainables.data.importers.array_files import SUFFIXES, suffix
from crescendo.trainables.data.importers.label_vectors import LabelFiles
from crescendo.trainables.data.importers.layout import check_file, found_file, found_folder, selected
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.split_lists import Lists, list_files, numbered, read_lists
from crescendo.trainables.data.recording_names import FileNames
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

LABELS = ("groundtruth", "ground_truth", "gt", "labels", "label", "annotations")
FEATURES = ("features", "feature", "feats")
SPLITS = ("splits", "split")
MAPPING = "mapping.txt"


@dataclass(frozen=True)
class FoundFrames:
    """What was found.

    `features` are the files that hold them, `leave` the columns in these that hold labels; `mapping` is a file, '' if there is
    none; `lists` holds every split, `subsets` recording -> subset in the one that counts; `notes` what was left out.
    """

    labels: LabelFiles
    features: tuple[str, ...]
    leave: tuple[str, ...]
    mapping: str
    lists: Lists
    subsets: dict[str, str]
    notes: tuple[str, ...]


def find(
    files: RawFiles,
    labels_from: str,
    features_from: str,
    label_key: str,
    mapping: str,
    splits: str,
    split: str,
    other: Collection[str] = (),
) -> FoundFrames:
    """Return what `files` hold, see `import_frames` for the options; `other` are files that hold none of it.

    Raises
    ------
    InputError
        If something is not there, or cannot be told from something else.
    """
    labels_from = labels_from or found_folder(files, LABELS, "--labels-from") or ""
    features_from = features_from or found_folder(files, FEATURES, "--features-from") or ""
    check_file(files, mapping, "--mapping")
    mapping = mapping or found_file(files, MAPPING, "--mapping") or ""
    in_labels = selected(files, labels_from, "--labels-from") if labels_from else None
    in_features = selected(files, features_from, "--features-from") if features_from else None
    found_lists = _lists(files, splits, {*(in_labels or ()), *(in_features or ())})
    apart = {mapping, *other, *(name for parts in found_lists.values() for name in parts.values())}
    rest = tuple(name for name in files.names if name not in apart)
    labelled = in_labels or tuple(name for name in rest if name not in (in_features or ()) or suffix(name) in SUFFIXES)
    features = in_features or tuple(name for name in rest if name not in (in_labels or ()) and suffix(name) in SUFFIXES)
    labels = LabelFiles(files, [name for name in labelled if name not in apart], label_key)
    lists = read_lists(files, found_lists)
    subsets, notes = _subsets(files, labels, features, lists, split, bool(in_labels))
    first = next(iter(subsets))
    leave = (labels.key(first),) if labels.name(first) in features else ()
    return FoundFrames(labels, features, leave, mapping, lists, subsets, tuple(notes))


def _lists(files: RawFiles, splits: str, elsewhere: set[str]) -> dict[str, dict[str, str]]:
    folder = splits or found_folder(files, SPLITS, "--splits") or ""
    names = selected(files, folder, "--splits") if folder else [name for name in files.names if name not in elsewhere]
    found = list_files(names)
    if splits and not found:
        raise InputError(
            f"{files.path}: {splits} holds no list of recordings (--splits); expected train.bundle, test.txt or the like"
        )
    return found


def _subsets(
    files: RawFiles, labels: LabelFiles, features: tuple[str, ...], lists: Lists, split: str, apart: bool
) -> tuple[dict[str, str], list[str]]:
    """Return recording -> subset, and what was decided."""
    with_features = FileNames(PurePosixPath(name).stem for name in features)
    if not lists:
        if split:
            raise InputError(f"{files.path}: has no split lists (--split {split})")
        there = [name for name in labels.recordings if apart or with_features.of(name)]
        if not there:
            raise InputError(
                f"{files.path}: no recording with labels was found: looked for a file per recording in {', '.join(LABELS)} "
                "(--labels-from), or beside the features"
            )
        notes = ["no split lists: parts are made of all recordings"]
        return dict.fromkeys(there, "training"), notes + _alone(labels, features)
    chosen = split or next(iter(lists))
    if chosen not in lists:
        others = (
            f"there are {', '.join(filter(None, lists))}" if any(lists) else "its lists have no numbers; leave it out"
        )
        raise InputError(f"{files.path}: has no split {chosen!r} (--split); {others}")
    subsets = {name: subset for subset, names in lists[chosen].items() for name in names}
    lacking = [name for name in subsets if name not in labels]
    if lacking:
        raise InputError(
            f"{files.path}: recording {lacking[0]!r:.80} of the split lists has no labels ({len(lacking)} of {len(subsets)} "
            f"lack them); found those of {', '.join(labels.recordings[:3]) or 'none'} (--labels-from)"
        )
    if "training" not in lists[chosen]:
        raise InputError(f"{files.path}: the split lists have no training part; expected train.bundle or train.txt")
    notes = _which(chosen, lists)
    if "test" not in lists[chosen]:
        notes.append("no test list")
    left = [name for name in labels.recordings if name not in subsets and (apart or with_features.of(name))]
    if left:
        notes.append(
            f"{counted(len(left), 'recording')} with labels "
            f"{agreeing(len(left), 'stands in no list and is', 'stand in no list and are')} left out: {listed(left)}"
        )
    return subsets, notes + _alone(labels, features)


def _which(chosen: str, lists: Lists) -> list[str]:
    """Return a line on which of several splits counts."""
    if len(lists) == 1:
        return []
    others = ", ".join(numbered(lists))
    if not chosen:
        return [f"the split lists without a number count, as no fold; pass --split for a numbered split: {others}"]
    return [f"split {chosen} of {others}{'; the split lists without a number are left out' if '' in lists else ''}"]


def _alone(labels: LabelFiles, features: tuple[str, ...]) -> list[str]:
    """Return a line on files of labels that have no features, and the other way round, if there are any."""
    stems = {PurePosixPath(name).stem for name in features}
    names = FileNames(stems)
    pairs = {recording: names.of(recording) for recording in labels.recordings}
    alone = sorted({one for one, found in pairs.items() if not found} | stems.difference(*pairs.values()))
    if len(stems) < 2 or not alone:
        return []  # one file may hold the features of all
    return [
        f"{counted(len(alone), 'file has', 'files have')} labels or features alone and {agreeing(len(alone), 'is', 'are')} left "
        f"out: {listed(alone)}"
    ]
