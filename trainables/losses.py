"""Ranking losses on activity progression (protocol section 1; paper section 4, Eqs. 3-15).

Every variant is two choices: which quantity of a label is ranked (its score p^y, or its margin over the best rival,
Eq. 11), and what it is compared with while an activity lasts (the largest value since the activity began, Eqs. 5
and 13, or the previous frame's, Eq. 9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

Reference = Callable[[Tensor, Tensor], Tensor]


class Quantity(NamedTuple):
    """What is ranked of a label: its weight of the label's own score and that of its best rival's."""

    own: float
    rival: float


SCORE = Quantity(1.0, 0.0)
MARGIN = Quantity(1.0, -1.0)  # Eq. 11


def rivals(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the label of highest score but for the frame's own: (batch, time, labels) and (batch, time, n) -> the latter.

    Background is a rival like any other (reading 4). Of rivals that tie, the lowest index is taken.
    """
    scores = probabilities.detach()
    best = scores.argmax(-1, keepdim=True)
    second = scores.scatter(-1, best, -1.0).argmax(-1, keepdim=True)
    return torch.where(labels == best, second, best)


def running_maximum(values: Tensor, begins: Tensor) -> Tensor:
    """Return the maximum of `values` from the beginning of each frame's run to the frame: (batch, time) each.

    `begins` (bool) marks the first frame of every run. A segmented scan of log2(time) steps: it only compares, so
    nothing is lost to rounding however many runs there are.
    """
    begun = begins
    step = 1
    while step < values.shape[1]:
        earlier = values[:, :-step]
        reached = torch.where(begun[:, step:], values[:, step:], torch.maximum(values[:, step:], earlier))
        values = torch.cat((values[:, :step], reached), dim=1)
        # A frame whose window holds the beginning of its run has all it needs.
        begun = torch.cat((begun[:, :step], begun[:, step:] | begun[:, :-step]), dim=1)
        step *= 2
    return values


def latest(values: Tensor, begins: Tensor) -> Tensor:
    """Return `values` itself: the reference of `naive`, which looks back one frame only (Eq. 9)."""
    del begins
    return values


class Variant(NamedTuple):
    """The two choices: the quantities that are ranked, and summed, and the reference they are ranked against."""

    quantities: tuple[Quantity, ...]
    reference: Reference


VARIANTS: dict[str, Variant] = {
    "none": Variant((), latest),
    "score": Variant((SCORE,), running_maximum),
    "margin": Variant((MARGIN,), running_maximum),
    "combined": Variant((SCORE, MARGIN), running_maximum),
    "naive": Variant((SCORE,), latest),
}


@dataclass(frozen=True)
class RankingState:
    """What a sequence's next chunk must know of the frames before it.

    `labels` (batch,) int64 are those of the last frame; `references` (quantities, batch) are each quantity's running
    reference there, detached.
    """

    labels: Tensor
    references: Tensor


