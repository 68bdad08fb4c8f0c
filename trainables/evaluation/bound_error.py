"""By how many seconds the beginnings and ends of true positives are wrong (protocol section 4, Diagnosis)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Quartiles:
    """The quartiles of some seconds, interpolated linearly."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, seconds: np.ndarray) -> Quartiles:
        """Return the quartiles of (n,) seconds, at least one."""
        return cls(*np.quantile(seconds, (0.25, 0.5, 0.75)).tolist())

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Quartiles:
        """Return the quartiles whose fields `content` holds."""
        return cls(float(content["low"]), float(content["median"]), float(content["high"]))


@dataclass(frozen=True)
class BoundError:
    """By how many seconds a bound of the true positives is wrong: `signed` is negative where it is early."""

    signed: Quartiles
    absolute: Quartiles

    @classmethod
    def of(cls, seconds: np.ndarray) -> BoundError | None:
        """Return the quartiles of (true positives,) seconds; None if there are none."""
        return cls(Quartiles.of(seconds), Quartiles.of(np.abs(seconds))) if len(seconds) else None

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None) -> BoundError | None:
        """Return the error whose fields `content` holds."""
        if content is None:
            return None
        return cls(Quartiles.from_json(content["signed"]), Quartiles.from_json(content["absolute"]))
