"""Parameter spaces: a range of numbers or a list of choices, each possibly conditional on other settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from crescendo.search_spaces.schema.values import Distinct, Number, OneOrMore, Scalar, Section, Written, plain, same

# How far from a whole number of steps a value may be written: as a share of its steps, and in steps.
_NEARLY, _NEARLY_AT_MOST = Fraction(1, 10**9), Fraction(1, 100)
# By how many units in the last place, of the larger limit, a sampler may miss a value that it adds up.
_ROUNDED = 8


def _decimal(value: float) -> Fraction:
    """Return the number that `value` is written as: 1/10 for 0.1."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(float(value)))


class _Conditional(Section):
    when: dict[str, OneOrMore] = Field(
        default={}, description="searched only where each of these settings has (one of) the value(s)"
    )

    def applies(self, settings: Mapping[str, Any]) -> bool:
        """Tell whether every condition holds; a condition on an absent setting does not."""
        return all(
            key in settings and any(same(settings[key], value) for value in values) for key, values in self.when.items()
        )


class Range(_Conditional):
    """The numbers from `low` to `high`, both included.

    With `step`, or of integers, they are counted: value number i is `low` and i steps, added as the decimals that the
    file holds. So 0.1 and two steps of 0.1 are 0.3, which in binary floating point they are not.
    """

    low: Number = Field(description="smallest value")
    high: Number = Field(description="largest value")
    log: bool = Field(default=False, description="search the logarithm: every factor is as likely as any other")
    step: Number | None = Field(default=None, description="distance between values; none: every number (or integer)")

    @model_validator(mode="after")
    def _orderly(self) -> Range:
        if self.low >= self.high:
            raise ValueError(f"low must be below high but got low {self.low}, high {self.high}")
        if self.step is not None and self.step <= 0:
            raise ValueError(f"step must be positive but got {self.step}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be positive where log is true but got {self.low}")
        if self.log and self.step is not None:
            raise ValueError(f"step and log exclude each other but got step {self.step}; leave one out")
        if self._rounding > Fraction(1, 4):
            raise ValueError(
                f"step must tell values apart but got low {self.low}, high {self.high}, step {self.step}, "
                "which is below the precision of such numbers"
            )
        if self.step is not None and not self.on_grid(self.high):
            raise ValueError(
                f"high must lie a whole number of steps above low but got low {self.low}, high {self.high}, "
                f"step {self.step}"
            )
        return self

    @property
    def integer(self) -> bool:
        """Whether only integers are meant."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 1))

    @property
    def counted(self) -> bool:
        """Whether the values can be counted: they have a step, or are integers."""
        return self.step is not None or self.integer

    @property
    def exact(self) -> bool:
        """Whether `high` is, as a decimal, a whole number of steps above `low`, and not only nearly so."""
        return self.counted and self._steps(self.high).denominator == 1

    @property
    def size(self) -> float:
        """Number of values; infinite for a range of real numbers without `step`."""
        return self._last + 1 if self.counted else math.inf

    def on_grid(self, value: float) -> bool:
        """Tell whether `value` is a whole number of steps above `low`, but for what floating point adds to it."""
        if not self.counted:
            return True
        steps = self._steps(value)
        if self.integer:
            return steps.denominator == 1
        return abs(steps - round(steps)) <= max(min(_NEARLY * abs(steps), _NEARLY_AT_MOST), self._rounding)

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return False
        if not self.counted:
            return self.low <= value <= self.high
        return self.on_grid(value) and 0 <= round(self._steps(value)) <= self._last

    def values(self) -> Iterator[int | float]:
        """Yield every value, rising; `ValueError` if they cannot be counted."""
        if not self.counted:
            raise ValueError("a range without step has no list of values")
        return map(self._value, range(self._last + 1))

    def written(self, value: Scalar) -> Scalar:
        """Return the value of the range that `value` is, as the file would have it: 6 for 6.0; others as they are."""
        return value if isinstance(value, str | bool) or value not in self else self.nearest(value)

    def nearest(self, value: float) -> int | float:
        """Return the value of the range that is nearest to `value`: 0.3 for a sampler's 0.30000000000000004."""
        if not self.counted:
            return float(value)
        return self._value(min(max(round(self._steps(value)), 0), self._last))

    @property
    def _rounding(self) -> Fraction:
        """How many steps sums of floating-point numbers may be off."""
        if self.integer or not self.counted:
            return Fraction(0)
        return _ROUNDED * Fraction(math.ulp(max(abs(self.low), abs(self.high)))) / _decimal(self.step or 1)

    @property
    def _last(self) -> int:
        return round(self._steps(self.high))

    def _steps(self, value: float) -> Fraction:
        """Return how many steps `value` is above `low`."""
        return (_decimal(value) - _decimal(self.low)) / _decimal(self.step or 1)

    def _value(self, index: int) -> int | float:
        """Return value number `index`; the last is `high`, whatever a step that is only nearly right comes to."""
        if index == self._last:
            return self.high if self.integer else float(self.high)
        value = _decimal(self.low) + index * _decimal(self.step or 1)
        return int(value) if self.integer else float(value)

    def extremes(self) -> tuple[int | float, ...]:
        """Return both ends: if a setting may have these values, it may have all of the range."""
        return (self.low, self.high)

    def floating(self) -> Range:
        """Return the range as real numbers, for a real-valued setting whose limits were written as integers."""
        limits = {"low": float(self.low), "high": float(self.high), "step": self.step and float(self.step)}
        return self.model_copy(update=limits)

    def __str__(self) -> str:
        extra = ", log" if self.log else "" if self.step is None else f", step {self.step}"
        return f"{self.low} to {self.high}{extra}"


