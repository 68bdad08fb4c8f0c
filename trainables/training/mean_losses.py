"""Mean losses of the iterations since the last report, kept over interruptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class MeanLosses:
    """Means over iterations of the loss (Eq. 1) and its two parts, and the training speed."""

    loss: float
    cross_entropy: float
    ranking: float
    frames_per_second: float


@dataclass
class LossSums:
    """Sums over `iterations` of the loss (Eq. 1) and its two parts, from which `MeanLosses` is made."""

    iterations: int = 0
    loss: float = 0.0
    cross_entropy: float = 0.0
    ranking: float = 0.0
    _timed: tuple[int, float] = field(default=(0, 0.0), init=False, compare=False)

    def add(self, losses: Sequence[float]) -> None:
        """Add one more iteration: its loss, cross entropy and ranking loss, in this order."""
        loss, cross_entropy, ranking = losses
        self.iterations += 1
        self.loss += loss
        self.cross_entropy += cross_entropy
        self.ranking += ranking

    def time(self, iterations: int, seconds: float) -> None:
        """Note that `iterations` took `seconds` in this process."""
        self._timed = self._timed[0] + iterations, self._timed[1] + seconds

    def means(self, frames: int) -> MeanLosses:
        """Return the means, 0 if there was no iteration, and the training speed; an iteration has `frames` frames."""
        count = max(self.iterations, 1)
        rate = self._timed[0] * frames / max(self._timed[1], 1e-9)
        return MeanLosses(self.loss / count, self.cross_entropy / count, self.ranking / count, rate)

    def to_json(self) -> dict[str, Any]:
        """Return the sums as a JSON-able object: the arguments that make them again."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.init}
