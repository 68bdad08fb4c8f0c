"""The frame classifier of the paper's "CNN" row, on stored features (protocol section 2)."""

from __future__ import annotations

from torch import Tensor, nn

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models.base import DetectionModel, State, Step
from crescendo.trainables.models.registry import FRAME_CLASSIFIER


class FrameClassifier(DetectionModel):
    """A linear softmax layer on each frame by itself: the "CNN" row on stored features. It has no state."""

    spec = FRAME_CLASSIFIER

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        super().__init__(feature_dim, labels, config)
        self.linear = nn.Linear(self.width, labels)

    def initial_state(self, batch: int) -> State:
        """Return two empty tensors: there is no state."""
        nothing = self.mean.new_zeros((0, batch, 0))
        return nothing, nothing

    @property
    def hidden_width(self) -> int:
        """The width of the embedded features."""
        return self.width

    def represent(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return the embedded features after dropout, (batch, time, `width`)."""
        del truncate
        hidden: Tensor = self.dropout(self.embed(features))
        return hidden

    def classify(self, hidden: Tensor) -> Tensor:
        """Return logits (batch, time, labels)."""
        logits: Tensor = self.linear(hidden)
        return logits

    def step_function(self, features: Tensor) -> Step:
        """Return the step; the logits of all frames are computed at once."""
        logits = self.linear(self.embed(features))
        return lambda t, state: (logits[:, t], state)