class Choices(_Conditional):
    """A list of values to choose from."""

    choices: Distinct = Field(description="the values, in any order")

    @property
    def size(self) -> float:
        """Number of values."""
        return len(self.choices)

    def __contains__(self, value: object) -> bool:
        return any(same(value, choice) for choice in self.choices)

    def values(self) -> Iterator[Scalar]:
        """Yield every value, in the order of the file."""
        yield from self.choices

    def written(self, value: Scalar) -> Scalar:
        """Return the choice that `value` is, as the file has it; a value that is no choice as it is."""
        return next((choice for choice in self.choices if same(choice, value)), value)

    def extremes(self) -> tuple[Scalar, ...]:
        """Return all choices: each must be checked against what the setting may be."""
        return self.choices

    def __str__(self) -> str:
        return "one of " + ", ".join(plain(value) for value in self.choices)


def _kind(value: Any) -> str:
    if isinstance(value, Choices) or (isinstance(value, Mapping) and "choices" in value):
        return "choices"
    return "range"


def _written_out(value: Any) -> Any:
    """Let a list stand for its choices, and one plain value for a single choice."""
    if isinstance(value, list | tuple):
        return {"choices": tuple(value)}
    return {"choices": (value,)} if isinstance(value, Scalar) else value


Space = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")],
    Discriminator(_kind),
    BeforeValidator(_written_out, json_schema_input_type=Range | Choices | tuple[Written, ...] | Scalar),
]
"""A range, or choices; a list of values is short for choices."""


def combinations(space: Mapping[str, Range | Choices], limit: int) -> int:
    """Return how many different settings `space` holds, or `limit` if there are more.

    In `space`, a parameter comes after those that its conditions name.
    """
    keys = list(space)

    def count(depth: int, chosen: dict[str, Any], limit: int) -> int:
        if depth == len(keys):
            return 1
        one = space[keys[depth]]
        if not one.applies(chosen):
            return count(depth + 1, chosen, limit)
        if one.size >= limit:
            return limit
        total = 0
        for value in one.values():
            total += count(depth + 1, {**chosen, keys[depth]: value}, limit - total)
            if total >= limit:
                break
        return total

    return min(count(0, {}, limit), limit)
