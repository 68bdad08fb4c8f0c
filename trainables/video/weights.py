"""Weights of video networks: files of tensors, and only tensors, and checkpoints of the fine-tuned network."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from crescendo.trainables.errors import InputError
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.storage.reading import check_plain
from crescendo.trainables.training import checkpoint_folders, checkpoints

Weights = dict[str, Tensor]

_PREFIX = "network."


def read_weights(path: Path) -> Weights:
    """Return the tensors of a .safetensors file, or of a file of torch.save, by the names torchvision gives them.

    A file of torch.save is read with `weights_only`: one that would run code when it is read is refused. Weights may lie
    under `state_dict`, and under `module.`, as training scripts leave them.

    Raises
    ------
    InputError
        If the file is missing, damaged, or holds anything but tensors.
    """
    check_plain(path)
    try:
        content: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: is no file of plain tensors ({_reason(error)}); a pickle can run any code when it is read, so "
            "only the tensors of a state_dict are taken: save those, or a .safetensors file"
        ) from error
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a complete file of weights ({_reason(error)})") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError(f"{path}: must hold a state_dict (names and tensors) but holds a {type(content).__name__}")
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}


def read_tuned(folder: Path, backbone: str) -> tuple[Weights, Weights]:
    """Return the tensors of a checkpoint of the fine-tuned network: the network's, and the others by name.

    `folder` is a checkpoint, or what `crescendo train` or a confirmed trial of a study wrote.

    Raises
    ------
    InputError
        If there is no checkpoint, or it is of another model or backbone.
    """
    place = checkpoint_folders.found_in(folder)
    tensors, metadata = checkpoints.read_model(place)
    config = metadata.get("config", {})
    model = str(config.get("model"))
    if model not in MODELS or not MODELS[model].pixels:
        raise InputError(
            f"{place}: is a checkpoint of the model {model}, not of a network fine-tuned on frames "
            "(`crescendo train --config vgg19`)"
        )
    if config.get("backbone") != backbone:
        raise InputError(
            f"{place}: its backbone is {config.get('backbone')}, not {backbone}; name that one (--backbone)"
        )
    network = {name.removeprefix(_PREFIX): one for name, one in tensors.items() if name.startswith(_PREFIX)}
    return network, {name: one for name, one in tensors.items() if not name.startswith(_PREFIX)}


def _reason(error: BaseException) -> str:
    """Return the first line of what torch says, which goes on for a page."""
    lines = str(error).strip().splitlines()
    return next((line.strip() for line in lines if "Unsupported" in line), lines[0] if lines else type(error).__name__)
