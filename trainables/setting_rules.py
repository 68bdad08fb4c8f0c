"""Rules between settings of a training that only the tables of models and variants can tell."""

from __future__ import annotations

from crescendo.trainables.losses.joint import variant_names
from crescendo.trainables.losses.variants import VARIANTS
from crescendo.trainables.models.registry import MODELS


def check_variant_fits(variant: str, model: str, sequence_length: int) -> None:
    """Check that the losses of `variant` can be had from `model` on sequences of so many frames.

    Raises
    ------
    ValueError
        If one looks back where a sequence is one frame, or predicts from what `model` does not show.
    """
    # One's own are not imported just to ask: they may look back.
    shipped = [VARIANTS.get(name) for name in variant_names(variant)]
    if sequence_length == 1 and any(one is None or one.looks_back for one in shipped):
        *others, last = (name for name, one in VARIANTS.items() if not one.looks_back)
        allowed = f"{', '.join(others)} or {last}"
        raise ValueError(f"variant must be {allowed} where sequence_length is 1 but got {variant}")
    if any(one is not None and one.predicts for one in shipped):
        check_model_represents(variant, model)


def check_model_represents(variant: str, model: str) -> None:
    """Check that `model` shows what its last layer reads, as a head that predicts needs.

    Raises
    ------
    ValueError
        If it does not.
    """
    if not MODELS.resolve(model).represents:
        able = ", ".join(name for name, spec in MODELS.items() if spec.represents)
        raise ValueError(
            f"variant {variant} needs a model that shows what its last layer reads ({able}, or your own with "
            f"spec.represents) but got model {model}"
        )


def check_model_takes_fc7(model: str) -> None:
    """Check that `model` has no fc7 of its own.

    Raises
    ------
    ValueError
        If it learns from pixels.
    """
    if MODELS.resolve(model).pixels:
        *others, last = [name for name, spec in MODELS.items() if not spec.pixels]
        raise ValueError(
            f"fc7_size and fc7 belong to models {', '.join(others)} and {last}: the network of {model} has its own fc7"
        )
