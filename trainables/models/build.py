"""Builds the model that a configuration names."""

from __future__ import annotations

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.registry import blame, is_plugin, load


def build_model(feature_dim: int, labels: int, config: TrainingConfig) -> DetectionModel:
    """Return the model that `config` names, its weights drawn from torch's current random state.

    Raises
    ------
    InputError
        If the pretrained weights of a network for pixels cannot be loaded, or a model of the user's own cannot be built.
    """
    spec = MODELS.resolve(config.model)
    if not is_plugin(config.model):
        model: DetectionModel = load(MODELS.key, spec.target)(feature_dim, labels, config)
        return model
    try:
        own = load(MODELS.key, config.model)(feature_dim, labels, config)
    except Exception as error:  # whatever somebody's own model raises
        raise InputError(f"{MODELS.key}: {config.model}: cannot be built ({blame(error)})") from error
    if not isinstance(own, DetectionModel):
        raise InputError(f"{MODELS.key}: {config.model}: must be a DetectionModel but builds a {type(own).__name__}")
    return own
