"""Whether a data set is of the kind that a configuration trains on; no torch is needed to tell."""

from __future__ import annotations

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.registry import MODELS


def check_suits(config: TrainingConfig, dataset: Dataset) -> None:
    """Refuse a data set whose features, or labels, the model or the loss of `config` cannot be trained on.

    Raises
    ------
    InputError
    """
    if dataset.feature_dim is None:
        raise InputError(f"{dataset.path}: holds annotations only; import it with features to train on it")
    if dataset.holds_pixels != MODELS.resolve(config.model).pixels:
        holds = "pixels, to fine-tune a network on" if dataset.holds_pixels else "features, not pixels"
        of_pixels = next(name for name, spec in MODELS.items() if spec.pixels)
        remedy = "make one with `crescendo data extract --layer pixels`"
        if dataset.holds_pixels:
            remedy = f"set model: {of_pixels}"
        raise InputError(f"{dataset.path}: holds {holds}, and model {config.model} cannot use them; {remedy}")
    if any(variant.among_activities for variant in config.loss_variants) and len(dataset.labels) < 3:
        raise InputError(
            f"margin_rivals: activities needs two activities at least but {dataset.path} has one; set it to all"
        )
