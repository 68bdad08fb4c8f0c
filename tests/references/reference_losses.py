"""Protocol section 1, letter by letter: one frame after the other, nothing shared."""

import math

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


def positions(labels: list[int], fps: float) -> list[tuple[float, float]]:
    """Of every frame of a whole recording the part of its run that has passed, and the seconds that remain of it."""
    found = []
    for t, label in enumerate(labels):
        first = last = t
        while first > 0 and labels[first - 1] == label:
            first -= 1
        while last < len(labels) - 1 and labels[last + 1] == label:
            last += 1
        found.append(((t - first + 1) / (last - first + 1), (last - t) / fps))
    return found


def rival_loss(
    probabilities: Tensor,
    labels: Tensor,
    variant: str,
    background: int,
    *,
    passed: Tensor,
    remaining: Tensor,
    predicted: Tensor,
    seconds: float,
) -> Tensor:
    """R (batch, time) of the variants that rank nothing, of whole, fresh sequences; `seconds` is f of `exponential`."""
    rows = []
    for b, row_labels in enumerate(labels.tolist()):
        losses = []
        for t, label in enumerate(row_labels):
            now = probabilities[b, t]
            loss = now.sum() * 0
            if variant == "smoothing":
                before = probabilities[b, t - 1].detach() if t else now.detach()
                changes = [(now[k].log() - before[k].log()).abs() for k in range(len(now))]
                loss = sum(change**2 if change <= 4 else loss + 16 for change in changes) / len(now)
            elif label == background:
                pass
            elif variant == "linear_early":
                for other in range(len(now)):
                    if other != label:
                        loss = loss - passed[b, t] * (1 - now[other]).log()
            elif variant == "exponential":
                loss = math.exp(-max(0.0, float(remaining[b, t])) / seconds) * -now[label].log()
            elif variant == "weighted":
                loss = -now[label].log()
            elif variant == "confident":
                loss = -sum(p * p.log() for p in now)
            elif variant == "progress":
                loss = (predicted[b, t] - passed[b, t]) ** 2 + now.sum() * 0
            losses.append(loss)
        rows.append(torch.stack(losses))
    return torch.stack(rows)
