"""The parts of a study file: typed, with their defaults, each key described once."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

from crescendo.search_spaces.schema.parts import Settings, flat, flat_space
from crescendo.search_spaces.schema.spaces import Choices, Range, Space
from crescendo.search_spaces.schema.values import Distinct, OneOrMore, Scalar, Section, Written

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=,+-]*")
# Far more than anybody can pay for, and few enough to be counted, checked and kept.
_MOST, _ARMS = 1_000_000, 1000
Sampler = Literal["tpe", "gp", "cmaes", "random", "grid"]
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$", max_length=120)]


def _setting(value: Any) -> Any:
    value = tuple(value) if isinstance(value, list) else value
    for one in value if isinstance(value, tuple) else [value]:
        if one is not None and not isinstance(one, Scalar):
            raise ValueError(f"must be one plain value, or a list of them, but got {value!r:.80}")
    return value


Setting = Annotated[Scalar | tuple[Scalar, ...] | None, BeforeValidator(_setting)]
Base = Annotated[
    dict[str, Setting], BeforeValidator(flat, json_schema_input_type=dict[str, Setting | dict[str, Setting]])
]


def _wanted(value: Any) -> Any:
    if not isinstance(value, str | Mapping):
        raise ValueError(f"must be an arm's name, or settings that only it has, but got {value!r:.80}")
    return value


Baseline = Annotated[
    Annotated[str, Tag("name")] | Annotated[Settings, Tag("settings")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "settings"),
    BeforeValidator(_wanted),
]


class Block(Section):
    """One entry of `ablate`: a grid whose combinations are arms, or one arm with a name of its own."""

    grid: dict[str, Distinct] | None = Field(
        default=None,
        description="setting -> values; every combination is an arm. [score, smoothing] is one value of variant",
    )
    name: Name | None = Field(default=None, description="name of a single arm")
    settings: Settings = Field(default={}, description="what that arm sets")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Block:
        if (self.grid is None) == (self.name is None):
            raise ValueError("must have either a grid or a name (with settings)")
        if self.grid is not None and self.settings:
            raise ValueError("settings belong to an arm with a name; write them into the grid as lists of one value")
        if self.grid is not None and not self.grid:
            raise ValueError("the grid must name at least one setting")
        return self


class Search(Section):
    """The search phase: what Optuna may propose, and how often."""

    trials: int = Field(
        default=1, ge=1, le=_MOST, description="trials of each arm (fewer where its space holds fewer settings)"
    )
    sampler: Sampler = Field(
        default="tpe",
        description="who proposes: TPE, a Gaussian process, CMA-ES, chance, or every combination in turn",
    )
    startup_trials: int = Field(
        default=5,
        ge=0,
        le=_MOST,
        description="trials of an arm proposed by chance before `tpe`, `gp` or `cmaes` learns from them",
    )
    seed: int = Field(
        default=1000, ge=0, lt=2**32, description="seed of the proposals and of every training of the search phase"
    )
    finalists: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="best settings of an arm that are trained again, on validation, before one of them is chosen",
    )
    finalist_seeds: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="fresh seeds that each finalist is trained with; only if there are several",
    )
    space: Annotated[
        dict[str, Space],
        BeforeValidator(flat_space, json_schema_input_type=dict[str, Space | dict[str, Range | Choices]]),
    ] = Field(default={}, description="setting -> range or choices")
    start: tuple[Settings, ...] = Field(default=(), max_length=1000, description="settings tried first, in this order")


class Decode(Section):
    """What needs no training: searched on the stored scores of each trial."""

    merge_gap: Space | None = Field(
        default=None, description="merge gaps to try: one, a list or a range; left out: the base configuration's"
    )
    reset: OneOrMore | None = Field(
        default=None, description="resets to try, one forward pass each; left out: the base configuration's"
    )
    trials: int = Field(
        default=100,
        ge=1,
        le=_MOST,
        description="merge gaps tried on a set of scores; a space that holds no more is tried whole",
    )


Primary = Literal["detection", "early"]
"""What the objective is compared in: detection, or early detection."""


class Objective(Section):
    """What makes one setting better than another."""

    metric: str = Field(
        default="mAP/iou_0.50", description="`mAP/mean`, or `mAP/iou_0.50` for one threshold of `base.iou`"
    )
    split: Literal["validation"] = Field(
        default="validation", description="recordings that are scored in the search phase"
    )
    direction: Literal["maximize"] = Field(default="maximize", description="a larger mAP is the better one")

    @field_validator("split", mode="before")
    @classmethod
    def _unseen(cls, split: Any) -> Any:
        if split == "test":
            raise ValueError(
                "must be validation: the test split is scored once, in the confirm phase; "
                "a setting chosen on it would make its result worthless"
            )
        if split == "training":
            raise ValueError("must be validation: on its own training split the model that learned by heart wins")
        return split

    @field_validator("direction", mode="before")
    @classmethod
    def _larger(cls, direction: Any) -> Any:
        if direction == "minimize":
            raise ValueError("must be maximize: a larger mAP is the better one")
        return direction


def _cohort(cohort: Any) -> Any:
    if cohort != "auto" and (isinstance(cohort, bool) or not isinstance(cohort, int) or cohort < 1):
        raise ValueError(f"must be auto, or a whole number of at least 1, but got {cohort!r:.80}")
    return cohort


Cohort = Annotated[Literal["auto"] | Annotated[int, Field(ge=1)], BeforeValidator(_cohort)]


class Resources(Section):
    """What the trials of a process get, how many share it, and how many processes run at once."""

    cpus: int = Field(default=1, ge=1, le=_MOST, description="CPUs, and so threads, of a trial or cohort")
    gpus: float = Field(
        default=0, ge=0, le=1, allow_inf_nan=False, description="share of one GPU: 0.25 puts four trials on it"
    )
    cohort: Cohort = Field(
        default="auto",
        description="trials at most that train together in one process, batch by batch; auto: as many as fill a whole "
        "GPU, each by itself where there is none",
    )
    concurrent: int | None = Field(
        default=None, ge=1, le=_MOST, description="trials, or cohorts, at once; left out: as many as there is room for"
    )

    @model_validator(mode="after")
    def _whole_gpu(self) -> Resources:
        if self.cohort != "auto" and self.cohort > 1 and 0 < self.gpus < 1:
            raise ValueError(
                f"a cohort trains on a whole GPU, or on none: set gpus to 1 or 0, or cohort to 1, but got gpus "
                f"{self.gpus:g} with cohort {self.cohort}"
            )
        return self


class Asha(Section):
    """Asynchronous successive halving, among the trials of one arm."""

    grace: int = Field(ge=1, description="iterations before which no trial is stopped")
    reduction: int = Field(default=3, ge=2, description="one in this many goes on at each rung")


class EarlyStopping(Section):
    """Which trials end before their last iteration."""

    asha: Asha = Field(description="stop the trials that fall behind those of the same arm")


class Failures(Section):
    """What happens when a training breaks."""

    retries: int = Field(
        default=2, ge=0, le=_MOST, description="times a broken trial is tried again before it counts as failed"
    )
    limit: int = Field(
        default=5, ge=1, le=_MOST, description="failed trials of one arm after which the study stops and says why"
    )


def _blocks(ablate: Any) -> Any:
    """Let a mapping stand for one grid."""
    return ({"grid": ablate},) if isinstance(ablate, Mapping) else ablate


def _countable(ablate: tuple[Block, ...]) -> tuple[Block, ...]:
    arms = sum(math.prod(map(len, (block.grid or {}).values())) for block in ablate)
    if arms > _ARMS:
        raise ValueError(f"must make at most {_ARMS:,} arms but makes {arms:,}; each is searched and confirmed")
    return ablate


Ablate = Annotated[
    tuple[Block, ...],
    AfterValidator(_countable),
    BeforeValidator(_blocks, json_schema_input_type=tuple[Block, ...] | dict[str, tuple[Written, ...]]),
]


def _stopping(early_stopping: Any) -> Any:
    return None if early_stopping == "none" else early_stopping


Stopping = Annotated[
    EarlyStopping | None, BeforeValidator(_stopping, json_schema_input_type=EarlyStopping | Literal["none"] | None)
]
