"""Checkpoints: a folder of safetensors and JSON, complete or absent; no pickle is ever read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_directory
from crescendo.trainables.storage.json_files import read_json, write_json
from crescendo.trainables.storage.reading import check_plain
from crescendo.trainables.storage.validated import validated
from crescendo.trainables.training.checkpoint_folders import METADATA

_MODEL, _OPTIMIZER = "model.safetensors", "optimizer.safetensors"


class _Row(BaseModel):
    iteration: int = Field(ge=0)


class _Stored(BaseModel):
    """What `Trainer.metadata` writes; earlier versions wrote less of it."""

    model_config = ConfigDict(strict=True)

    iteration: int = Field(0, ge=0)
    history: list[_Row] = []
    losses: dict[str, float] = {}
    config: dict[str, Any] = {}
    labels: list[str] = []
    feature_dim: int = Field(1, ge=1)
    dataset_hash: str = ""
    dataset: dict[str, Any] = {}
    frames: dict[str, Any] = {}


def write_checkpoint(
    folder: Path, model: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], metadata: Mapping[str, Any]
) -> None:
    """Write weights, the optimiser's tensors and JSON-able metadata as `folder`, which must not exist."""
    with atomic_directory(folder) as partial:
        _save(model, partial / _MODEL)
        _save(optimizer, partial / _OPTIMIZER)
        write_json(partial / METADATA, dict(metadata))


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
    content = read_json(folder / METADATA)
    validated(_Stored, content, folder / METADATA, "the checkpoint is damaged: go on from another, or train anew")
    return _tensors(folder / _MODEL), dict(content)


def load_weights(folder: Path, own: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> None:
    """Copy the tensors `stored` in `folder` into `own`, in place.

    Raises
    ------
    InputError
        If names or shapes differ: the checkpoint is of another model.
    """
    for name in sorted(own.keys() | stored.keys()):
        ours = tuple(own[name].shape) if name in own else "none"
        theirs = tuple(stored[name].shape) if name in stored else "none"
        if ours != theirs:
            raise InputError(
                f"{folder}: the checkpoint is of another model: {name} has shape {theirs}, expected {ours}; "
                "use the configuration and data set it was trained with"
            )
    for name, tensor in own.items():
        tensor.copy_(stored[name])


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def _tensors(path: Path) -> dict[str, Tensor]:
    check_plain(path)
    try:
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a complete safetensors file ({' '.join(str(error).split())})") from error
