"""The face of the trainables to Ray Tune: one `tune.Trainable` that runs one cohort of trials after another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from ray import tune

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.remote import open_dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.cohort_step import CohortStep, failure_line, leaves_cohort
from crescendo.trainables.training.session import CohortSession
from crescendo.trainables.training.trial import Job, Trial
from crescendo.trainables.training.turn import gpu_turn


class DetectorTrainable(tune.Trainable):  # type: ignore[misc]  # Ray is untyped
    """Trains the jobs under `config["jobs"]` together; every step is one `CohortStep`, under `step` in the result.

    They are of one data set. `config["turns"]` says whether they share their GPU with another cohort. A trial writes
    checkpoints into its own folder and resumes from them wherever it is started again, so Tune keeps none. An actor is
    reused for the next cohort and keeps the memory-mapped data set open.
    """

    _dataset: Dataset | None = None
    _address: str
    _trials: dict[str, Trial]
    _cohort: CohortSession | None = None
    _failures: dict[str, str]

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the trials, or resume them."""
        self._begin(config["jobs"], turns=config.get("turns", False))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin other trials in this process, or resume them."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next validation of any of the trials."""
        return {"step": self._step()}

    def _begin(self, jobs: Sequence[Job], *, turns: bool) -> None:
        address = jobs[0].dataset
        if self._dataset is None or self._address != address:
            self._dataset, self._address = open_dataset(address), address
        self._trials, self._failures, self._cohort = (
            {},
            {},
            None,
        )  # the last one's memory is free before the next begins
        for job in jobs:
            leaves_cohort(job.folder)  # said to a process that ended before it heard
            try:
                self._trials[job.identity] = Trial(job, self._dataset)
            except InputError as error:
                self._failures[job.identity] = failure_line(error)
        if self._trials:
            turn = gpu_turn(jobs[0].settings.get("device", "auto")) if turns else nullcontext
            self._cohort = CohortSession(list(self._trials.values()), turn=turn)

    def _step(self) -> CohortStep:
        if self._failures:  # said before the others train, so that they are tried again meanwhile
            failures, self._failures = self._failures, {}
            return CohortStep(failures=failures)
        cohort = self._cohort
        for trial in self._trials.values():
            if cohort is not None and trial in cohort.sessions and leaves_cohort(trial.job.folder):
                cohort.leave(trial)
        came = cohort.step() if cohort is not None and cohort.sessions else {}
        told = [(identity, came[trial]) for identity, trial in self._trials.items() if trial in came]
        return CohortStep(
            reports={identity: one for identity, one in told if not isinstance(one, InputError)},
            failures={identity: failure_line(one) for identity, one in told if isinstance(one, InputError)},
        )
