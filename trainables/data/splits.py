"""Several divisions of the same recordings into training, validation and test: the folds that a data set brings along."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import read_json

SUBSETS = ("training", "validation", "test")
SPLITS = "splits.json"
FOLDS = "folds.json"
"""What a folder of several prepared data sets, the folds of one, holds beside them (`fold_sets`)."""
Splits = Mapping[str, Mapping[str, Sequence[str]]]
"""Fold -> subset -> recordings; a recording that a fold does not name is not used in it."""

MOST = 1000
"""Folds that there can be, as in a study."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=+-]{0,39}")
_REMEDY = "expected {FOLD: {training: [...], validation: [...], test: [...]}}"


def check_fold_name(fold: str, where: str) -> None:
    """Refuse a name that a table, a tag or a ledger could take amiss.

    Raises
    ------
    InputError
    """
    if not _NAME.fullmatch(fold):
        raise InputError(
            f"{where}: a fold is called {fold!r:.80}; its name must be at most 40 letters, digits and any of _ . = + -"
        )


def read_splits(file: Path) -> Splits:
    """Return the folds that `file` holds; none where there is no such file.

    Raises
    ------
    InputError
        If it is of another form.
    """
    if not file.exists():
        return {}
    content = read_json(file)
    check_form(content, str(file))
    return {fold: {subset: tuple(names) for subset, names in parts.items()} for fold, parts in content.items()}


def check_form(content: Any, where: str) -> None:
    """Refuse what is no `Splits`, whichever recordings it names.

    Raises
    ------
    InputError
    """
    if not isinstance(content, dict) or len(content) < 2:
        raise InputError(f"{where}: must hold two or more folds; {_REMEDY}")
    if len(content) > MOST:
        raise InputError(f"{where}: holds {len(content):,} folds; there can be {MOST:,}")
    for fold, parts in content.items():
        check_fold_name(fold, where)
        if not isinstance(parts, dict):
            raise InputError(f"{where}: fold {fold} is {parts!r:.80}; {_REMEDY}")
        for subset, names in parts.items():
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise InputError(f"{where}: fold {fold}: {subset} must be a list of recordings but is {names!r:.80}")


def check_splits(splits: Splits, recordings: Collection[str], where: str) -> None:
    """Refuse folds that lack a subset, or name a recording twice, or one that is not among `recordings`.

    Raises
    ------
    InputError
    """
    for fold, parts in splits.items():
        unknown = next((subset for subset in parts if subset not in SUBSETS), None)
        if unknown is not None:
            raise InputError(f"{where}: fold {fold} has a subset {unknown!r:.80}; expected {', '.join(SUBSETS)}")
        lacking = next((subset for subset in SUBSETS if not parts.get(subset)), None)
        if lacking is not None:
            raise InputError(f"{where}: fold {fold} has no recordings for {lacking}")
        counts = Counter(name for names in parts.values() for name in names)
        for name, count in counts.items():
            if name not in recordings:
                raise InputError(f"{where}: fold {fold} names {name!r:.80}, which is no recording of the data set")
            if count > 1:
                raise InputError(f"{where}: fold {fold} names {name!r:.80} {count} times; once is right")
