"""One frame through the model: the arithmetic of live detection, and of the step that other runtimes take over."""

from __future__ import annotations

from torch import Tensor, nn

from crescendo.trainables.config import Reset
from crescendo.trainables.inference.scoring import reset_state
from crescendo.trainables.models.base import DetectionModel


class RecurrentStep(nn.Module):
    """Features of one frame of each of n recordings and their states, to scores and states; the reset is in it.

    A state is (hidden, cell), as `DetectionModel.initial_state` gives it to a recording's first frame.
    """

    def __init__(self, model: DetectionModel, reset: Reset) -> None:
        super().__init__()
        self.model, self.reset = model, reset

    def forward(self, features: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return softmax scores (n, labels) and the state after the frame, from features (n, features)."""
        logits, state = self.model.step_function(features.unsqueeze(1))(0, (hidden, cell))
        hidden, cell = reset_state(state, logits, self.reset)
        return logits.softmax(-1), hidden, cell
