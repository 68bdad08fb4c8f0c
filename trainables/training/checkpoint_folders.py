"""Where the checkpoints of a training or trial lie, which is the newest, and which are removed."""

from __future__ import annotations

import shutil
from pathlib import Path

from crescendo.trainables.errors import InputError

METADATA = "checkpoint.json"
"""The file that makes a folder a checkpoint."""
_CHECKPOINTS = "checkpoints"


def newest(run: Path) -> Path | None:
    """Return the checkpoint with the most iterations of the training or trial in `run`, or None if it has none.

    A checkpoint that is being written has another name. Trials of older versions kept checkpoints in `run` itself.
    """
    return max((*_in(run / _CHECKPOINTS), *_in(run)), key=lambda folder: folder.name, default=None)


def found_in(folder: Path) -> Path:
    """Return `folder` if it is a checkpoint, else the newest checkpoint of the training or trial in it.

    Raises
    ------
    InputError
        If there is none.
    """
    if (folder / METADATA).is_file():
        return folder
    checkpoint = newest(folder)
    if checkpoint is None:
        raise InputError(
            f"{folder}: holds no checkpoint (neither {METADATA} nor {_CHECKPOINTS}/iteration-*); name the --output of "
            "`crescendo train`, the folder of a confirmed trial, or a checkpoint"
        )
    return checkpoint


def checkpoint_folder(run: Path, iteration: int) -> Path:
    """Return the path of the checkpoint of `iteration` of the training or trial in `run`."""
    return run / _CHECKPOINTS / f"iteration-{iteration:09d}"


def prune(run: Path, keep: Path) -> None:
    """Remove every checkpoint of `run` but `keep`, and the remains of checkpoints whose writing was interrupted.

    Nothing is removed from a folder that is only linked: what else lies there is not known.
    """
    for folder in (run / _CHECKPOINTS, run):
        if folder != run and folder.is_symlink():
            continue
        for path in (*folder.glob("iteration-*"), *folder.glob(".iteration-*")):
            if path == keep:
                continue
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path)


def discard(run: Path) -> None:
    """Remove every checkpoint of `run`; files that cannot be removed are left without an error."""
    for path in (run / _CHECKPOINTS, *run.glob("iteration-*")):
        shutil.rmtree(path, ignore_errors=True)


def _in(folder: Path) -> list[Path]:
    return list(folder.glob("iteration-*"))
