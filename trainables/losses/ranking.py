"""Ranking losses on activity progression (protocol section 1; paper section 4, Eqs. 3-15).

Every variant is two choices: which quantity of a label is ranked (its score p^y, or its margin over the best rival,
Eq. 11), and what it is compared with while an activity lasts (the largest value since the activity began, Eqs. 5
and 13, or the previous frame's, Eq. 9).

The arithmetic runs with the labels first and the batch last, so that every operation goes along frames: with a dozen
labels, operations along the labels cost twenty times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

Reference = Callable[[Tensor, Tensor], Tensor]

SCORE, MARGIN = "score", "margin"


def running_maximum(values: Tensor, changes: Tensor) -> Tensor:
    """Return the maximum of `values` from the beginning of each frame's run to the frame: (1 + time, ...), in [-1, 1].

    `changes` (time, what broadcasts) marks which frames after the first begin another run. An offset, in float64, puts
    each run above those before it; what is returned are `values` themselves. Of two that differ by less than 4e-16
    times the number of runs, either may be taken.
    """
    offset = values.to(torch.float64, copy=True)
    offset[1:].add_(changes.cumsum(0, dtype=torch.float64), alpha=4)
    return values.gather(0, offset.cummax(0).indices)


def latest(values: Tensor, changes: Tensor) -> Tensor:
    """Return `values` itself: the reference of `naive`, which looks back one frame only (Eq. 9)."""
    del changes
    return values


class Variant(NamedTuple):
    """The two choices: the quantities that are ranked, and summed, and the reference they are ranked against."""

    quantities: tuple[str, ...]
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


class Ranking(NamedTuple):
    """R of every frame with its slopes: R is linear in the few scores of a frame that it looks at, wherever it is not 0.

    `loss` (time, batch); `labels` (n, time, batch) int64 are those whose scores it looks at (the label ranked, and its
    best rival if the margin is), `scores` and `slopes` (the same shape) their scores and dR / dp; `state` is that
    after the last frame.
    """

    loss: Tensor
    labels: Tensor
    scores: Tensor
    slopes: Tensor
    state: RankingState


def rank(
    probabilities: Tensor, labels: Tensor, variant: str, background: int = 0, state: RankingState | None = None
) -> Ranking:
    """Return R_t and its slopes for detached `probabilities` (labels, time, batch) and `labels` (time, batch).

    `ranking_loss` says what they mean; `none`, which ranks nothing, is not for here.
    """
    quantities, reference = VARIANTS[variant]
    # The label that is ranked is always the frame before's: it goes on, or it was left.
    ranked = torch.cat((labels[:1] if state is None else state.labels.unsqueeze(0), labels[:-1]))
    changes = labels != ranked
    score, score_ranked = probabilities.gather(0, torch.stack((labels, ranked)))
    looked, seen = [ranked], [score_ranked]
    own, now = {SCORE: score}, {SCORE: score_ranked}
    if MARGIN in quantities:
        best, label, best_of_ranked = _rivals(probabilities, labels, ranked, changes, score_ranked)
        own[MARGIN], now[MARGIN] = score - best, score_ranked - best_of_ranked  # Eq. 11
        looked.append(label)
        seen.append(best_of_ranked)
    changed = changes.unsqueeze(1)
    reached, fallen_to = (torch.stack([side[quantity] for quantity in quantities], dim=1) for side in (own, now))
    # The state stands as a frame before the first. Of a fresh sequence that is the first itself, which then loses nothing.
    before = reached[:1] if state is None else state.references.unsqueeze(0)
    running = reference(torch.cat((before, reached)), changed)
    # Same label: reference - q_t (Eqs. 7, 9, 14), none for background that goes on (section 4.3). After a change: q_t
    # of the label that was left (Eqs. 8, 10).
    fallen = (running[:-1] - fallen_to).masked_fill_((labels == background).unsqueeze(1), 0)
    loss = torch.where(changed, fallen_to, fallen).relu_()
    slopes = torch.where(changed, 1.0, -1.0) * loss.sign()
    steep = [slopes.sum(1)]
    if MARGIN in quantities:
        steep.append(-slopes[:, quantities.index(MARGIN)])
    state = RankingState(labels[-1], running[-1])
    return Ranking(loss.sum(1), torch.stack(looked), torch.stack(seen), torch.stack(steep), state)


def _rivals(
    probabilities: Tensor, labels: Tensor, ranked: Tensor, changes: Tensor, score_ranked: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the score of the best rival of `labels`, and the best rival of `ranked` with its score: (time, batch) each.

    Background is a rival like any other (reading 4). Of rivals that tie, the lowest index is taken.
    """
    others = probabilities.scatter(0, ranked.unsqueeze(0), -1.0)
    best, label = others.max(0)
    # A label that begins has the one that was left for a rival, beside the others.
    beside = torch.maximum(score_ranked, others.scatter_(0, labels.unsqueeze(0), -1.0).amax(0))
    return torch.where(changes, beside, best), label, best


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
    if not VARIANTS[variant].quantities:
        return probabilities.new_zeros(labels.shape), RankingState(
            labels[:, -1], probabilities.new_zeros(0, len(labels))
        )
    ranking = rank(probabilities.detach().permute(2, 1, 0), labels.t(), variant, background, state)
    loss: Tensor = _Sloped.apply(probabilities, ranking.loss, ranking.labels, ranking.slopes)
    return loss, ranking.state


class _Sloped(torch.autograd.Function):
    """A loss whose slopes are known: autograd through its dozen of small steps would cost a small model more than they."""

    @staticmethod
    def forward(context: Any, probabilities: Tensor, loss: Tensor, labels: Tensor, slopes: Tensor) -> Tensor:
        """Return `loss` (time, batch) as (batch, time); its `slopes` in the scores of `labels` are (n, time, batch)."""
        context.save_for_backward(labels, slopes)
        context.label_count = probabilities.shape[2]
        return loss.t().clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the probabilities."""
        labels, slopes = context.saved_tensors
        flat = slopes.new_zeros((context.label_count, *slopes.shape[1:]))
        return flat.scatter_add_(0, labels, slopes * gradient.t()).permute(2, 1, 0), None, None, None


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
