"""What a training tells while it goes on, and the interface of whoever listens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.training.mean_losses import MeanLosses
from crescendo.trainables.training.trainer import Trainer


@dataclass(frozen=True)
class Validation:
    """One validation: mean losses since the one before, and mAP and AP of the validation split."""

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
    """Is called at the events of a training."""

    def began(self, trainer: Trainer) -> None:
        """Training begins or is resumed; `trainer.iteration` iterations are done."""

    def advanced(self, iteration: int, loss: float) -> None:
        """Iteration `iteration` is done; `loss` is its loss (Eq. 1)."""

    def noted(self, text: str) -> None:
        """There is something to know of how it trains."""

    def validated(self, validation: Validation) -> None:
        """The model was validated."""

    def scoring(self, subset: str) -> None:
        """The trained model is about to be measured on `subset`."""

    def scored(self, done: int, total: int) -> None:
        """Of `total` frames that are being scored, for a validation or in the end, `done` are."""


class SilentListener:
    """A listener that ignores every event."""

    def began(self, trainer: Trainer) -> None:
        """Do nothing."""

    def advanced(self, iteration: int, loss: float) -> None:
        """Do nothing."""

    def noted(self, text: str) -> None:
        """Say nothing."""

    def validated(self, validation: Validation) -> None:
        """Do nothing."""

    def scoring(self, subset: str) -> None:
        """Do nothing."""

    def scored(self, done: int, total: int) -> None:
        """Do nothing."""
