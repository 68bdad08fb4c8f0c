"""Splits of recordings: those that are given, and what is held out where one is not, by names alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from crescendo.trainables.data.annotations import Annotations, listed
from crescendo.trainables.data.groups import Groups
from crescendo.trainables.data.splits import SUBSETS, Splits, check_form, check_splits
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

VALIDATION_SHARE = 0.2
SYNONYMS = {"train": "training", "val": "validation", "testing": "test"}


def held_out(names: Sequence[str], groups: Groups, share: float = VALIDATION_SHARE) -> frozenset[str]:
    """Return about the `share` of `names`, whole groups only.

    Groups are taken by the SHA-256 of their names, a recording without one by that of its own, until the share, rounded,
    is reached. At least one group is held out if there are two or more, and never all.
    """
    wanted = max(round(len(names) * share), 1)
    chosen: list[str] = []
    for one in groups.members(names)[:-1]:
        if len(chosen) < wanted:
            chosen += one
    return frozenset(chosen)


def given_split(annotations: Annotations, where: str, test: float | None = None) -> tuple[Annotations, list[str]]:
    """Return the annotations under the names of `SUBSETS`, with a validation subset, and what was decided, in lines.

    `test` is the share of the training recordings that becomes a test subset first, where there is none.

    Raises
    ------
    InputError
        If there are no recordings, or one is of an unknown subset; if `test` is given and there is a test subset, or too few
        groups for one; `where` names their file.
    """
    if not annotations.recordings:
        raise InputError(f"{where}: holds no recordings")
    recordings = {}
    for name, one in annotations.recordings.items():
        subset = SYNONYMS.get(one.subset, one.subset)
        if subset not in SUBSETS:
            raise InputError(f"{where}: recording {name!r} has subset {one.subset!r}; expected {', '.join(SUBSETS)}")
        recordings[name] = replace(one, subset=subset)
    split = replace(annotations, recordings=recordings)
    notes = []
    if test is not None:
        split, tested = _tested(split, where, test)
        notes.append(tested)
    training = _names(split, "training")
    if training and not _names(split, "validation"):
        chosen = held_out(training, split.groups(training))
        split = _moved(split, chosen, "validation")
        notes.append(
            f"no validation subset: {_taken(split, chosen, training)} became one"
            if chosen
            else f"no validation subset, and none can be made: "
            f"{counted(len(training), 'training recording is', 'training recordings are')} of one group"
        )
    return split, notes + _divided(split)


def _tested(annotations: Annotations, where: str, share: float) -> tuple[Annotations, str]:
    """Return the annotations with a test subset, made of `share` of the training recordings, and a line on it."""
    if there := _names(annotations, "test"):
        raise InputError(
            f"--test {share:g}: {where} has a test part already, of {counted(len(there), 'recording')}; leave --test out, or "
            "give all recordings the subset training"
        )
    training = _names(annotations, "training")
    groups = annotations.groups(training)
    needed = 2 if _names(annotations, "validation") else 3
    if (found := groups.count(training)) < needed:
        raise InputError(
            f"--test {share:g}: {where} has {groups.counted(found)} to divide; it takes {needed}, one for each of "
            f"{'training and test' if needed == 2 else 'training, validation and test'}"
        )
    # A last one is left to train by `held_out`; another, where there is none, to validate.
    spare = groups.members(training)[-1] if needed == 3 else ()
    chosen = held_out(
        [name for name in training if name not in spare], groups, share * len(training) / (len(training) - len(spare))
    )
    return _moved(annotations, chosen, "test"), f"no test subset: {_taken(annotations, chosen, training)} became one"


def _names(annotations: Annotations, subset: str) -> list[str]:
    return [name for name, one in annotations.recordings.items() if one.subset == subset]


def _moved(annotations: Annotations, chosen: Collection[str], subset: str) -> Annotations:
    """Return the annotations with the recordings `chosen` in `subset`."""
    recordings = {
        name: replace(one, subset=subset) if name in chosen else one for name, one in annotations.recordings.items()
    }
    return replace(annotations, recordings=recordings)


def _taken(annotations: Annotations, chosen: Collection[str], training: Sequence[str]) -> str:
    groups = annotations.groups(training)
    whole = f", {groups.count(list(chosen))} of {groups.counted(groups.count(training))}," if groups.of else ""
    return f"{len(chosen)} of {counted(len(training), 'training recording')}{whole}"


def _divided(annotations: Annotations) -> list[str]:
    """Return a line on groups that are in several subsets, if there are any."""
    subsets: dict[str, set[str]] = {}
    for name, group in annotations.groups().of.items():
        subsets.setdefault(group, set()).add(annotations.recordings[name].subset)
    divided = sorted(group for group, found in subsets.items() if len(found) > 1)
    if not divided:
        return []
    return [
        f"{len(divided)} of {len(subsets)} {agreeing(len(subsets), 'group', annotations.groups_are)} "
        f"{agreeing(len(divided), 'has', 'have')} recordings in several subsets ({divided[0]} in "
        f"{', '.join(sorted(subsets[divided[0]]))}): results do not tell how it would go with others"
    ]


def given_folds(content: Any, annotations: Annotations, where: str) -> tuple[Splits, list[str]]:
    """Return the folds in `content`, JSON of the file `where`, under the names of `SUBSETS`, and what was decided, in lines.

    Of a fold without validation recordings about a fifth of the training recordings become some (`held_out`).

    Raises
    ------
    InputError
        If it holds no folds, or they do not fit the recordings.
    """
    check_form(content, where)
    splits: dict[str, dict[str, list[str]]] = {}
    notes = []
    for fold, parts in content.items():
        split: dict[str, list[str]] = {}
        for subset, names in parts.items():
            split.setdefault(SYNONYMS.get(subset, subset), []).extend(names)
        training = [name for name in split.get("training", ()) if name in annotations.recordings]
        if training and not split.get("validation"):
            chosen = held_out(training, annotations.groups(training))
            split["validation"] = [name for name in training if name in chosen]
            split["training"] = [name for name in split["training"] if name not in chosen]
            notes.append(
                f"fold {fold}: no validation subset: {len(chosen)} of {counted(len(training), 'training recording')} became one"
            )
        splits[fold] = split
    check_splits(splits, annotations.recordings, where)
    return splits, notes + _in_none(splits, annotations) + _cut(splits, annotations)


def _in_none(splits: Splits, annotations: Annotations) -> list[str]:
    """Return a line on the recordings that no fold names, if there are any."""
    named = {name for parts in splits.values() for names in parts.values() for name in names}
    left = [name for name in annotations.recordings if name not in named]
    stand = counted(len(left), "recording stands", "recordings stand")
    return [f"{stand} in no fold, so that no study of these folds uses them: {listed(left)}"] if left else []


def _cut(splits: Splits, annotations: Annotations) -> list[str]:
    """Return a line on the folds that cut a group, if any do."""
    groups = annotations.groups().of
    cut = {}
    for fold, parts in splits.items():
        subsets: dict[str, set[str]] = {}
        for subset, names in parts.items():
            for name in names:
                if name in groups:
                    subsets.setdefault(groups[name], set()).add(subset)
        cut[fold] = sorted(group for group, found in subsets.items() if len(found) > 1)
    those = [fold for fold, found in cut.items() if found]
    if not those:
        return []
    return [
        f"{annotations.groups_are} have recordings in several subsets of fold {', '.join(those)} ({cut[those[0]][0]}, for one): "
        "results do not tell how it would go with others"
    ]
