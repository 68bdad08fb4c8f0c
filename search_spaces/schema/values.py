"""Values of a study file: plain ones, lists of them, and a section, which holds them by key."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Scalar = bool | int | float | str

# Bits of an integer that a floating-point number reaches.
_LONGEST = 1023


JOINT = "+"


def _plain_value(value: Any) -> Any:
    if isinstance(value, list | tuple) and value and all(isinstance(word, str) for word in value):
        return JOINT.join(sorted(value))
    if not isinstance(value, Scalar):
        raise ValueError(f"must be one plain value (a number, true, false or a word) but got {value!r:.80}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be finite but got {value!r}")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number but got {value!r:.80}")
    if isinstance(value, int) and value.bit_length() > _LONGEST:
        raise ValueError("must be within the range of floating-point numbers but is longer")
    return _plain_value(value)


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    counts = Counter((value, isinstance(value, bool)) for value in values)  # as `same` tells them apart
    for (value, _), count in counts.items():
        if count > 1:
            raise ValueError(f"must hold every value once but {value!r:.80} stands twice")
    return values


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    """Let one value stand for a list of one."""
    return (value,) if isinstance(value, Scalar) else _as_tuple(value)


Written = Scalar | tuple[str, ...]
Plain = Annotated[Scalar, BeforeValidator(_plain_value, json_schema_input_type=Written)]
"""One value. A list of words is one too, `[score, smoothing]` for `score+smoothing`: the order does not matter."""
Number = Annotated[int | float, BeforeValidator(_number)]
_Listed = Annotated[tuple[Plain, ...], Field(min_length=1, max_length=1000)]
Distinct = Annotated[_Listed, BeforeValidator(_as_tuple), AfterValidator(_distinct)]
"""A list of different values, at least one."""
OneOrMore = Annotated[Distinct, BeforeValidator(_listed, json_schema_input_type=Written | tuple[Written, ...])]
"""The same, where one value may stand for a list of one."""


class Section(BaseModel):
    """A section of a study file: typed, frozen, without unknown keys. YAML's lists become tuples."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _tuples(cls, values: Any) -> Any:
        return {key: _as_tuple(value) for key, value in values.items()} if isinstance(values, Mapping) else values


def same(first: Any, second: Any) -> bool:
    """Tell whether two values are the same setting: 6 and 6.0 are, 1 and true are not."""
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)


def plain(value: Scalar) -> str:
    """Return `value` as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
