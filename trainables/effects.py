"""Settings without effect, given the values of others: a study must not search them, and arms do not differ by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crescendo.trainables.losses.variants import without_ranking

_NETWORK = ({"model": "lstm"}, {"model": "cnn"})


def without_effect() -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return setting -> the cases in which it has no effect, each as the values of other settings that make it so."""
    return {
        "lambda_r": tuple({"variant": name} for name in without_ranking()),
        "momentum": ({"optimizer": "adam"},),
        "fc7_learning_rate": ({"fc7": "new", "fc7_size": 0},),
        "learning_rate_gamma": ({"learning_rate_step": 0},),
        **dict.fromkeys(("hidden_size", "layers", "reset"), ({"model": "cnn"}, {"model": "vgg19"})),
        "normalise": ({"model": "vgg19"}, {"fc7": "from_checkpoint"}),
        "dropout": ({"model": "vgg19"},),
        "fc7_size": ({"fc7": "from_checkpoint"},),
        **dict.fromkeys(("backbone", "weights"), _NETWORK),
    }
