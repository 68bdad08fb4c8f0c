"""Settings without effect, given the values of others: a study must not search them, and arms do not differ by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crescendo.trainables.losses.variants import VARIANTS, without_ranking
from crescendo.trainables.models.registry import MODELS

_BESIDE: dict[str, Sequence[Mapping[str, Any]]] = {
    "lambda_r": tuple({"variant": name} for name in without_ranking()),
    "margin_rivals": tuple({"variant": name} for name, one in VARIANTS.items() if "margin" not in one.quantities),
    "clip_scaling": ({"gradient_clip": 0}, *({"variant": name} for name in without_ranking())),
    "momentum": ({"optimizer": "adam"},),
    "fc7_learning_rate": ({"fc7": "new", "fc7_size": 0},),
    "learning_rate_gamma": ({"learning_rate_step": 0},),
    "normalise": ({"fc7": "from_checkpoint"},),
    "fc7_size": ({"fc7": "from_checkpoint"},),
}


def without_effect(*models: str) -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return setting -> the cases in which it has no effect, each as the values of other settings that make it so.

    `models` are looked at beside the built-in ones.
    """
    cases: dict[str, list[Mapping[str, Any]]] = {}
    for name in dict.fromkeys((*MODELS, *models)):
        for key in MODELS.resolve(name).unused:
            cases.setdefault(key, []).append({"model": name})
    return {key: (*cases.get(key, ()), *_BESIDE.get(key, ())) for key in {**_BESIDE, **cases}}
