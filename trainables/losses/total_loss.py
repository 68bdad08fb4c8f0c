"""The loss that training minimises: L = CE + lambda_r R (protocol section 1, Eqs. 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from crescendo.trainables.data.run_positions import RunPositions
from crescendo.trainables.losses.custom import custom_ranking
from crescendo.trainables.losses.ranking import RankingState, rank
from crescendo.trainables.losses.terms import TermInputs, term_loss
from crescendo.trainables.losses.variants import VARIANTS, Variant
from crescendo.trainables.plurals import counted


class FrameLosses(NamedTuple):
    """CE and R of every frame, (batch, time), at least 0; `state` is to be passed with the sequences' next chunk."""

    cross_entropy: Tensor
    ranking: Tensor
    state: Any


class TotalLoss(NamedTuple):
    """L of a batch, to be differentiated; its parts, mean CE and mean R, detached; and both losses of every frame.

    Of several variants R is the weighted sum, lambda_r included.
    """

    total: Tensor
    cross_entropy: Tensor
    ranking: Tensor
    frames: FrameLosses


def total_loss(
    logits: Tensor,
    labels: Tensor,
    valid: Tensor,
    variant: str | Variant | Sequence[str | Variant],
    *,
    lambda_r: float | Sequence[float],
    background: int = 0,
    state: Any = None,
    positions: RunPositions[Tensor] | None = None,
    predicted: Tensor | None = None,
) -> TotalLoss:
    """Return L = CE + lambda_r R of a batch: both are means over the same count, all valid frames (reading 6).

    What the ranking loss compares a frame with is detached (reading 1). Whole sequences therefore give the same losses as
    their chunks, one after the other, with the state of each passed to the next.

    Parameters
    ----------
    valid
        (batch, time) bool: False for frames that pad the end of a sequence. At least one must be True.
    variant
        One, or several, whose losses are added, each with its weight.
    lambda_r
        The weight of R; of several variants one each.
    logits, labels, background, state, positions, predicted
        See `frame_losses`, which also says what is raised.
    """
    told: dict[str, Any] = {"background": background, "positions": positions, "predicted": predicted}
    variants = [VARIANTS.resolve(one) if isinstance(one, str) else one for one in _listed(variant)]
    weights = _listed(lambda_r)
    if len(variants) != len(weights):
        raise ValueError(
            f"lambda_r must be a weight for each of {counted(len(variants), 'variant')} but got {len(weights)}"
        )
    if len(variants) == 1:
        frames, of_ranking = frame_losses(logits, labels, variants[0], state=state, **told), weights[0]
    else:
        frames, of_ranking = _several(logits, labels, variants, weights, state, told), 1.0
    counts = valid.to(frames.cross_entropy.dtype)
    weight = counts / counts.sum()
    cross_entropy = (frames.cross_entropy * weight).sum()
    if not any(one.ranks for one in variants):
        # A third of what the loss launches on a GPU would add zeros.
        return TotalLoss(cross_entropy, cross_entropy.detach(), frames.ranking.new_zeros(()), frames)
    ranking = (frames.ranking * weight).sum()
    return TotalLoss(cross_entropy + of_ranking * ranking, cross_entropy.detach(), ranking.detach(), frames)


def ranking_loss(
    logits: Tensor,
    labels: Tensor,
    variant: str | Variant,
    *,
    background: int = 0,
    state: Any = None,
    positions: RunPositions[Tensor] | None = None,
    predicted: Tensor | None = None,
) -> tuple[Tensor, Any]:
    """Return R of every frame (batch, time) and the state for the sequences' next chunk: `frame_losses` without CE."""
    frames = frame_losses(
        logits, labels, variant, background=background, state=state, positions=positions, predicted=predicted
    )
    return frames.ranking, frames.state


def frame_losses(
    logits: Tensor,
    labels: Tensor,
    variant: str | Variant,
    *,
    background: int = 0,
    state: Any = None,
    positions: RunPositions[Tensor] | None = None,
    predicted: Tensor | None = None,
) -> FrameLosses:
    """Return CE and R of every frame, unreduced (protocol section 1).

    Parameters
    ----------
    logits
        (batch, time, labels), background included; for probabilities p pass log p. The loss is computed in float32 or
        better.
    labels
        (batch, time) int64. Frames that pad the end of a sequence may carry any valid label; mask their losses.
    variant
        A name of `VARIANTS`, `module:attribute`, or a `Variant`.
    background
        Index of the background label: R is 0 while background goes on (paper section 4.3).
    state
        What the previous chunk of the same sequences returned; None for fresh sequences, whose first frame is compared
        with nothing.
    positions
        (batch, time) each: where in its activity each frame lies (`data.run_positions`), for a variant that
        `needs_positions`.
    predicted
        (batch, time): what a head of the model makes of the part of the activity that has passed, for one that `predicts`.

    Returns
    -------
    FrameLosses
        What a frame is compared with is detached; all scores in the frame's own quantity get a gradient, the margin's
        rival included (reading 1). Where R is 0, it has no gradient.

    Raises
    ------
    InputError
        If there is no such variant, or the user's own fails.
    ValueError
        If shapes, types or the background index do not fit, or positions or a prediction are missing.
    """
    chosen = VARIANTS.resolve(variant) if isinstance(variant, str) else variant
    _check(logits, labels, chosen, background, state, positions, predicted)
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # Models hand over (batch, time, labels), and from here on it is labels first, batch last: every operation then goes
    # along the frames. Along a dozen labels a softmax takes twenty times as long.
    precise, labels = precise.permute(2, 1, 0), labels.t()
    if chosen.function is not None:
        cross_entropy, _, _ = _FrameLosses.apply(precise, labels, Variant(), background, None)
        ranking, state = custom_ranking(chosen.function, precise, labels, background, state)
    elif chosen.term is not None:
        cross_entropy, _, _ = _FrameLosses.apply(precise, labels, Variant(), background, None)
        told = TermInputs.of(precise, labels, background, positions, predicted)
        ranking, state = term_loss(chosen, told, state)
    else:
        cross_entropy, ranking, state = _FrameLosses.apply(precise, labels, chosen, background, state)
    return FrameLosses(cross_entropy.t(), ranking.t(), state)


