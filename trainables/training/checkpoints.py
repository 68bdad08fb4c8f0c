"""Checkpoints: a folder of safetensors and JSON, complete or absent; no pickle is ever read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from crescendo.trainables.errors import InputError
from crescendo.trainables.files import atomic_directory, read_json, write_json

_MODEL, _OPTIMIZER, _METADATA = "model.safetensors", "optimizer.safetensors", "checkpoint.json"


def write_checkpoint(
    folder: Path, model: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], metadata: Mapping[str, Any]
) -> None:
    """Write weights, the optimiser's tensors and JSON-able metadata as `folder`, which must not exist."""
    with atomic_directory(folder) as partial:
        save_file({name: tensor.contiguous() for name, tensor in model.items()}, partial / _MODEL)
        save_file({name: tensor.contiguous() for name, tensor in optimizer.items()}, partial / _OPTIMIZER)
        write_json(partial / _METADATA, dict(metadata))


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    """Return the weights, the optimiser's tensors and the metadata that `folder` holds, on the CPU.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    weights, metadata = read_model(folder)
    return weights, _tensors(folder / _OPTIMIZER), metadata


def read_model(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights and the metadata that `folder` holds, on the CPU; `InputError` as `read_checkpoint`."""
    metadata = read_json(folder / _METADATA)
    if not isinstance(metadata, dict):
        raise InputError(f"{folder / _METADATA}: must hold an object")
    return _tensors(folder / _MODEL), metadata


def load_weights(folder: Path, own: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Copy the tensors `found` in `folder` into `own`, in place.

    Raises
    ------
    InputError
        If names or shapes differ: the checkpoint is of another model.
    """
    for name in sorted(own.keys() | found.keys()):
        ours = tuple(own[name].shape) if name in own else "none"
        theirs = tuple(found[name].shape) if name in found else "none"
        if ours != theirs:
            raise InputError(
                f"{folder}: the checkpoint is of another model: {name} has shape {theirs}, expected {ours}; "
                "use the configuration and data set it was trained with"
            )
    for name, tensor in own.items():
        tensor.copy_(found[name])


def newest(folder: Path) -> Path | None:
    """Return the checkpoint of the most iterations in `folder`, or None; half-written ones have another name."""
    found = sorted(folder.glob("iteration-*")) if folder.is_dir() else []
    return found[-1] if found else None


def found_in(folder: Path) -> Path:
    """Return the checkpoint that `folder` is, or the newest one that it holds as a training's or a trial's folder.

    Raises
    ------
    InputError
        If there is none.
    """
    if (folder / _METADATA).is_file():
        return folder
    found = newest(folder / "checkpoints") or newest(folder)
    if found is None:
        raise InputError(
            f"{folder}: holds no checkpoint (neither {_METADATA} nor iteration-*); name the --output of `crescendo train`, "
            "the folder of a confirmed trial, or a checkpoint"
        )
    return found


def checkpoint_folder(folder: Path, iteration: int) -> Path:
    """Return where in `folder` the checkpoint of `iteration` lies."""
    return folder / f"iteration-{iteration:09d}"


def prune(folder: Path, keep: Path) -> None:
    """Remove every checkpoint in `folder` but `keep`, and what interrupted writers left there."""
    for path in folder.iterdir():
        if path != keep and (path.name.startswith("iteration-") or path.name.startswith(".iteration-")):
            shutil.rmtree(path)


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; the checkpoint is incomplete") from error
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file ({error})") from error
