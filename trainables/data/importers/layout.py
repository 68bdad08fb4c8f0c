"""Where things lie in a folder or zip of somebody's own: as options say, or where the field puts them."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import user_path
from crescendo.trainables.storage.reading import bounded, read_bytes
from crescendo.trainables.storage.yaml_values import LARGEST

_DEEPEST = 2


def selected(files: RawFiles, given: str, option: str) -> tuple[str, ...]:
    """Return the files that `given` stands for: a folder with all below it, a file, or a pattern (`features/*.npy`).

    Raises
    ------
    InputError
        If there are none; the message names the `option`.
    """
    wanted = given.strip("/").removeprefix("./")
    below = tuple(
        name for name in files.names if name == wanted or name.startswith(f"{wanted}/") or fnmatchcase(name, wanted)
    )
    if not below:
        tops = sorted({PurePosixPath(name).parts[0] for name in files.names})
        raise InputError(
            f"{files.path}: holds nothing at {given!r} ({option}); it holds {', '.join(tops) or 'nothing':.120}"
        )
    return below


def check_file(files: RawFiles, given: str, option: str) -> None:
    """Raise `InputError` if `given`, where it is not empty, is neither one of `files` nor a file elsewhere."""
    if given and given not in files and not user_path(given).is_file():
        raise InputError(f"{files.path}: holds no file {given!r} ({option}), and there is none of that name elsewhere")


def read_given(files: RawFiles, given: str) -> tuple[str, bytes]:
    """Return what to call the file `given`, one of `files` or a file elsewhere, and what it holds.

    Raises
    ------
    InputError
        If it cannot be read, or is larger than a file of settings can be.
    """
    where = files.where(given) if given in files else given
    data = files.read_bytes(given) if given in files else read_bytes(user_path(given))
    return where, bounded(data, where, LARGEST)


def found_folder(files: RawFiles, called: Collection[str], option: str) -> str | None:
    """Return the one folder, at most one folder deep in SOURCE, that is `called` so in small letters; None: there is none.

    Raises
    ------
    InputError
        If there are several.
    """
    parents = {
        PurePosixPath(*parts[:depth]) for parts in map(_folders, files.names) for depth in range(1, _DEEPEST + 1)
    }
    found = [path for path in parents if path.name.lower() in called]
    nearest = min((len(path.parts) for path in found), default=0)
    return _one([str(path) for path in found if len(path.parts) == nearest], files, option)


def found_file(files: RawFiles, called: str, option: str) -> str | None:
    """Return the one file called so, at most two folders deep; None: there is none. `InputError` if there are several."""
    found = [path for path in map(PurePosixPath, files.names) if path.name.lower() == called]
    nearest = min((len(path.parts) for path in found), default=0)
    return _one([str(path) for path in found if len(path.parts) == nearest <= _DEEPEST + 1], files, option)


def _folders(name: str) -> tuple[str, ...]:
    return PurePosixPath(name).parts[:-1]


def _one(found: list[str], files: RawFiles, option: str) -> str | None:
    if len(found) > 1:
        raise InputError(f"{files.path}: holds {' and '.join(sorted(found)[:2])}; say which is meant ({option})")
    return found[0] if found else None
