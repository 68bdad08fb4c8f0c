"""What lies in a folder, links followed: its files and those of all folders below it."""

from __future__ import annotations

import os
from pathlib import Path

from crescendo.trainables.errors import InputError

# The folder that file systems put into the root of a disk; only its administrator may read it.
_OF_THE_DISK = "lost+found"


def lies_in(path: Path, folder: Path) -> bool:
    """Tell whether `path` is `folder` or lies below it once all links are followed."""
    # Path.resolve() raises where links lead in a circle.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def files_below(folder: Path) -> list[Path]:
    """Return the files below `folder`, sorted; folders that are linked into it are entered as if they lay there.

    Each folder is entered once, however many links lead to it: without a link where that is possible, else by the
    first link in order. A link to a folder that the link itself lies in is not entered. A link to nowhere is listed as
    a file, so that whoever opens it says that it is missing.

    Raises
    ------
    InputError
        If a folder cannot be read.
    """
    files: list[Path] = []
    folders: list[Path] = [folder]
    links: list[Path] = []
    entered: set[tuple[int, int]] = set()
    while folders or links:
        if folders:
            here = folders.pop()
        else:
            here = links.pop(0)
            if lies_in(here.parent, here):
                continue
        try:
            state = here.stat()
            if (state.st_dev, state.st_ino) in entered:
                continue
            entered.add((state.st_dev, state.st_ino))
            inside = sorted(here.iterdir())
        except OSError as error:
            raise InputError(f"{here}: cannot be read ({error.strerror}); make it readable, or move it away") from error
        for path in inside:
            if not os.path.isdir(path):  # noqa: PTH112  # False for links in a circle, where Path.is_dir() raises
                files.append(path)
            elif path.is_symlink():
                links.append(path)
            elif path.name != _OF_THE_DISK:
                folders.append(path)
        links.sort()
    return sorted(files)
