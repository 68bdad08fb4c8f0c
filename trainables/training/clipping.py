"""Gradient clipping: the largest norm that a step's gradient may have, and in how many steps it was larger."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from crescendo.trainables.config import TrainingConfig


def largest_norm(config: TrainingConfig) -> float:
    """Return the norm that a larger gradient is scaled down to; 0: none is.

    With `clip_scaling` it grows with the loss (Eq. 1), whose ranking part has lambda_r times the weight of the cross
    entropy, and of several variants the sum of their weights: the norm of a sum is at most the sum of the norms. Else a
    large lambda_r would also mean that most steps are clipped.
    """
    scaled = config.clip_scaling and any(variant.ranks for variant in config.loss_variants)
    return config.gradient_clip * (1 + sum(config.loss_weights)) if scaled else config.gradient_clip


@dataclass
class ClippedSteps:
    """In how many of the `steps` of a training that were counted the gradient was `clipped`."""

    steps: int = 0
    clipped: int = 0

    def add(self, norm: float, largest: float) -> None:
        """Count a step whose gradient had `norm` before clipping; `largest` is that of `largest_norm`."""
        self.steps += 1
        self.clipped += 0 < largest < norm

    @property
    def share(self) -> float | None:
        """The share of clipped steps; None if no step was counted."""
        return self.clipped / self.steps if self.steps else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields: the arguments that make it again."""
        return asdict(self)
