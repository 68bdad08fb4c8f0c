"""Several variants whose losses are added: their one name, and a weight of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crescendo.trainables.errors import InputError
from crescendo.trainables.losses.variants import CROSS_ENTROPY, VARIANTS

JOINT = "+"
"""Stands between the names of variants whose losses are added: `score+smoothing`."""

Weights = float | Mapping[str, float]
"""lambda_r of one variant, or of each variant by name; of variants that are not used it has no effect."""


def variant_names(variant: str) -> tuple[str, ...]:
    """Return the names of the variants whose losses are added."""
    return tuple(variant.split(JOINT))


def joint_name(names: Sequence[str]) -> str:
    """Return the one name of several variants, in whatever order they are listed."""
    return JOINT.join(sorted(names))


def check_variant(variant: str) -> None:
    """Raise `InputError` unless `variant` names a variant, or several that can be added; nothing is imported."""
    names = variant_names(variant)
    if len(names) == 1:
        VARIANTS.check(variant)
        return
    for name in names:
        VARIANTS.check(name)
        if name == CROSS_ENTROPY:
            raise InputError(f"{VARIANTS.key}: {name} adds nothing to the others; leave it out of {variant}")
        if names.count(name) > 1:
            raise InputError(f"{VARIANTS.key}: must name every variant once but {name} stands twice in {variant}")
    if variant != joint_name(names):
        raise InputError(f"{VARIANTS.key}: must be written {joint_name(names)}, sorted by name, but got {variant!r}")


def weight_of(lambda_r: Weights, name: str) -> float | None:
    """Return the weight of the variant called `name`; None if `lambda_r` gives it none."""
    return lambda_r.get(name) if isinstance(lambda_r, Mapping) else lambda_r


def weighted_names(variant: str, lambda_r: Weights) -> tuple[tuple[str, float], ...]:
    """Return (name, weight) of everything that is added to cross entropy; nothing of `none`.

    Raises
    ------
    ValueError
        If a variant has no weight; the message is a line for users.
    """
    names = variant_names(variant)
    if names == (CROSS_ENTROPY,):
        return ()
    if len(names) > 1 and not isinstance(lambda_r, Mapping):
        wanted = ", ".join(f"{name}: ..." for name in names)
        raise ValueError(f"lambda_r must give each of {' and '.join(names)} a weight, {{{wanted}}}, but got {lambda_r}")
    found = []
    for name in names:
        weight = weight_of(lambda_r, name)
        if weight is None:
            known = f"only names {', '.join(lambda_r)}" if isinstance(lambda_r, Mapping) and lambda_r else "is empty"
            raise ValueError(f"lambda_r must give {name} a weight, as variant {variant} has it, but {known}")
        found.append((name, weight))
    return tuple(found)
