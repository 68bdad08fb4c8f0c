"""Ranking losses of one's own: a differentiable function, checked before anything trains with it.

    my_loss(probabilities, labels, *, background, state) -> (loss, state)

`probabilities` (batch, time, labels) float are the softmax output, background included, `labels` (batch, time) int64, and
`background` is the index of the background label; `loss` (batch, time) is R of every frame. The `state` passed in is None
for fresh sequences, else what the function returned for the frames just before; the one returned is what the next chunk
must know, detached, or None. PyTorch differentiates the loss; what a frame is compared with should be detached, as in the
paper (reading 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from crescendo.trainables.errors import InputError
from crescendo.trainables.registry import blame

Function = Callable[..., Any]


def custom_ranking(
    function: Function, logits: Tensor, labels: Tensor, background: int, state: Any
) -> tuple[Tensor, Any]:
    """Return R (time, batch) as the user's own `function` computes it, and the function's state.

    `logits` is (labels, time, batch), `labels` (time, batch).

    Raises
    ------
    InputError
        If the function raises an exception, or does not return a pair of a loss (batch, time) and a state.
    """
    probabilities = logits.softmax(0).permute(2, 1, 0).contiguous()
    try:
        loss, state = _called(function, probabilities, labels.t().contiguous(), background, state)
    except ValueError as error:
        raise InputError(f"variant: {_name(function)}: {error}") from error
    return loss.to(logits.dtype).t(), state


def check_function(function: Function) -> None:
    """Try `function` on a small batch in two chunks; raise `ValueError`, saying which rule it breaks, if it breaks one.

    It must return finite losses (batch, time) with a finite gradient with respect to the probabilities.
    """
    labels = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 0], [2, 2, 2, 0, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1]])
    numbers = torch.arange(labels.numel() * 4, dtype=torch.float32).view(*labels.shape, 4)
    logits = (3 * (7 * numbers).sin()).requires_grad_()
    state, losses = None, []
    for chunk, targets in zip(logits.softmax(-1).split(4, 1), labels.split(4, 1), strict=True):
        loss, state = _called(function, chunk, targets, 0, state)
        losses.append(loss)
    total = torch.cat(losses, 1)
    if not total.isfinite().all():
        raise ValueError("its losses are not finite on a small batch of ordinary probabilities")
    if not total.requires_grad:
        raise ValueError(
            "its losses have no gradient in the probabilities; they must be made of them by operations of PyTorch"
        )
    try:
        (gradient,) = torch.autograd.grad(total.sum(), logits)
    except RuntimeError as error:
        raise ValueError(f"its gradient cannot be taken ({blame(error)})") from error
    if not gradient.isfinite().all():
        raise ValueError("its gradient is not finite on a small batch of ordinary probabilities")


def _called(
    function: Function, probabilities: Tensor, labels: Tensor, background: int, state: Any
) -> tuple[Tensor, Any]:
    try:
        found = function(probabilities, labels, background=background, state=state)
    except Exception as error:  # whatever somebody's own function raises
        raise ValueError(
            f"called as my_loss(probabilities, labels, background=..., state=...) it fails ({blame(error)})"
        ) from error
    if not isinstance(found, tuple) or len(found) != 2:
        raise ValueError(f"must return the pair (loss, state) but returns {_told(found)}")
    loss, state = found
    if not isinstance(loss, Tensor) or loss.shape != labels.shape or not loss.is_floating_point():
        raise ValueError(
            f"its loss must be a floating-point tensor (batch, time), here {tuple(labels.shape)}, but is {_told(loss)}"
        )
    return loss, state


def _told(found: Any) -> str:
    if isinstance(found, Tensor):
        return f"a tensor {tuple(found.shape)} of {found.dtype}"
    return f"a tuple of {len(found)}" if isinstance(found, tuple) else f"a {type(found).__name__}"


def _name(function: Function) -> str:
    return f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', type(function).__name__)}"
