"""What every detector is: features to logits, causally (protocol section 2; paper section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from crescendo.trainables.config import Reset, TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import BACKGROUND_INDEX
from crescendo.trainables.models.dropout import Dropout
from crescendo.trainables.models.registry import ModelSpec

State = tuple[Tensor, ...]
"""What a model carries from one frame to the next: the tensors that `ModelSpec.state` names, (any, recordings, any)."""
Step = Callable[[int, State], tuple[Tensor, State]]
"""(frame, state before it) -> logits (recordings, labels) of the frame, and the state after it."""


class DetectionModel(nn.Module):
    """Features to logits, causally: standardisation, optional fc7, then what a subclass puts before the linear layer.

    A subclass gives `spec`, `forward` and `step_function`, and `initial_state` where it has a state. Logits of a frame
    must hang on that frame and those before it alone, and `forward` and `step_function` must compute the same: the one
    trains, the other detects.

    Attributes
    ----------
    spec : ModelSpec
        What the rest of the program knows of the class.
    mean, scale : Tensor, (features,)
        Standardise the input and travel with the weights: `mean` is subtracted, `scale` multiplied.
    fc7 : nn.Linear or None
        features -> `fc7_size`, with ReLU, trained at a learning rate of its own (protocol section 2).
    dropout : Dropout
        At the configuration's rate.
    width : int
        Numbers that `embed` makes of a frame.
    label_count : int
        Labels, background (index 0) included.
    """

    spec: ClassVar[ModelSpec] = ModelSpec()

    mean: Tensor
    scale: Tensor

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        """Draw the weights from torch's current random state.

        Parameters
        ----------
        feature_dim
            Numbers a frame.
        labels
            How many labels there are, background included.
        config
            Every setting of the training; a model folder keeps `hidden_size`, `layers` and `fc7_size` alone, so weights
            must have no shape that hangs on others.
        """
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_dim))
        self.register_buffer("scale", torch.ones(feature_dim))
        self.fc7 = nn.Linear(feature_dim, config.fc7_size) if config.fc7_size else None
        self.dropout = Dropout(config.dropout)
        self.width = config.fc7_size or feature_dim
        self.label_count = labels

    def check_dataset(self, dataset: Dataset) -> None:
        """Raise `InputError` if the frames of `dataset` were not made as this model needs them."""

    def embed(self, features: Tensor) -> Tensor:
        """Return what the recurrent or linear part sees: (..., features) -> (..., width)."""
        standard = (features - self.mean).mul_(self.scale)
        return standard if self.fc7 is None else self.fc7(standard).relu()

    def initial_state(self, batch: int) -> State:
        """Return the state of `batch` fresh sequences: a tensor for each name in `spec.state`, (any, batch, any)."""
        if self.spec.state:
            raise NotImplementedError(f"{type(self).__name__} names a state but has no initial_state")
        return ()

    def reset(self, state: State, logits: Tensor, reset: Reset) -> State:
        """Return the state after a frame, cleared for each recording whose argmax is background (paper section 5.3).

        `memory` clears the tensors of `spec.memory`, `state` all, `none` nothing. `logits` is (recordings, labels).
        """
        if reset == "none" or not state or state[0].numel() == 0:
            return state
        keep = (logits.argmax(-1) != BACKGROUND_INDEX).to(logits.dtype).unsqueeze(-1)
        cleared = self.spec.state if reset == "state" else self.spec.memory
        return tuple(one * keep if name in cleared else one for name, one in zip(self.spec.state, state, strict=True))

    def forward(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return logits (batch, time, labels) of fresh sequences (batch, time, features), float16 or float32.

        `truncate` cuts the flow of gradients back through time at every multiple of so many frames (truncated BPTT).
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def step_function(self, features: Tensor) -> Step:
        """Return the step from frame to frame over `features` (batch, time, features); see `Step`.

        What needs no state may be computed for all frames at once.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step_function")
