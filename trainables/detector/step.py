"""One frame through the model: the arithmetic of live detection, and of the step that other runtimes take over."""

from __future__ import annotations

from torch import Tensor, nn

from crescendo.trainables.config import Reset
from crescendo.trainables.models.base import DetectionModel


class RecurrentStep(nn.Module):
    """Features of one frame of each of n recordings and their states, to scores and states; the reset is in it.

    A state is what `DetectionModel.initial_state` gives to a recording's first frame.
    """

    def __init__(self, model: DetectionModel, reset: Reset) -> None:
        super().__init__()
        self.model, self.reset = model, reset

    def forward(self, features: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Return softmax scores (n, labels), then the tensors of the state after the frame, from features (n, features)."""
        logits, after = self.model.step_function(features.unsqueeze(1))(0, state)
        return logits.softmax(-1), *self.model.reset(after, logits, self.reset)
