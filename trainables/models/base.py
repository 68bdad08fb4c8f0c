"""The base class of all detectors: from features to logits, causally (protocol section 2; paper section 3)."""

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
"""What a model carries from one frame to the next: a tensor for each name in `ModelSpec.state`.

The second dimension of every tensor is the recordings.
"""
Step = Callable[[int, State], tuple[Tensor, State]]
"""Takes a frame's number and the state before the frame; returns its logits (recordings, labels) and the state after it."""


class DetectionModel(nn.Module):
    """From features to logits, causally: standardisation, an optional fc7 layer, then the layers of a subclass.

    A subclass defines `spec`, `forward` and `step_function`, and `initial_state` if it has a state. The logits of a frame
    may depend on that frame and earlier ones only. `forward` is used in training and `step_function` in detection, so
    both must compute the same logits.

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
        Length of the vector that `embed` makes of a frame.
    label_count : int
        Number of labels, background (index 0) included.
    progress_head : nn.Linear or None
        Predicts, while training with such a loss, the part of the activity that has passed; no detector has it.
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
            Every setting of the training. A model folder keeps only `hidden_size`, `layers` and `fc7_size` of them, so
            the shapes of the weights must not depend on any other setting.
        """
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_dim))
        self.register_buffer("scale", torch.ones(feature_dim))
        self.fc7 = nn.Linear(feature_dim, config.fc7_size) if config.fc7_size else None
        self.dropout = Dropout(config.dropout)
        self.width = config.fc7_size or feature_dim
        self.label_count = labels
        self.progress_head: nn.Linear | None = None

    @property
    def hidden_width(self) -> int:
        """Length of the vector that `represent` makes of a frame."""
        raise NotImplementedError(f"{type(self).__name__} has no hidden_width")

    def add_progress_head(self) -> None:
        """Add the head, its weights drawn from torch's current random state, after all others."""
        self.progress_head = nn.Linear(self.hidden_width, 1)

    def detector_state(self) -> dict[str, Tensor]:
        """Return the tensors that a detector needs: those of the state but for the head's."""
        return {name: one for name, one in self.state_dict().items() if not name.startswith("progress_head.")}

    def check_dataset(self, dataset: Dataset) -> None:
        """Raise `InputError` if the frames of `dataset` were not prepared as this model needs them."""

    def embed(self, features: Tensor) -> Tensor:
        """Return the standardised features, after fc7 where there is one: (..., features) -> (..., width)."""
        standard = (features - self.mean).mul_(self.scale)
        return standard if self.fc7 is None else self.fc7(standard).relu()

    def initial_state(self, batch: int) -> State:
        """Return the state of `batch` fresh sequences; see `State`."""
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

        With truncated BPTT a sequence is cut after every `truncate` frames, and no gradient flows back over a cut. None:
        gradients flow through the whole sequence.
        """
        if type(self).represent is DetectionModel.represent:
            raise NotImplementedError(f"{type(self).__name__} has no forward")
        return self.classify(self.represent(features, truncate))

    def represent(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return what the last layer makes the logits of, (batch, time, `hidden_width`), as `forward` would.

        A model whose `spec.represents` is True defines it, `classify` and `hidden_width`, and may then leave `forward` out.
        """
        raise NotImplementedError(f"{type(self).__name__} has no represent")

    def classify(self, hidden: Tensor) -> Tensor:
        """Return the logits (batch, time, labels) of what `represent` returned."""
        raise NotImplementedError(f"{type(self).__name__} has no classify")

    def with_progress(self, features: Tensor, truncate: int | None = None) -> tuple[Tensor, Tensor]:
        """Return what `forward` does, and the head's prediction (batch, time), in (0, 1)."""
        assert self.progress_head is not None  # noqa: S101  # `add_progress_head` made it
        hidden = self.represent(features, truncate)
        # In float32, whatever the precision of the layer.
        return self.classify(hidden), self.progress_head(hidden).squeeze(-1).float().sigmoid()

    def step_function(self, features: Tensor) -> Step:
        """Return the step from frame to frame over `features` (batch, time, features); see `Step`.

        What needs no state may be computed for all frames at once.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step_function")
