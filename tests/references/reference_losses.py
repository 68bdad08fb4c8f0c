"""Protocol section 1, letter by letter: one frame after the other, nothing shared."""

import torch
from torch import Tensor


def quantity(probabilities: Tensor, label: int, name: str, without: int | None = None) -> Tensor:
    """Score, or margin (Eq. 11), of `label` at one frame; `probabilities` is (labels,), `without` no rival."""
    if name == "score":
        return probabilities[label]
    rivals = [probabilities[other] for other in range(len(probabilities)) if other not in (label, without)]
    return probabilities[label] - torch.stack(rivals).max()


def sequence_loss(
    probabilities: Tensor,
    labels: list[int],
    name: str,
    *,
    previous_only: bool = False,
    background: int = 0,
    activities: bool = False,
) -> list[Tensor]:
    """R_t of one sequence (frames, labels) with q = `name`; `previous_only` is Eq. 9, `activities` the rivals' set."""
    losses = []
    without = background if activities else None
    for t, label in enumerate(labels):
        now = probabilities[t]
        if t == 0:
            losses.append(now.sum() * 0)
        elif label != labels[t - 1]:
            losses.append(quantity(now, labels[t - 1], name, without).relu())
        elif label == background:
            losses.append(now.sum() * 0)
        else:
            start = t
            while start > 0 and labels[start - 1] == label:
                start -= 1
            if previous_only:
                start = t - 1
            best = max(float(quantity(probabilities[s].detach(), label, name, without)) for s in range(start, t))
            losses.append((best - quantity(now, label, name, without)).relu())
    return losses


def ranking_loss(
    probabilities: Tensor, labels: Tensor, variant: str, background: int = 0, *, activities: bool = False
) -> Tensor:
    """R (batch, time) of whole, fresh sequences; `activities`: background is no rival in a margin."""
    rows = []
    for row, row_labels in zip(probabilities, labels.tolist(), strict=True):
        zero = [row.sum() * 0] * len(row_labels)
        score = sequence_loss(row, row_labels, "score", background=background)
        margin = sequence_loss(row, row_labels, "margin", background=background, activities=activities)
        naive = sequence_loss(row, row_labels, "score", previous_only=True, background=background)
        both = [s + m for s, m in zip(score, margin, strict=True)]
        chosen = {"none": zero, "score": score, "margin": margin, "combined": both, "naive": naive}[variant]
        rows.append(torch.stack(chosen))
    return torch.stack(rows)