def _listed(one_or_several: Any) -> list[Any]:
    return list(one_or_several) if isinstance(one_or_several, list | tuple) else [one_or_several]


def _several(
    logits: Tensor,
    labels: Tensor,
    variants: Sequence[str | Variant],
    weights: Sequence[float],
    state: Any,
    told: dict[str, Any],
) -> FrameLosses:
    """Return CE, the weighted sum of every variant's R, and a state of each, in the order of `variants`."""
    states = [None] * len(variants) if state is None else state
    parts = [
        frame_losses(logits, labels, variant, state=its_own, **told)
        for variant, its_own in zip(variants, states, strict=True)
    ]
    ranking = weights[0] * parts[0].ranking
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        ranking = ranking + weight * part.ranking
    return FrameLosses(parts[0].cross_entropy, ranking, tuple(part.state for part in parts))


class _FrameLosses(torch.autograd.Function):
    """CE and R, and their gradient with respect to the logits z in closed form.

    With p the softmax of z, and g and h the gradients that arrive for CE and R, it is

        g (p - onehot) + p (f - sum p f),    f = h dR / dp, which is 0 but for one label or two.

    Autograd would compute two softmaxes, their gradients and two dozen small operations instead.
    """

    @staticmethod
    def forward(
        context: Any, logits: Tensor, labels: Tensor, variant: Variant, background: int, state: RankingState | None
    ) -> tuple[Tensor, Tensor, RankingState]:
        """Return CE and R (time, batch) of `logits` (labels, time, batch), and the state after the last frame."""
        log_probabilities = logits.contiguous().log_softmax(0)
        cross_entropy = -log_probabilities.gather(0, labels.unsqueeze(0)).squeeze(0)
        probabilities = log_probabilities.exp_()
        ranking = rank(probabilities, labels, variant, background, state)
        context.save_for_backward(probabilities, labels, ranking.labels, ranking.scores, ranking.slopes)
        return cross_entropy, ranking.loss, ranking.state

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, of_cross_entropy: Tensor, of_ranking: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        """Return the gradient of the logits."""
        probabilities, labels, ranked, scores, slopes = context.saved_tensors
        forces = scores * slopes * of_ranking
        gradient = probabilities * (of_cross_entropy - forces.sum(0))
        gradient.scatter_add_(0, ranked, forces)
        gradient.scatter_add_(0, labels.unsqueeze(0), -of_cross_entropy.unsqueeze(0))
        return gradient, None, None, None, None


def _check(
    logits: Tensor,
    labels: Tensor,
    variant: Variant,
    background: int,
    state: Any,
    positions: RunPositions[Tensor] | None,
    predicted: Tensor | None,
) -> None:
    if logits.ndim != 3 or 0 in logits.shape:
        raise ValueError(f"logits must be (batch, time, labels), none 0, but got {tuple(logits.shape)}")
    if logits.shape[2] < 2:
        raise ValueError(f"logits must have background and at least one activity but got {logits.shape[2]} label")
    if not logits.is_floating_point():
        raise ValueError(f"logits must be of a floating-point type but got {logits.dtype}")
    if labels.shape != logits.shape[:2] or labels.dtype != torch.int64:
        raise ValueError(
            f"labels must be int64 of shape {tuple(logits.shape[:2])} but got {labels.dtype} of {tuple(labels.shape)}"
        )
    if variant.term is not None:
        _check_told(labels, variant, positions, predicted)
    if variant.among_activities and logits.shape[2] < 3:
        raise ValueError(
            "margin_rivals: activities needs two activities at least, but logits have one beside background"
        )
    if not 0 <= background < logits.shape[2]:
        raise ValueError(f"background must be a label below {logits.shape[2]} but got {background}")
    if isinstance(state, RankingState) and variant.function is None and variant.term is None:
        expected = (len(variant.quantities), labels.shape[0])
        if tuple(state.references.shape) != expected:
            raise ValueError(
                f"state belongs to another batch or variant: {tuple(state.references.shape)}, not {expected}"
            )


def _check_told(
    labels: Tensor, variant: Variant, positions: RunPositions[Tensor] | None, predicted: Tensor | None
) -> None:
    told = [*positions] if positions is not None and variant.needs_positions else []
    if variant.needs_positions and not told:
        raise ValueError("the variant needs positions: where in its activity each frame lies (data.run_positions)")
    if variant.predicts and predicted is None:
        raise ValueError("the variant needs predicted: what a head of the model makes of the part that has passed")
    if variant.predicts and predicted is not None:
        told.append(predicted)
    for one in told:
        if one.shape != labels.shape or not one.is_floating_point():
            raise ValueError(
                f"positions and predicted must be floating-point tensors of shape {tuple(labels.shape)} but got "
                f"{one.dtype} of {tuple(one.shape)}"
            )
