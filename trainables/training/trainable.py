"""The face of the trainables to Ray Tune: one `tune.Trainable` that runs one trial after another."""

from __future__ import annotations

from typing import Any

from ray import tune

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.remote import open_dataset
from crescendo.trainables.training.trial import Job, Trial


class DetectorTrainable(tune.Trainable):  # type: ignore[misc]  # Ray is untyped
    """Runs the `Job` under `config["job"]`; every step is one `ValidationReport`, under `report` in the result.

    A trial writes checkpoints into its own folder and resumes from them wherever it is started again, so Tune keeps none.
    An actor is reused for the next trial and keeps the memory-mapped data set open.
    """

    _dataset: Dataset | None = None
    _address: str
    _trial: Trial

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the trial, or resume it."""
        self._begin(config["job"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial in this process, or resume it."""
        self._begin(new_config["job"])
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next validation."""
        report = self._trial.step()
        return {"report": report, "objective": report.objective, "done": report.done}

    def _begin(self, job: Job) -> None:
        if self._dataset is None or self._address != job.dataset:
            self._dataset, self._address = open_dataset(job.dataset), job.dataset
        self._trial = Trial(job, self._dataset)
