"""One typed, validated table of every setting of a training run, with its default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS, MatchingRule
from crescendo.trainables.losses.joint import check_variant, variant_names, weighted_names
from crescendo.trainables.losses.loss_settings import PART_OF_LAMBDA_R, LambdaR, joined, without_parts
from crescendo.trainables.losses.variants import CROSS_ENTROPY, VARIANTS, MarginRivals, Variant
from crescendo.trainables.models.registry import MODELS, ModelSpec
from crescendo.trainables.registry import Registry
from crescendo.trainables.setting_rules import check_model_takes_fc7, check_variant_fits


def _one_of(registry: Registry[Any], check: Callable[[str], Any] | None = None) -> AfterValidator:
    """Return the check that a name is one of `registry`, or names the user's own.

    `check` raises `InputError` if it is not; default: `Registry.resolve`.
    """

    def known(name: str) -> str:
        try:
            (check or registry.resolve)(name)
        except InputError as error:
            raise ValueError(str(error).removeprefix(f"{registry.key}: ")) from None
        return name

    return AfterValidator(known)


Model = Annotated[str, _one_of(MODELS)]
# Whoever opens a trained model need not have, nor run, the loss that it was trained with or the matching rule that it was
# scored with: training resolves these names.
VariantName = Annotated[str, BeforeValidator(joined), _one_of(VARIANTS, check_variant)]
Reset = Literal["memory", "state", "none"]
Protocol = Annotated[str, _one_of(PROTOCOLS, PROTOCOLS.check)]

_SCIENTIFIC = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?[eE][+-]?\d{1,5}")

# Settings that came after version 0.1. Their defaults are what it did.
_LATER = ("graphs", "clip_scaling", "margin_rivals", "exponential_seconds")

PAPER_IOU = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


class TrainingConfig(BaseModel):
    """Every setting of a training run. The table of defaults is this class; shipped configurations change some of them.

    Defaults that the paper states are the paper's (paper section 5.2); the others are marked "ours".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    # Loss (protocol section 1)
    variant: VariantName = Field(
        CROSS_ENTROPY,
        description=f"ranking loss beside the cross entropy: {', '.join(VARIANTS)}, or MODULE:ATTRIBUTE for your own; a "
        "list adds several",
    )
    lambda_r: LambdaR = Field(
        6.0, description="weight of the added loss (Eq. 1); of several {VARIANT: WEIGHT}, or lambda_r.VARIANT each"
    )
    margin_rivals: MarginRivals = Field(
        "all", description="labels a margin is taken over: all others, or the other activities, as Eq. 11 may mean"
    )
    exponential_seconds: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="f of variant exponential: this long before its end an activity's frames weigh 1/e",
    )

    # Model (protocol section 2)
    model: Model = Field(
        next(iter(MODELS)), description="; ".join(f"{name}: {spec.description}" for name, spec in MODELS.items())
    )
    hidden_size: int = Field(128, ge=1, le=2**16, description="recurrent units a layer (ours)")
    layers: int = Field(1, ge=1, le=64, description="recurrent layers (ours)")
    dropout: float = Field(
        0.5, ge=0, lt=1, description="on input, between layers and on output, never recurrent (ours)"
    )
    fc7_size: int = Field(0, ge=0, le=2**20, description="width of a trained fc7 layer before the model; 0: none")
    fc7: Literal["new", "from_checkpoint"] = Field(
        "new", description="from_checkpoint: that layer begins as the network's own, which the data set of fc6 holds"
    )
    fc7_learning_rate: float = Field(1e-4, ge=0, allow_inf_nan=False, description="learning rate of that layer")
    normalise: bool = Field(
        True,
        description="standardise features by the training frames' mean and deviation (ours); never pixels, nor what an "
        "fc7 from_checkpoint was trained on",
    )
    backbone: str = Field("vgg19", description="of a model of pixels: torchvision's name of the network")
    weights: str = Field(
        "imagenet", description="of that network, to begin with: imagenet, none (random), or a file of weights"
    )

    # Training sequences
    sequences: int = Field(64, ge=1, le=2**20, description="sequences a learning batch")
    sequence_length: int = Field(100, ge=1, le=2**20, description="frames a sequence")
    bptt: int = Field(
        20, ge=1, le=2**20, description="frames through which gradients flow back; sequence_length: no truncation"
    )

    # Optimisation
    iterations: int = Field(1000, ge=1, le=10**9, description="learning batches, one optimiser step each")
    optimizer: Literal["sgd", "adam"] = Field("adam", description="the paper's is sgd")
    learning_rate: float = Field(2e-3, gt=0, allow_inf_nan=False, description="the paper's is 0.01 with sgd")
    learning_rate_step: int = Field(
        0, ge=0, le=10**9, description="iterations after which the rate is multiplied by gamma; 0: never"
    )
    learning_rate_gamma: float = Field(0.1, gt=0, le=1, description="that factor")
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    weight_decay: float = Field(5e-4, ge=0, allow_inf_nan=False, description="L2 penalty on every parameter")
    gradient_clip: float = Field(
        5.0, ge=0, allow_inf_nan=False, description="largest gradient norm; 0: no clipping (ours)"
    )
    clip_scaling: bool = Field(
        False, description="gradient_clip times 1 + lambda_r, or the sum of them, where something is ranked (ours)"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="bfloat16: mixed precision, on CUDA only")

    # Detection and scoring (protocol sections 3 and 4)
    reset: Reset = Field(
        "memory",
        description="what a background frame resets when the model runs over a recording; state for a model without "
        "memory cells",
    )
    merge_gap: int = Field(20, ge=0, le=10**9, description="same-label spans with fewer frames between them are merged")
    merge_gap_seconds: float | None = Field(
        None, ge=0, le=10**6, description="the gap in seconds, for data of another rate; overrides merge_gap"
    )
    protocol: Protocol = Field(DEFAULT_PROTOCOL, description="matching rule of mAP, or MODULE:RULE, your own")
    iou: tuple[float, ...] = Field(PAPER_IOU, max_length=1000, description="IoU thresholds")
    fractions: tuple[float, ...] = Field(
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        max_length=1000,
        description="observed fractions of early detection",
    )

    # Running
    seed: int = Field(0, ge=0, lt=2**32, description="the one seed of weights, batches and dropout")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto: cuda where there is one")
    graphs: Literal["auto", "off"] = Field(
        "auto", description="CUDA graphs on a GPU, where they change nothing to the last bit; off: never"
    )
    threads: int = Field(0, ge=0, le=4096, description="CPU threads; 0: as many as the process may use")
    evaluate_every: int = Field(250, ge=1, le=10**9, description="iterations between validations and checkpoints")

    @property
    def matching_rule(self) -> MatchingRule:
        """The rule that `protocol` names."""
        return PROTOCOLS.resolve(self.protocol)

    @property
    def loss_variants(self) -> tuple[Variant, ...]:
        """The losses that `variant` names, with their settings."""
        return tuple(
            VARIANTS.resolve(name).with_rivals(self.margin_rivals).with_seconds(self.exponential_seconds)
            for name in variant_names(self.variant)
        )

    @property
    def loss_weights(self) -> tuple[float, ...]:
        """The weight of each of them; of cross entropy alone there is nothing to weigh, and it is 0."""
        return tuple(weight for _, weight in weighted_names(self.variant, self.lambda_r)) or (0.0,)

    @property
    def needs_positions(self) -> bool:
        """Whether a loss needs to know how far the activity has gone at each frame."""
        return any(variant.needs_positions for variant in self.loss_variants)

    @property
    def predicts_progress(self) -> bool:
        """Whether a loss needs a head of the model that predicts how far the activity has gone."""
        return any(variant.predicts for variant in self.loss_variants)

    def for_identity(self) -> dict[str, Any]:
        """Return every setting, but for later ones at their defaults: studies that were begun before there were any go on.

        Weights by variant are settings of their own, `lambda_r.score`.
        """
        fields = type(self).model_fields
        settings = self.model_dump(exclude={key for key in _LATER if getattr(self, key) == fields[key].default})
        if isinstance(self.lambda_r, dict):
            del settings["lambda_r"]
            settings |= {f"{PART_OF_LAMBDA_R}{name}": weight for name, weight in self.lambda_r.items()}
        return settings

    @model_validator(mode="before")
    @classmethod
    def _plain_values(cls, values: Any) -> Any:
        """Let lists stand for tuples, 1e-4, which YAML 1.1 reads as text, for the number it is, `lambda_r.score` for a part."""
        if not isinstance(values, Mapping):
            return values
        plain = {key: _plain(value) for key, value in values.items()}
        return without_parts(plain)

    @model_validator(mode="before")
    @classmethod
    def _reset_of_the_model(cls, values: Any) -> Any:
        """Let the model say what its default reset is."""
        if not isinstance(values, Mapping) or "reset" in values or not isinstance(values.get("model"), str):
            return values
        try:
            return {**values, "reset": MODELS.resolve(values["model"]).resets[0]}
        except InputError:  # which the check of `model` says
            return values

    @field_validator("reset")
    @classmethod
    def _known_to_the_model(cls, reset: Reset, info: ValidationInfo) -> Reset:
        known = _spec(info.data).resets
        if reset not in known:
            raise ValueError(
                f"must be {' or '.join(known)} for model {info.data['model']}, which has no memory cells to clear, "
                f"but got {reset}"
            )
        return reset

    @model_validator(mode="after")
    def _consistent(self) -> TrainingConfig:
        if self.bptt > self.sequence_length:
            raise ValueError(f"bptt must be at most sequence_length ({self.sequence_length}) but got {self.bptt}")
        weighted_names(self.variant, self.lambda_r)
        check_variant_fits(self.variant, self.model, self.sequence_length)
        if self.fc7_size or self.fc7 != "new":
            check_model_takes_fc7(self.model)
        for key in ("iou", "fractions"):
            values = getattr(self, key)
            if not values or not all(0 < value <= 1 for value in values):
                raise ValueError(f"{key} must be a list of numbers in (0, 1] but got {list(values)!s:.80}")
            if list(values) != sorted(set(values)):
                raise ValueError(f"{key} must rise without repetition but got {list(values)!s:.80}")
        return self


