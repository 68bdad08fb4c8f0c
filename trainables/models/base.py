"""What every detector is: features to logits, causally (protocol section 2; paper section 3)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models.dropout import Dropout

State = tuple[Tensor, Tensor]


class DetectionModel(nn.Module):
    """Features to logits, causally: standardisation, optional fc7, then what a subclass puts before the linear layer.

    `mean` and `scale` (features,) standardise the input and travel with the weights; `fc7` (features -> `fc7_size`,
    ReLU) is trained at its own learning rate (protocol section 2).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_dim))
        self.register_buffer("scale", torch.ones(feature_dim))
        self.fc7 = nn.Linear(feature_dim, config.fc7_size) if config.fc7_size else None
        self.dropout = Dropout(config.dropout)
        self.width = config.fc7_size or feature_dim
        self.label_count = labels

    def embed(self, features: Tensor) -> Tensor:
        """Return what the recurrent or linear part sees: (..., features) -> (..., width)."""
        standard = (features - self.mean).mul_(self.scale)
        return standard if self.fc7 is None else self.fc7(standard).relu()

    def initial_state(self, batch: int) -> State:
        """Return the state of `batch` fresh sequences."""
        raise AssertionError(f"{type(self).__name__} has no initial_state")

    def forward(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return logits (batch, time, labels) of fresh sequences (batch, time, features).

        `truncate` cuts the flow of gradients back through time at every multiple of so many frames (truncated BPTT).
        """
        raise AssertionError(f"{type(self).__name__} has no forward")

    def step_function(self, features: Tensor) -> Callable[[int, State], tuple[Tensor, State]]:
        """Return `step(t, state) -> (logits (batch, labels), state)` over `features` (batch, time, features)."""
        raise AssertionError(f"{type(self).__name__} has no step_function")
