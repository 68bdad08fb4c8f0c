"""A folder of prepared data sets that are the folds of one: for data whose features differ from fold to fold.

folds.json      fold -> name of its data set's folder, beside it
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.splits import FOLDS, MOST, check_fold_name
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_directory
from crescendo.trainables.storage.json_files import read_json, write_json


def write_fold_sets(
    destination: Path | str, folds: Iterable[str], make: Callable[[str, Path], object]
) -> tuple[Dataset, ...]:
    """Make a folder of a data set for each of `folds`, complete or not at all, and open them.

    `make` is called with a fold and the folder that its data set is to be written to.

    Raises
    ------
    InputError
        If the destination exists, or a data set cannot be made.
    """
    folders = {fold: f"fold{fold}" for fold in folds}
    with atomic_directory(destination) as partial:
        # Not in `partial` itself, which is locked as long as it is being made.
        inside = partial / "sets"
        inside.mkdir()
        for fold, folder in folders.items():
            make(fold, inside / folder)
            (inside / folder).rename(partial / folder)
        inside.rmdir()
        write_json(partial / FOLDS, folders)
    return tuple(Dataset(Path(destination) / folder) for folder in folders.values())


def fold_sets(folder: Path | str) -> dict[str, Path]:
    """Return fold -> folder of its data set, in their order; none where `folder` is not one of several data sets.

    Raises
    ------
    InputError
        If its `folds.json` is of another form.
    """
    file = Path(folder) / FOLDS
    if not file.is_file():
        return {}
    content = read_json(file)
    if not isinstance(content, dict) or len(content) < 2:
        raise InputError(f"{file}: must name two or more folds, each with its folder; import the data again")
    if len(content) > MOST:
        raise InputError(f"{file}: names {len(content):,} folds; there can be {MOST:,}")
    for fold, name in content.items():
        check_fold_name(fold, str(file))
        if not isinstance(name, str) or Path(name).name != name or name in ("", "..", "."):
            raise InputError(f"{file}: fold {fold!r:.80}: {name!r:.80} is no folder beside it; import the data again")
    return {fold: file.parent / name for fold, name in content.items()}
