"""Losses that rank nothing: rivals of the ranking losses, and controls that could explain a gain of theirs away.

All tensors have time before batch, and labels before both: (labels, time, batch). With p the softmax, y the true label and
u the part of the activity that has passed (`data.run_positions`), R_t is 0 but on frames of an activity, except in
`smoothing`. R is averaged over all valid frames, as of the ranking losses (reading 6), and u and the seconds that remain are
those of the unbroken run of a label in the whole recording (reading 5): sources that know one activity a sequence leave
that open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from crescendo.trainables.data.run_positions import RunPositions
from crescendo.trainables.losses.variants import Variant

LARGEST_CHANGE = 4.0
"""tau of `smoothing`: a larger change of a log probability costs no more."""


class TermInputs(NamedTuple):
    """What a term is made of.

    `log_probabilities` is (labels, time, batch), the others (time, batch): `activity` bool, `positions` and `predicted` as
    `total_loss.frame_losses` says, None where the term needs none.
    """

    log_probabilities: Tensor
    labels: Tensor
    activity: Tensor
    positions: RunPositions[Tensor] | None
    predicted: Tensor | None

    @classmethod
    def of(
        cls,
        logits: Tensor,
        labels: Tensor,
        background: int,
        positions: RunPositions[Tensor] | None,
        predicted: Tensor | None,
    ) -> TermInputs:
        """Return the inputs from `logits` (labels, time, batch), `labels` (time, batch) and the rest (batch, time)."""
        turned = None if positions is None else RunPositions(*(one.t().to(logits.dtype) for one in positions))
        prediction = None if predicted is None else predicted.t().to(logits.dtype)
        return cls(logits.log_softmax(0), labels, labels != background, turned, prediction)

    @property
    def cross_entropy(self) -> Tensor:
        """-log p^y, (time, batch)."""
        return -self.log_probabilities.gather(0, self.labels.unsqueeze(0)).squeeze(0)

    def on_activities(self, loss: Tensor) -> Tensor:
        """Return `loss` (time, batch), 0 on background."""
        return loss.masked_fill(~self.activity, 0)

    def where(self) -> RunPositions[Tensor]:
        """Return the positions, which a term that needs them was given."""
        assert self.positions is not None  # noqa: S101  # `frame_losses` checked it
        return self.positions


def term_loss(variant: Variant, inputs: TermInputs, state: Any) -> tuple[Tensor, Any]:
    """Return R (time, batch) of a variant that has a term, and the state for the next chunk, None but for `smoothing`."""
    assert variant.term is not None  # noqa: S101
    return _TERMS[variant.term.function](inputs, variant, state)


def _linear_early(inputs: TermInputs, variant: Variant, state: Any) -> tuple[Tensor, Any]:
    """R_t = -u sum over k != y of log(1 - p^k).

    Source: Aliakbarian et al., "Encouraging LSTMs to Anticipate Actions Very Early", ICCV 2017, the second term of their
    loss (`partially_linear` in the code), which weighs false positives by t / T; there both terms are divided by the number
    of labels, so that its ratio to the cross entropy is that of lambda_r = 1. Ours: T is the length of one activity and not
    of a video, t counts from 1 (in their code from 0), background is among the labels, and its own frames have no such
    term. Their code adds 1e-7 to 1 - p; here log(1 - p) is exact, and finite.
    """
    del variant, state
    others = _log_complements(inputs.log_probabilities).scatter(0, inputs.labels.unsqueeze(0), 0.0)
    return inputs.on_activities(-inputs.where().passed * others.sum(0)), None


def _exponential(inputs: TermInputs, variant: Variant, state: Any) -> tuple[Tensor, Any]:
    """R_t = exp(-max(0, r) / f) CE_t, r the seconds that remain of the activity after the frame.

    Source: anticipation of accidents (Chan et al., "Anticipating Accidents in Dashcam Videos", ACCV 2016), where a frame
    before an accident weighs so; in public code r = max(0, (frame of the accident - t - 1) / fps), frames counted from 0,
    and f is 1 s. Ours: the end of an activity stands for the accident, f is a setting, and it is added to the cross entropy
    of all frames instead of taking its place.
    """
    del state
    weight = torch.exp(inputs.where().remaining.clamp(min=0) / -variant.exponential_seconds)
    return inputs.on_activities(weight * inputs.cross_entropy), None


def _smoothing(inputs: TermInputs, variant: Variant, state: Any) -> tuple[Tensor, Any]:
    """R_t = mean over labels k of min(|log p_t^k - log p_{t-1}^k|, 4)^2; p_{t-1} is detached, and R is 0 at a first frame.

    Source: Farha and Gall, "MS-TCN: Multi-Stage Temporal Convolutional Network for Action Segmentation", CVPR 2019, the
    truncated mean squared error (T-MSE) of their section on the loss function, tau = 4 and its weight 0.15 there; taken as it
    is, with background and changes of the label, as their code has it. Their code averages it over the T - 1 changes of a
    video and adds that of every stage of the network. Ours: there is one stage, and R is averaged over all T valid frames,
    with 0 at the first, so that it is (T - 1) / T of theirs. The state is log p of the last frame, (labels, batch).
    """
    del variant
    now = inputs.log_probabilities
    before = torch.cat((now[:, :1] if state is None else state.unsqueeze(1), now[:, :-1]), 1).detach()
    return (now - before).square().clamp(max=LARGEST_CHANGE**2).mean(0), now[:, -1].detach()


def _weighted(inputs: TermInputs, variant: Variant, state: Any) -> tuple[Tensor, Any]:
    """R_t = CE_t: an activity's frames weigh 1 + lambda_r times as much as background. Ours, as a control."""
    del variant, state
    return inputs.on_activities(inputs.cross_entropy), None