def ranking_loss(
    probabilities: Tensor,
    labels: Tensor,
    variant: Literal["none", "score", "margin", "combined", "naive"] | str,
    *,
    background: int = 0,
    state: RankingState | None = None,
) -> tuple[Tensor, RankingState]:
    """Return R_t of every frame, unreduced, and the state for the sequence's next chunk (protocol section 1).

    Parameters
    ----------
    probabilities
        (batch, time, labels) softmax output, background included.
    labels
        (batch, time) int64. Frames that pad the end of a sequence may carry any valid label; mask their loss.
    variant
        `none`, `score`, `margin`, `combined` (score + margin) or `naive`.
    background
        Index of the background label: frames that stay in background are exempt (section 4.3).
    state
        What the previous chunk returned; None for fresh sequences, whose first frame has no predecessor.

    Returns
    -------
    loss
        (batch, time), not negative. The reference of a frame is detached; everything in the frame's own quantity gets
        gradient, the margin's rival too (reading 1); where the two are equal there is none.
    state
        The state after the last frame.

    Raises
    ------
    ValueError
        If shapes, types, the variant or the background index do not fit.
    """
    _check(probabilities, labels, variant, background, state)
    quantities, reference = VARIANTS[variant]
    previous = torch.cat((labels[:, :1] if state is None else state.labels.unsqueeze(1), labels[:, :-1]), dim=1)
    changes = labels != previous
    if not quantities:
        return probabilities.new_zeros(labels.shape), RankingState(
            labels[:, -1], probabilities.new_zeros(0, len(labels))
        )
    exempt = ~changes & (labels == background)
    if state is None:
        exempt[:, 0] = True
    with torch.no_grad():
        weights = probabilities.new_tensor(quantities)[:, : 2 if MARGIN in quantities else 1]
        # Of every frame its own label, which makes the reference, and the label ranked, whose run goes on or ended.
        asked = torch.stack((labels, torch.where(changes, previous, labels)), dim=-1).unsqueeze(-1)
        if MARGIN in quantities:
            asked = torch.cat((asked, rivals(probabilities, asked.squeeze(-1)).unsqueeze(-1)), dim=-1)
        scores = probabilities.gather(-1, asked.flatten(2)).unflatten(-1, asked.shape[2:])
        own, now = (scores @ weights.t()).permute(2, 3, 0, 1)
        # The state stands as a frame before the first: the scan then needs no special case at a chunk's beginning.
        before = own[:, :, 0] if state is None else state.references
        begins = torch.nn.functional.pad(changes, (1, 0), value=True).repeat(len(quantities), 1)
        values = torch.cat((before.unsqueeze(-1), own), dim=-1)
        running = reference(values.flatten(0, 1), begins).view_as(values)
        # Same label: reference - q_t (Eqs. 7, 9, 14); after a change: q_t of the label that was left (Eqs. 8, 10).
        shortfall = torch.where(changes, now, running[:, :, :-1] - now).masked_fill(exempt, 0.0)
        direction = torch.where(changes, 1.0, -1.0) * (shortfall > 0)
        slopes = direction.permute(1, 2, 0).to(weights.dtype) @ weights
        loss = shortfall.relu().sum(0)
    ranked: Tensor = _Sloped.apply(probabilities, loss, asked[:, :, 1], slopes)
    return ranked, RankingState(labels[:, -1], running[:, :, -1])


class _Sloped(torch.autograd.Function):
    """A loss whose slopes are known: R is linear in the few scores of a frame that it looks at, wherever it is not 0.

    Autograd through its dozen of small steps would cost a small model more than the steps.
    """

    @staticmethod
    def forward(context: Any, probabilities: Tensor, loss: Tensor, labels: Tensor, slopes: Tensor) -> Tensor:
        """Return `loss` (batch, time), of `slopes` in the scores of `labels`, (batch, time, n) each."""
        context.save_for_backward(labels, slopes)
        context.shape = probabilities.shape
        return loss.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the probabilities."""
        labels, slopes = context.saved_tensors
        flat = slopes.new_zeros(context.shape)
        return flat.scatter_add_(-1, labels, slopes * gradient.unsqueeze(-1)), None, None, None


def _check(probabilities: Tensor, labels: Tensor, variant: str, background: int, state: RankingState | None) -> None:
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)} but got {variant!r}")
    if probabilities.ndim != 3 or 0 in probabilities.shape:
        raise ValueError(f"probabilities must be (batch, time, labels), none 0, but got {tuple(probabilities.shape)}")
    if probabilities.shape[2] < 2:
        raise ValueError(
            f"probabilities must have background and at least one activity but got {probabilities.shape[2]} label"
        )
    if not probabilities.is_floating_point():
        raise ValueError(f"probabilities must be of a floating-point type but got {probabilities.dtype}")
    if labels.shape != probabilities.shape[:2] or labels.dtype != torch.int64:
        raise ValueError(
            f"labels must be int64 of shape {tuple(probabilities.shape[:2])} but got {labels.dtype} of {tuple(labels.shape)}"
        )
    if not 0 <= background < probabilities.shape[2]:
        raise ValueError(f"background must be a label below {probabilities.shape[2]} but got {background}")
    if state is not None:
        expected = (len(VARIANTS[variant].quantities), labels.shape[0])
        if tuple(state.references.shape) != expected:
            raise ValueError(
                f"state belongs to another batch or variant: {tuple(state.references.shape)}, not {expected}"
            )
