"""What training makes small: L = CE + lambda_r R, means over a batch's valid frames (protocol section 1, Eq. 1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.losses.ranking import VARIANTS, rank


def batch_loss(logits: Tensor, labels: Tensor, valid: Tensor, config: TrainingConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Return L = CE + lambda_r R of a batch, and CE and R alone, detached; means over the valid frames (reading 6).

    `logits` is (batch, time, labels), `labels` and `valid` (batch, time). The running references of the ranking loss
    are detached, so taking the loss of a whole sequence at once gives what chunk by chunk with carried state gives.
    """
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    loss, cross_entropy, ranking = _Objective.apply(precise, labels, valid, config.variant, config.lambda_r)
    return loss, cross_entropy, ranking


class _Objective(torch.autograd.Function):
    """The loss with its gradient in the logits z, which is known: of softmax p, a frame's weight w and forces f on p,

        dL / dz = w (p - onehot) + p (f - sum p f),    f = w lambda_r dR / dp (0 but for one label or two).

    Autograd would take it apart into a softmax and its gradient, twice, and two dozen small steps.
    """

    @staticmethod
    def forward(
        context: Any, logits: Tensor, labels: Tensor, valid: Tensor, variant: str, lambda_r: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return L, CE and R; see `batch_loss`."""
        labels, weight = labels.t(), valid.t().to(logits.dtype) / valid.sum()
        # Labels first, as in `losses`: along the last of few labels a softmax takes twenty times as long.
        log_probabilities = logits.permute(2, 1, 0).contiguous().log_softmax(0)
        own = labels.unsqueeze(0)
        cross_entropy = -(log_probabilities.gather(0, own).squeeze(0) * weight).sum()
        probabilities = log_probabilities.exp_()
        gradient: Tensor
        if VARIANTS[variant].quantities:
            ranked = rank(probabilities, labels, variant)
            ranking = (ranked.loss * weight).sum()
            forces = ranked.scores * ranked.slopes * (lambda_r * weight)
            gradient = probabilities * (weight - forces.sum(0))
            gradient.scatter_add_(0, ranked.labels, forces)
        else:
            ranking = torch.zeros_like(cross_entropy)
            gradient = probabilities * weight
        gradient.scatter_add_(0, own, -weight.unsqueeze(0))
        context.save_for_backward(gradient.permute(2, 1, 0))
        context.mark_non_differentiable(cross_entropy, ranking)
        return cross_entropy + lambda_r * ranking, cross_entropy, ranking

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the logits."""
        (slopes,) = context.saved_tensors
        return slopes * gradient, None, None, None, None
