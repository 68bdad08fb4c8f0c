"""The network fine-tuned on single frames: the trainable `vgg19`, whose softmax is the paper's CNN row (paper section 5.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.pixels import PixelStore
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.base import DetectionModel, State, Step
from crescendo.trainables.models.registry import FINE_TUNED
from crescendo.trainables.video.backbones import build_network, standardisation

# Frames that go through the network at once in scoring: more take memory and save no time.
_TOGETHER = 32


class FineTunedNetwork(DetectionModel):
    """A torchvision network, its last layer replaced by one to the labels, on prepared frames. It has no state.

    Features are pixels, (..., 3 * size * size), 0 to 255. `mean` and `scale` (3,) standardise the channels as the
    backbone demands. `crop` (2,) int64 holds the side of the square that the network sees, and the short side that
    frames were resized to before the square was cut out, both in pixels.
    """

    spec = FINE_TUNED

    crop: Tensor

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        super().__init__(3, labels, config)
        self.size = math.isqrt(feature_dim // 3)
        self.network, self.preparation = build_network(config.backbone, config.weights, labels, self.size)
        mean, scale = standardisation(self.preparation)
        self.mean.copy_(mean.view(3))
        self.scale.copy_(scale.view(3))
        self.register_buffer("crop", torch.tensor([self.size, self.preparation.resize]))

    def check_dataset(self, dataset: Dataset) -> None:
        """Raise `InputError` if the frames of `dataset` were prepared in another way than the network demands."""
        store = dataset.store
        stored = store.metadata.get("preparation", {}) if isinstance(store, PixelStore) else {}
        for key in ("size", "resize", "interpolation"):
            if stored.get(key) != getattr(self.preparation, key):
                raise InputError(
                    f"{dataset.path}: its frames were prepared with {key} {stored.get(key)} but the backbone expects "
                    f"{getattr(self.preparation, key)}; extract the pixels again with this --backbone"
                )

    def initial_state(self, batch: int) -> State:
        """Return two empty tensors: there is no state."""
        nothing = self.mean.new_zeros((0, batch, 0))
        return nothing, nothing

    def forward(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return logits (batch, time, labels)."""
        del truncate
        images = features.reshape(-1, 3, self.size, self.size).to(self.mean.dtype)
        logits: Tensor = self.network((images - self.mean.view(3, 1, 1)) * self.scale.view(3, 1, 1))
        return logits.view(*features.shape[:-1], self.label_count)

    def step_function(self, features: Tensor) -> Step:
        """Return the step; all frames have gone through the network before the first one is asked for."""
        frames = features.flatten(0, 1)
        logits = torch.cat([self(part) for part in frames.split(_TOGETHER)]).view(*features.shape[:2], -1)
        return lambda t, state: (logits[:, t], state)
