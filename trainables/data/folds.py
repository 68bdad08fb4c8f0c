"""Folds: views of a data set that divide its recordings into training, validation and test, each in another way."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.groups import Groups
from crescendo.trainables.data.metadata import hash_of
from crescendo.trainables.data.splits import SPLITS
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

FEWEST = 3
"""Parts that there must be: one to test, one to validate, one to train."""


@dataclass(frozen=True)
class Division:
    """One fold of a data set, told in so few words that it travels with a job: it is worked out where the data are.

    `fold` is its name. Where `count` is None it is one of the data set's own (`Dataset.splits`). Else recordings are dealt
    into so many parts, `by` group (a group whole into one part) or by recording; fold k tests part k, validates on the part
    after it, the first after the last, and trains on the rest.
    """

    fold: str
    count: int | None = None
    by: Literal["group", "recording"] = "group"

    def subsets(self, dataset: Dataset) -> dict[str, str]:
        """Return recording -> subset.

        Raises
        ------
        InputError
            If the data set has no such fold.
        """
        if self.count is None:
            if self.fold not in dataset.splits:
                raise InputError(f"{dataset.path}: has no fold {self.fold} ({SPLITS})")
            return {name: subset for subset, names in dataset.splits[self.fold].items() for name in names}
        parts = parts_of(dataset, self.count, self.by)
        test = int(self.fold) - 1
        subsets = {test: "test", (test + 1) % self.count: "validation"}
        return {name: subsets.get(number, "training") for number, part in enumerate(parts) for name in part}

    def of(self, dataset: Dataset) -> Dataset:
        """Return the fold: a view of `dataset`, with the same features and a content hash of its own.

        Raises
        ------
        InputError
            As `subsets`.
        """
        subsets = self.subsets(dataset)
        if dataset.feature_dim is not None:
            dataset.store  # noqa: B018  # opened once, for all folds
        fold = copy.copy(dataset)
        recordings = {
            name: replace(one, subset=subsets[name])
            for name, one in dataset.annotations.recordings.items()
            if name in subsets
        }
        fold.annotations = replace(dataset.annotations, recordings=recordings)
        fold.content_hash = hash_of([dataset.content_hash, subsets])
        return fold


def own_folds(dataset: Dataset) -> tuple[Division, ...]:
    """Return the folds that a data set brings along, in their order."""
    return tuple(Division(fold) for fold in dataset.splits)


def made_folds(count: int, by: Literal["group", "recording"]) -> tuple[Division, ...]:
    """Return the folds of a data set that is dealt into `count` parts."""
    return tuple(Division(str(number), count, by) for number in range(1, count + 1))


def parts_of(dataset: Dataset, count: int, by: Literal["group", "recording"]) -> tuple[tuple[str, ...], ...]:
    """Deal the recordings of `dataset` into `count` parts of about as many frames.

    Raises
    ------
    InputError
        If there are fewer groups, or recordings, than parts.
    """
    annotations = dataset.annotations
    groups = annotations.groups() if by == "group" else Groups()
    frames = {name: dataset.frames(name) for name in annotations.recordings}
    if (found := groups.count(tuple(frames))) < count:
        raise InputError(
            f"{dataset.path}: has {groups.counted(found)}, "
            + (
                f"too few for {count} folds; ask for at most {found}"
                if found >= FEWEST
                else f"and folds need {FEWEST}: one to test, one to validate, one to train"
            )
        )
    return deal(frames, groups, count)


def deal(frames: Mapping[str, int], groups: Groups, count: int) -> tuple[tuple[str, ...], ...]:
    """Deal recordings into `count` parts, whole groups, and return the recordings of each part, sorted.

    The group with the most frames goes first, each to the part with the fewest frames so far (of equal ones the first); of
    groups as large as each other that goes first whose name has the smaller SHA-256. So the parts depend on names, groups
    and lengths alone, not on an order.

    Parameters
    ----------
    frames
        Recording -> number of frames.
    """
    parts: list[list[str]] = [[] for _ in range(count)]
    sizes = [0] * count

    def size(members: tuple[str, ...]) -> int:
        return sum(frames[name] for name in members)

    for members in sorted(groups.members(tuple(frames)), key=size, reverse=True):
        smallest = sizes.index(min(sizes))
        parts[smallest] += members
        sizes[smallest] += size(members)
    return tuple(tuple(sorted(part)) for part in parts)


def remarks_on(folds: Mapping[str, Dataset]) -> Iterator[str]:
    """Yield, a line each, what a user should know of the folds of a study before it runs."""
    for name, fold in folds.items():
        trained = {
            segment.label for recording in fold.annotations.of("training").values() for segment in recording.segments
        }
        lacking = [label for label in fold.labels[1:] if label not in trained]
        if lacking:
            yield f"fold {name}: its training part has no {', '.join(lacking)}, which nobody can learn there"
    cut = {group: fold.annotations.groups() for fold in folds.values() for group in _cut_groups(fold)}
    if cut:
        said, (first, groups) = agreeing(len(cut), "is", "are"), next(iter(cut.items()))
        yield (
            f"{groups.counted(len(cut))} {said} divided among the training, validation and test part of a fold ({first}, for "
            "one), so what is found holds for those that were trained on; folds by group keep them whole"
        )
    tested = Counter(recording for fold in folds.values() for recording in fold.annotations.of("test"))
    twice = sorted(recording for recording, count in tested.items() if count > 1)
    if twice:
        yield f"{counted(len(twice), 'recording is', 'recordings are')} tested in more than one fold ({twice[0]}, for one)"
    untested = sorted({one for fold in folds.values() for one in fold.annotations.recordings} - tested.keys())
    if untested:
        yield f"{counted(len(untested), 'recording is', 'recordings are')} tested in no fold ({untested[0]}, for one)"


def _cut_groups(fold: Dataset) -> list[str]:
    """Return the groups that have recordings in several parts of a fold, sorted."""
    groups = fold.annotations.groups()
    parts: dict[str, set[str]] = {}
    for name, group in groups.of.items():
        parts.setdefault(group, set()).add(fold.annotations.recordings[name].subset)
    return sorted(group for group, subsets in parts.items() if len(subsets) > 1)
