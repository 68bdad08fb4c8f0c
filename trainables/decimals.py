"""Numbers as they are written: 0.1 is a tenth, which no binary floating-point number is."""

from __future__ import annotations

from fractions import Fraction


def as_written(value: float) -> Fraction:
    """Return the number whose shortest decimal form stands for `value`: 1/10 for 0.1; `ValueError` if it is not finite."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(float(value)))
