"""The optimiser of a training (protocol section 8): SGD with momentum or Adam, each in one kernel a step."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import torch
from torch import nn

from crescendo.trainables.config import TrainingConfig

Kind = TypeVar("Kind", bound=torch.optim.Optimizer)

# torch wraps these so that torch.compile may leave them out.
_WRAPPED = ("add_param_group", "load_state_dict", "state_dict", "step", "zero_grad")


def optimizer_of(model: nn.Module, config: TrainingConfig, device: torch.device) -> torch.optim.Optimizer:
    """Return the optimiser of all parameters of `model`; a layer `fc7` has a rate of its own.

    On CUDA a step never looks at a number on the GPU, and its rate is a tensor there, as a captured step needs.
    """
    fc7 = [parameter for name, parameter in model.named_parameters() if name.startswith("fc7.")]
    rest = [parameter for name, parameter in model.named_parameters() if not name.startswith("fc7.")]
    cuda = device.type == "cuda"

    def group(parameters: list[nn.Parameter], rate: float) -> dict[str, Any]:
        return {"params": parameters, "initial_lr": rate, "lr": torch.tensor(rate, device=device) if cuda else rate}

    groups = [group(rest, config.learning_rate)]
    if fc7:
        groups.append(group(fc7, config.fc7_learning_rate))
    shared: dict[str, Any] = {"weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return _uncompiled(torch.optim.SGD)(groups, momentum=config.momentum, **shared)
    return _uncompiled(torch.optim.Adam)(groups, capturable=cuda, **shared)


def _uncompiled(kind: type[Kind]) -> type[Kind]:
    """Return the class `kind` without what torch wraps around its methods for torch.compile, which nothing here uses.

    The first call of a wrapped one imports the compiler, which takes longer than all else that a training imports. What
    the wrapping of `step` does beside, no gradients, stays.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in _WRAPPED}
    methods["step"] = torch.no_grad()(methods["step"])
    made: type[Kind] = type(kind.__name__, (kind,), methods)
    return made
