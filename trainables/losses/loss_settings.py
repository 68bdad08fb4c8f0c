"""The settings of the loss as users write them: one variant or a list, one weight or a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, TypeAdapter, ValidationError

from crescendo.trainables.errors import InputError
from crescendo.trainables.losses.joint import JOINT, joint_name
from crescendo.trainables.losses.variants import CROSS_ENTROPY, VARIANTS
from crescendo.trainables.registry import is_plugin

PART_OF_LAMBDA_R = "lambda_r."
"""Before the name of a variant: the setting that is its weight alone."""


def joined(variant: Any) -> Any:
    """Let a list of names stand for the one name of several variants."""
    if not isinstance(variant, tuple):
        return variant
    if not variant or not all(isinstance(name, str) for name in variant):
        raise ValueError(f"must be a name, or a list of names, but got {list(variant)!s:.80}")
    return joint_name(variant)


_WEIGHT = TypeAdapter(Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)])


def _weights(weights: Any) -> float | dict[str, float]:
    if not isinstance(weights, Mapping):
        return _WEIGHT.validate_python(weights)
    found = {}
    for name, weight in weights.items():
        try:
            VARIANTS.check(str(name))
            found[str(name)] = _WEIGHT.validate_python(weight)
        except InputError as error:
            raise ValueError(str(error).removeprefix(f"{VARIANTS.key}: ")) from None
        except ValidationError:
            raise ValueError(f"the weight of {name} must be a number of at least 0 but is {weight!r:.80}") from None
    return found


LambdaR = Annotated[float | dict[str, float], PlainValidator(_weights)]
"""A weight, or variant -> weight."""


def without_parts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the weights by name, `lambda_r.score`, in `lambda_r`, unless that is the variant's own weight."""
    weights = {key.removeprefix(PART_OF_LAMBDA_R): one for key, one in settings.items() if _is_part(key)}
    settings = {key: one for key, one in settings.items() if not _is_part(key)}
    whole, variant = settings.get("lambda_r"), settings.get("variant", CROSS_ENTROPY)
    known = all(name in VARIANTS or is_plugin(name) for name in weights)
    single = isinstance(variant, str) and JOINT not in variant and variant not in weights
    if not weights or (known and single and isinstance(whole, int | float)):
        return settings
    return {**settings, "lambda_r": {**(whole if isinstance(whole, Mapping) else {}), **weights}}


def _is_part(key: Any) -> bool:
    return isinstance(key, str) and key.startswith(PART_OF_LAMBDA_R)
