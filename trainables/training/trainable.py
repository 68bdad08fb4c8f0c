"""The face of the trainables to Ray Tune: one `tune.Trainable` that runs one cohort of trials after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from crescendo.trainables.data.same_dataset import SameDataset
from crescendo.trainables.errors import DatasetChangedError, InputError, SurroundingsError
from crescendo.trainables.storage.files import mended
from crescendo.trainables.training import checkpoint_folders, gpu_driver
from crescendo.trainables.training.cohort_step import CohortStep, failure_line, leaves_cohort
from crescendo.trainables.training.job import Job
from crescendo.trainables.training.validation_report import ValidationReport

if TYPE_CHECKING:
    from crescendo.trainables.training.cohort_session import CohortSession
    from crescendo.trainables.training.trial import Trial


class DetectorTrainable(tune.Trainable):  # type: ignore[misc]  # Ray is untyped
    """Trains the jobs under `config["jobs"]` together; every step is one `CohortStep`, under `step` in the result.

    They are of one data set and one division of it. The data set must stay the one that the jobs name by its hash; what it
    came to be in a step that began with another is thrown away. `config["turns"]` says whether they share their GPU with
    another cohort. A trial writes checkpoints into its own folder and resumes from them wherever it is started again, so
    Tune keeps none. An actor is reused for the next cohort and keeps the memory-mapped data set open.

    Raises
    ------
    SurroundingsError, DatasetChangedError
        In `step`, not in `setup`, since Ray tells of what breaks a constructor in another way.
    """

    _data: SameDataset | None = None
    _fault: InputError | None = None
    _trials: dict[str, Trial]
    _cohort: CohortSession[Trial] | None = None
    _failures: dict[str, str]

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the trials, or resume them."""
        self._trials, self._failures, self._cohort, self._fault = {}, {}, None, None
        try:
            self._begin(config["jobs"], turns=config.get("turns", False))
        except (SurroundingsError, DatasetChangedError) as error:
            self._fault = error

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin other trials in this process, or resume them."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next validation of any of the trials."""
        if self._fault is not None:
            raise self._fault
        return {"step": self._step()}

    def _begin(self, jobs: Sequence[Job], *, turns: bool) -> None:
        device = jobs[0].settings.get("device", "auto")
        if self._data is None:  # the first cohort of this process
            gpu_driver.begin(device)
        # A second's import or more for the process of the study, which hands this class on and trains nothing.
        from crescendo.trainables.training.cohort_session import CohortSession
        from crescendo.trainables.training.trial import Trial
        from crescendo.trainables.training.turn import gpu_turn

        data, division = self._opened(jobs[0]), jobs[0].division
        dataset = data.dataset if division is None else division.of(data.dataset)
        for job in jobs:
            try:
                with mended(Path(job.folder)):
                    leaves_cohort(job.folder)  # said to a process that ended before it heard
                    self._trials[job.identity] = Trial(job, dataset)
            except SurroundingsError:
                raise
            except InputError as error:
                self._failures[job.identity] = failure_line(error)
        if self._trials:
            turn = gpu_turn(device) if turns else nullcontext
            self._cohort = CohortSession(list(self._trials.values()), turn=turn)

    def _opened(self, job: Job) -> SameDataset:
        if self._data is None or self._data.address != job.dataset:
            self._data = SameDataset(job.dataset, job.dataset_hash, job.dataset_states)
        else:
            self._data.check()
        return self._data

    def _step(self) -> CohortStep:
        if self._failures:  # said before the others train, so that they are tried again meanwhile
            failures, self._failures = self._failures, {}
            return CohortStep(failures=failures)
        cohort = self._cohort
        for trial in self._trials.values():
            if cohort is not None and trial in cohort.sessions and leaves_cohort(trial.job.folder):
                cohort.leave(trial)
        came = self._trained(cohort) if cohort is not None and cohort.sessions else {}
        told = [(identity, came[trial]) for identity, trial in self._trials.items() if trial in came]
        return CohortStep(
            reports={identity: one for identity, one in told if not isinstance(one, InputError)},
            failures={identity: failure_line(one) for identity, one in told if isinstance(one, InputError)},
        )

    def _trained(self, cohort: CohortSession[Trial]) -> Mapping[Trial, ValidationReport | InputError]:
        """Return what a step came to, if the data set is still the same and the disk took all of it."""
        with mended(Path(next(iter(self._trials.values())).job.folder).parent):
            came = cohort.step()
        for outcome in came.values():
            if isinstance(outcome, SurroundingsError):
                raise outcome  # the others say again what they said now, once they go on
        try:
            assert self._data is not None  # noqa: S101  # there is a cohort
            self._data.check()
        except DatasetChangedError:
            for trial in self._trials.values():
                checkpoint_folders.discard(Path(trial.job.folder))  # what they trained on is not known
            raise
        return came
