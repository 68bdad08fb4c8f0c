"""Settings without effect, given the values of others: a study must not search them, and arms do not differ by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crescendo.trainables.losses.joint import variant_names
from crescendo.trainables.losses.variants import CROSS_ENTROPY, VARIANTS, Variant
from crescendo.trainables.models.registry import MODELS


def _ranks_no_margin(variant: Variant) -> bool:
    return "margin" not in variant.quantities


def _needs_no_seconds(variant: Variant) -> bool:
    return variant.term is None or "exponential_seconds" not in variant.term.settings


_WITHOUT_EFFECT_ON: dict[str, Callable[[Variant], bool]] = {
    "lambda_r": lambda variant: not variant.ranks,
    "clip_scaling": lambda variant: not variant.ranks,
    "margin_rivals": _ranks_no_margin,
    "exponential_seconds": _needs_no_seconds,
}
"""Setting -> whether it changes nothing in a variant; it does in several if it does in one of them."""

_BESIDE: dict[str, Sequence[Mapping[str, Any]]] = {
    "clip_scaling": ({"gradient_clip": 0},),
    "momentum": ({"optimizer": "adam"},),
    "fc7_learning_rate": ({"fc7": "new", "fc7_size": 0},),
    "learning_rate_gamma": ({"learning_rate_step": 0},),
    "normalise": ({"fc7": "from_checkpoint"},),
    "fc7_size": ({"fc7": "from_checkpoint"},),
}


def without_effect(*models: str, variant: str = CROSS_ENTROPY) -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return setting -> the cases in which it has no effect, each as the values of other settings that make it so.

    `models` are looked at beside the built-in ones, and so is `variant`, which may be several. The weight of a variant,
    `lambda_r.score`, has none where that variant is not used; `lambda_r` for all has none where there are several.
    """
    cases: dict[str, list[Mapping[str, Any]]] = {key: list(listed) for key, listed in _BESIDE.items()}
    for name in dict.fromkeys((*MODELS, *models)):
        for key in MODELS.resolve(name).unused:
            cases.setdefault(key, []).append({"model": name})
    for name in dict.fromkeys((*VARIANTS, variant)):
        parts = variant_names(name)
        for key, unused in _WITHOUT_EFFECT_ON.items():
            if all(part in VARIANTS and unused(VARIANTS[part]) for part in parts):
                cases.setdefault(key, []).append({"variant": name})
        if len(parts) > 1:
            cases["lambda_r"].append({"variant": name})
        for other in VARIANTS:
            if other not in parts:
                cases.setdefault(f"lambda_r.{other}", []).append({"variant": name})
    return {key: tuple(listed) for key, listed in cases.items()}
