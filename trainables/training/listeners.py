"""Who is told of a training while it goes on, and what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.training.mean_losses import MeanLosses
from crescendo.trainables.training.trainer import Trainer


@dataclass(frozen=True)
class Validation:
    """One validation: mean losses since the one before, and the mAP of the validation split."""

    iteration: int
    losses: MeanLosses
    evaluation: Evaluation

    def to_json(self) -> dict[str, Any]:
        """Return the row that `history` gets: iteration, losses, `mAP` by threshold and `mAP_mean`."""
        measured = self.evaluation.to_json()
        return {
            "iteration": self.iteration,
            **asdict(self.losses),
            "mAP": measured["mAP"],
            "mAP_mean": measured["mAP_mean"],
        }


class Listener(Protocol):
    """What is told of a training while it goes on."""

    def began(self, trainer: Trainer) -> None:
        """Training begins, or goes on, at `trainer.iteration`."""

    def advanced(self, iteration: int, loss: float) -> None:
        """An iteration is done."""

    def validated(self, validation: Validation) -> None:
        """A validation is done."""

    def scoring(self, subset: str) -> None:
        """The trained model is about to be measured on `subset`."""


class Silent:
    """Listens to nothing."""

    def began(self, trainer: Trainer) -> None:
        """Say nothing."""

    def advanced(self, iteration: int, loss: float) -> None:
        """Say nothing."""

    def validated(self, validation: Validation) -> None:
        """Say nothing."""

    def scoring(self, subset: str) -> None:
        """Say nothing."""
