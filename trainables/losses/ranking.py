"""The ranking losses on activity progression, frame by frame (protocol section 1; paper section 4, Eqs. 3 to 15).

All tensors have time before batch, and labels before both: (labels, time, batch).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from crescendo.trainables.losses.variants import Quantity, Variant


@dataclass(frozen=True)
class RankingState:
    """What the next chunk of the same sequences must know of the frames before it.

    `labels` (batch,) int64 are those of the last frame. `references` (quantities, batch), detached, are what each quantity
    is compared with if its activity goes on in the next frame.
    """

    labels: Tensor
    references: Tensor


class Ranking(NamedTuple):
    """R of every frame, and its slopes: R is piecewise linear in one or two scores of the frame.

    `loss` (time, batch) is R. `labels` (n, time, batch) int64 are the labels on whose scores R depends: the ranked label,
    and its best rival where margins are ranked. `scores` and `slopes` (n, time, batch) are these scores p and the
    derivatives dR / dp. `state` is the state after the last frame.
    """

    loss: Tensor
    labels: Tensor
    scores: Tensor
    slopes: Tensor
    state: RankingState


def rank(
    probabilities: Tensor, labels: Tensor, variant: Variant, background: int = 0, state: RankingState | None = None
) -> Ranking:
    """Return R_t of every frame and its slopes, from detached `probabilities` (labels, time, batch).

    `labels` is (time, batch). `total_loss.frame_losses` says what the other arguments mean.
    """
    if not variant.quantities:
        return _nothing(probabilities, labels)
    # The ranked label is always that of the frame before: its activity goes on, or has just ended.
    ranked = torch.cat((labels[:1] if state is None else state.labels.unsqueeze(0), labels[:-1]))
    changes = labels != ranked
    # What is of the frame's own label comes first, what is of the ranked one second.
    both = torch.stack((labels, ranked))
    scores = probabilities.gather(0, both)
    of_quantity: dict[Quantity, Tensor] = {"score": scores}
    at, its_scores = [ranked], [scores[1]]
    if "margin" in variant.quantities:
        left_out = background if variant.margin_rivals == "activities" else None
        best, rival = _rivals(probabilities, both, scores, left_out)
        of_quantity["margin"] = scores - best  # Eq. 11
        at.append(rival)
        its_scores.append(best[1])
    changed = changes.unsqueeze(1)
    of_label, of_ranked = _together([of_quantity[one] for one in variant.quantities], 2)
    # The state stands for a frame before the first. A fresh sequence has none: its first frame stands for it, and R is 0.
    before = of_label[:1] if state is None else state.references.unsqueeze(0)
    values = torch.cat((before, of_label))
    references = _running_maximum(values, changed) if variant.reference == "running_maximum" else values
    # Same label: reference - q_t (Eqs. 7, 9, 14); none for background that goes on (paper section 4.3). After a
    # change: q_t of the label before (Eqs. 8, 10).
    fallen = (references[:-1] - of_ranked).masked_fill_((labels == background).unsqueeze(1), 0)
    loss = torch.where(changed, of_ranked, fallen).relu_()
    signs = loss.sign()
    slopes = torch.where(changed, signs, -signs)
    by_score = [_sum(slopes)]
    if "margin" in variant.quantities:
        by_score.append(-slopes[:, variant.quantities.index("margin")])
    state = RankingState(labels[-1], references[-1])
    return Ranking(_sum(loss), _together(at), _together(its_scores), _together(by_score), state)


def _together(tensors: list[Tensor], dim: int = 0) -> Tensor:
    """Return what torch.stack does, without copying a single one."""
    return torch.stack(tensors, dim) if len(tensors) > 1 else tensors[0].unsqueeze(dim)


def _sum(of_quantities: Tensor) -> Tensor:
    """Return the sum over the quantities (dimension 1), without adding up a single one."""
    return of_quantities.sum(1) if of_quantities.shape[1] > 1 else of_quantities.squeeze(1)


def _nothing(probabilities: Tensor, labels: Tensor) -> Ranking:
    none = probabilities.new_empty((0, *labels.shape))
    state = RankingState(labels[-1], none[:, -1])
    return Ranking(probabilities.new_zeros(labels.shape), labels.new_empty(none.shape), none, none, state)


def _running_maximum(values: Tensor, changes: Tensor) -> Tensor:
    """Return for each frame the largest of `values` from the beginning of its run up to the frame.

    `values` and the result are (1 + time, ...), in [-1, 1]. `changes` (time, ...), broadcast along the other dimensions,
    marks which frames after the first begin another run. A float64 offset lifts every run above those before it, so that
    one cumulative maximum does for all; what is returned are `values` themselves, without it. Of two values that differ
    by less than 4e-16 times the number of runs, either may be returned.
    """
    if values.is_cuda:
        # Along the last dimension a GPU scans with many threads, along the first with one.
        offset, runs = (
            one.movedim(0, -1).to(torch.float64, copy=True, memory_format=torch.contiguous_format)
            for one in (values, changes)
        )
        offset[..., 1:].add_(runs.cumsum(-1), alpha=4)
        return values.gather(0, offset.cummax(-1).indices.movedim(-1, 0))
    offset = values.to(torch.float64, copy=True)
    offset[1:].add_(changes.cumsum(0, dtype=torch.float64), alpha=4)
    return values.gather(0, offset.cummax(0).indices)


def _rivals(probabilities: Tensor, labels: Tensor, scores: Tensor, left_out: int | None) -> tuple[Tensor, Tensor]:
    """Return the best rivals' scores of `labels` (2, time, batch), whose own are `scores`, and the second row's rival.

    Rivals are all other labels but `left_out` (reading 4). Of rivals that tie, the lowest index is taken.
    """
    if probabilities.is_cuda:
        # More numbers and fewer kernels: at these sizes it is the launches that take the time.
        others = probabilities.repeat(2, 1, 1, 1).scatter_(1, labels.unsqueeze(1), -1.0)
        if left_out is not None:
            others[:, left_out] = -1.0
        best, rivals = others.max(1)
        return best, rivals[1]
    label, ranked = labels
    others = probabilities.scatter(0, ranked.unsqueeze(0), -1.0)
    beside = scores[1]
    if left_out is not None:
        others[left_out] = -1.0
        beside = beside.masked_fill(ranked == left_out, -1.0)
    best, rival = others.max(0)
    # Where the label changes, the ranked one is among its rivals.
    beside = torch.maximum(beside, others.scatter_(0, label.unsqueeze(0), -1.0).amax(0))
    return torch.stack((torch.where(label != ranked, beside, best), best)), rival
