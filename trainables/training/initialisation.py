"""The model that a training begins with, made from its configuration and data set (protocol section 2)."""

from __future__ import annotations

import torch
from torch import Tensor

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.sampler import feature_moments
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.contract import check_model
from crescendo.trainables.plurals import counted
from crescendo.trainables.registry import is_plugin
from crescendo.trainables.setting_rules import check_model_represents
from crescendo.trainables.training.suitability import check_suits


def resolved_for(config: TrainingConfig, dataset: Dataset) -> TrainingConfig:
    """Return `config` with the one setting that the data set decides: the width of an fc7 layer from a checkpoint.

    Raises
    ------
    InputError
        If the model or the loss cannot be trained on such a data set, or the fc7 layer is missing or has another width.
    """
    check_suits(config, dataset)
    if config.fc7 == "new":
        return config
    outputs = len(_stored_fc7(dataset)[0])
    if config.fc7_size not in (0, outputs):
        raise InputError(
            f"fc7_size: must be {outputs}, the width of the fc7 layer of {dataset.path}, or left at 0 where fc7 is "
            f"from_checkpoint but got {config.fc7_size}"
        )
    return config.model_copy(update={"fc7_size": outputs})


def _check_represents(config: TrainingConfig) -> None:
    """Check of a variant of one's own what is known of the others before anything is imported."""
    try:
        check_model_represents(config.variant, config.model)
    except ValueError as error:
        raise InputError(str(error)) from None


def initial_model(config: TrainingConfig, dataset: Dataset) -> DetectionModel:
    """Return the model that training starts from, for a `resolved_for` configuration.

    Weights are drawn from torch's current random state; how much of it is used does not depend on `normalise` and `fc7`.
    An fc7 layer from a checkpoint was trained on features as they are stored, so these are not standardised before it:
    at first its output is the network's own fc7 after ReLU.

    Raises
    ------
    InputError
        If pretrained weights cannot be loaded, the frames were prepared for another network, a model of the user's own
        breaks a rule of `DetectionModel`, or a loss predicts from what the model does not show.
    """
    if config.predicts_progress:
        _check_represents(config)
    model = build_model(dataset.feature_dim or 0, len(dataset.labels), config)
    if is_plugin(config.model):
        check_model(model, dataset.feature_dim or 0, config)
    model.check_dataset(dataset)
    if config.predicts_progress:  # after the others, which are those of every arm that has the seed
        model.add_progress_head()
    if dataset.holds_pixels:
        return model
    if config.fc7 == "from_checkpoint" and model.fc7 is not None:
        weight, bias = _stored_fc7(dataset)
        with torch.no_grad():
            model.fc7.weight.copy_(weight)
            model.fc7.bias.copy_(bias)
    elif config.normalise:
        mean, deviation = feature_moments(dataset, "training")
        model.mean.copy_(torch.from_numpy(mean))
        model.scale.copy_(torch.from_numpy(1 / deviation))
    return model


def _stored_fc7(dataset: Dataset) -> tuple[Tensor, Tensor]:
    found = dataset.fc7()
    if found is None:
        raise InputError(
            f"{dataset.path}: holds no fc7 layer, which fc7: from_checkpoint begins with; extract its features with "
            "`crescendo data extract --layer fc6`, or set fc7: new"
        )
    weight, bias = found
    if weight.shape != (len(bias), dataset.feature_dim):
        raise InputError(
            f"{dataset.path}: its fc7 layer has shape {tuple(weight.shape)} but the features have "
            f"{counted(dataset.feature_dim or 0, 'column')}; extract the data set again"
        )
    return weight, bias