def _confident(inputs: TermInputs, variant: Variant, state: Any) -> tuple[Tensor, Any]:
    """R_t = -sum over labels k of p^k log p^k.

    Source: the entropy that Grandvalet and Bengio, "Semi-supervised Learning by Entropy Minimization", NeurIPS 2004,
    minimise where there is no label. Ours, as a control: on an activity's frames, beside their label.
    """
    del variant, state
    entropy = -(inputs.log_probabilities.exp() * inputs.log_probabilities).sum(0)
    return inputs.on_activities(entropy), None


def _progress(inputs: TermInputs, variant: Variant, state: Any) -> tuple[Tensor, Any]:
    """R_t = (u' - u)^2, u' the prediction of the model's head.

    Source: Becattini et al., "Am I Done? Predicting Action Progress in Videos", ACM TOMM 2020 (arXiv 1705.01781), whose
    network predicts a linear progress in (0, 1] by a sigmoid. Ours: the plain squared error, one linear layer beside that
    of the labels, and no detector of boxes.
    """
    del variant, state
    assert inputs.predicted is not None  # noqa: S101  # `frame_losses` checked it
    return inputs.on_activities((inputs.predicted - inputs.where().passed).square()), None


_TERMS: Mapping[str, Callable[[TermInputs, Variant, Any], tuple[Tensor, Any]]] = {
    "linear_early": _linear_early,
    "exponential": _exponential,
    "smoothing": _smoothing,
    "weighted": _weighted,
    "confident": _confident,
    "progress": _progress,
}


def _log_complements(log_probabilities: Tensor) -> Tensor:
    """Return log(1 - p) of every label, (labels, time, batch).

    Of the largest p it is the logarithm of the others' sum: in 1 - p a p near 1 would leave nothing.
    """
    largest = log_probabilities.argmax(0, keepdim=True)
    of_others = log_probabilities.scatter(0, largest, -torch.inf).logsumexp(0, keepdim=True)
    small = torch.log1p(-log_probabilities.exp().scatter(0, largest, 0.0))
    return small.scatter(0, largest, of_others)
