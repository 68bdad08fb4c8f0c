"""Splits of recordings: those that are given, and what is held out where one is not, by names alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crescendo.trainables.data.annotations import Annotations
from crescendo.trainables.data.groups import Groups
from crescendo.trainables.data.splits import Splits, check_form, check_splits

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
                f"fold {fold}: no validation subset: {len(chosen)} of {len(training)} training recordings became one"
            )
        splits[fold] = split
    check_splits(splits, annotations.recordings, where)
    return splits, notes + _cut(splits, annotations)


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
