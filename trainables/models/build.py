"""Which models there are."""

from __future__ import annotations

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.models.frame_classifier import FrameClassifier
from crescendo.trainables.models.lstm import LSTMDetector


def build_model(feature_dim: int, labels: int, config: TrainingConfig) -> DetectionModel:
    """Return the model that `config` names, its weights drawn from torch's current random state.

    Raises
    ------
    InputError
        If the weights that a network for pixels begins with cannot be had.
    """
    if config.model == "vgg19":
        from crescendo.trainables.models.finetuned_cnn import FineTunedNetwork

        return FineTunedNetwork(feature_dim, labels, config)
    return (LSTMDetector if config.model == "lstm" else FrameClassifier)(feature_dim, labels, config)