def _spec(settings: Mapping[str, Any]) -> ModelSpec:
    """Return what is known of the model of `settings`; of the first one where theirs is wrong, which is said already."""
    return MODELS.resolve(settings["model"]) if "model" in settings else next(iter(MODELS.values()))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return float(value) if isinstance(value, str) and _SCIENTIFIC.fullmatch(value) else value


def gap_frames(config: TrainingConfig, fps: float) -> int:
    """Return the merge gap in frames for data of `fps` frames a second."""
    return config.merge_gap if config.merge_gap_seconds is None else round(config.merge_gap_seconds * fps)


def configuration(values: Mapping[str, Any], source: str = "configuration") -> TrainingConfig:
    """Return the validated configuration that `values` ask for, everything else at its default.

    Raises
    ------
    InputError
        Listing every error at once, each with key, value and rule.
    """
    try:
        return TrainingConfig.model_validate(dict(values))
    except ValidationError as error:
        raise InputError("\n".join(f"{source}: {line}" for line in _lines(error))) from None


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for one in error.errors(include_url=False):
        key = ".".join(str(part) for part in one["loc"])
        if one["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key; see `crescendo train --keys`")
        elif one["type"] == "value_error":  # a rule of ours, which says what it got
            rule = one["msg"].removeprefix("Value error, ")
            lines.append(f"{key}: {rule}" if key else rule)
        else:
            lines.append(f"{key}: {one['msg']} but got {one['input']!r:.80}")
    return lines
