"""The confirm phase of a study file, and what the study may cost: typed, each key described once."""

from __future__ import annotations

import math
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from crescendo.search_spaces.schema.values import Section

_HOURS, _SEEDS = 1_000_000, 1000
FIRST_LOOK, _AT_MOST = 3, 20
"""Of `until: decided`: the fewest seeds that it begins with, and those with which it gives up unless it is said."""


def _seeds(seeds: Any) -> Any:
    """Let a number stand for as many seeds, from 0 on."""
    if not isinstance(seeds, int) or isinstance(seeds, bool):
        return seeds
    if not 1 <= seeds <= _SEEDS:
        raise ValueError(f"must be a list of seeds, or how many, 1 to {_SEEDS:,}, but got {seeds!r:.80}")
    return tuple(range(seeds))


_Listed = tuple[Annotated[int, Field(ge=0, lt=2**32)], ...]
Seeds = Annotated[_Listed, BeforeValidator(_seeds, json_schema_input_type=_Listed | int)]


class Confirm(Section):
    """The confirm phase: every arm's best setting, trained again."""

    seeds: Seeds = Field(
        default=(0, 1, 2),
        min_length=1,
        max_length=_SEEDS,
        description="seeds shared by all arms, a list or how many; not the search phase's",
    )
    until: Literal["decided"] | None = Field(
        default=None, description="`decided`: more seeds follow, for the arms that they may decide"
    )
    at_most: int | None = Field(
        default=None,
        ge=1,
        le=_SEEDS,
        validate_default=True,
        description=f"seeds with which `until` gives up; default: {_AT_MOST}",
    )
    margin: float = Field(
        default=1.0,
        gt=0,
        le=100,
        allow_inf_nan=False,
        description="points of the objective: arms that differ by less are equivalent",
    )

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        twice = sorted(seed for seed, count in Counter(seeds).items() if count > 1)
        if twice:
            raise ValueError(f"every seed must stand once but {twice[0]} stands {seeds.count(twice[0])} times")
        return seeds

    @field_validator("until")
    @classmethod
    def _begins(cls, until: str | None, info: ValidationInfo) -> str | None:
        seeds = info.data.get("seeds")
        if until is not None and seeds is not None and len(seeds) < FIRST_LOOK:
            raise ValueError(f"decided begins with at least {FIRST_LOOK} seeds but seeds has {len(seeds)}")
        return until

    @field_validator("at_most")
    @classmethod
    def _more(cls, at_most: int | None, info: ValidationInfo) -> int | None:
        if "until" in info.data and info.data["until"] is None and at_most is not None:
            raise ValueError("says when `until: decided` gives up, which is not asked; add it, or leave at_most out")
        seeds = info.data.get("seeds")
        if info.data.get("until") is None or seeds is None:
            return at_most
        first, most = len(seeds), at_most or _AT_MOST
        if most <= first or max(seeds) + most - first >= 2**32:
            raise ValueError(
                f"must be more than the {first} seeds that until: decided begins with, all below 2**32, but is {most}"
            )
        return at_most

    @property
    def most(self) -> int:
        """How many seeds an arm can come to have."""
        return len(self.seeds) if self.until is None else self.at_most or _AT_MOST

    @property
    def every_seed(self) -> tuple[int, ...]:
        """`seeds`, and those that may follow: the numbers after the largest of them."""
        after = max(self.seeds) + 1
        return (*self.seeds, *range(after, after + self.most - len(self.seeds)))

    @property
    def looks(self) -> tuple[int, ...]:
        """With how many seeds the arms are compared: few looks, each with at most about twice as many seeds as the one before."""
        first, times = len(self.seeds), self.most / len(self.seeds)
        steps = math.ceil(math.log2(times)) if times > 1 else 0
        return tuple(round(first * times ** (step / steps)) if step else first for step in range(steps + 1))


class Budget(Section):
    """What a study may take: it is cut to that, and ends in time."""

    hours: float | None = Field(default=None, gt=0, le=_HOURS, allow_inf_nan=False, description="hours of the clock")
    gpu_hours: float | None = Field(
        default=None, gt=0, le=_HOURS, allow_inf_nan=False, description="hours of all its GPUs together"
    )

    @model_validator(mode="after")
    def _something(self) -> Budget:
        if self.hours is None and self.gpu_hours is None:
            raise ValueError("must have hours, gpu_hours or both")
        return self

    def __str__(self) -> str:
        """Say what may be spent."""
        hours = [f"{self.hours:g} h"] if self.hours is not None else []
        gpus = [f"{self.gpu_hours:g} GPU h"] if self.gpu_hours is not None else []
        return " and ".join([*hours, *gpus])
