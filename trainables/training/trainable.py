"""The face of the trainables to Ray Tune: one `tune.Trainable` that runs one cohort of trials after another."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from crescendo.trainables.data.same_dataset import SameDataset
from crescendo.trainables.errors import DatasetChangedError, InputError, NoRoomError, SurroundingsError
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

    Where the device's memory does not hold all of them, those that it holds train first, from their newest checkpoints, and
    the others wait until they are over. That is no failure; that there is no room for a single one is.

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
    # The jobs that are still to begin here; how many there were; how many train at once; whether they take turns.
    _waiting: list[Job]
    _count: int
    _at_once: int
    _turns: bool

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the trials, or resume them."""
        self._failures, self._fault = {}, None
        self._waiting, self._count, self._turns = list(config["jobs"]), len(config["jobs"]), config.get("turns", False)
        self._at_once = self._count
        try:
            self._begin()
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

    def _begin(self) -> None:
        """Begin as many of the jobs that wait as there is room for."""
        self._trials, self._cohort = {}, None
        jobs, self._waiting = self._waiting[: self._at_once], self._waiting[self._at_once :]
        device = jobs[0].settings.get("device", "auto")
        if self._data is None:  # the first cohort of this process
            gpu_driver.begin(device)
        # A second's import or more for the process of the study, which hands this class on and trains nothing.
        from crescendo.trainables.training.cohort import crowded
        from crescendo.trainables.training.cohort_session import CohortSession
        from crescendo.trainables.training.room import make_room
        from crescendo.trainables.training.trial import Trial
        from crescendo.trainables.training.turn import gpu_turn

        data, division = self._opened(jobs[0]), jobs[0].division
        dataset = data.dataset if division is None else division.of(data.dataset)
        if self._at_once < self._count:
            make_room()
        for number, job in enumerate(jobs):
            try:
                with mended(Path(job.folder)):
                    leaves_cohort(job.folder)  # said to a process that ended before it heard
                    self._trials[job.identity] = Trial(job, dataset)
            except SurroundingsError:
                raise
            except InputError as error:
                if isinstance(error, NoRoomError) and self._trials:
                    self._at_once, self._waiting = len(self._trials), [*jobs[number:], *self._waiting]
                    break
                self._failures[job.identity] = failure_line(error)
        if self._at_once < self._count:
            for trial in self._trials.values():
                trial.trainer.note(crowded(self._count, self._at_once))
        if self._trials:
            turn = gpu_turn(device) if self._turns else nullcontext
            self._cohort = CohortSession(list(self._trials.values()), turn=turn)

    def _opened(self, job: Job) -> SameDataset:
        if self._data is None or self._data.address != job.dataset:
            self._data = SameDataset(job.dataset, job.dataset_hash, job.dataset_states)
        else:
            self._data.check()
        return self._data

    def _step(self) -> CohortStep:
        if not self._failures and self._waiting and not (self._cohort and self._cohort.sessions):
            self._begin()
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
        came: Mapping[Trial, ValidationReport | InputError] = {}
        lacking = ""
        try:
            with mended(Path(next(iter(self._trials.values())).job.folder).parent):
                came = cohort.step()
        except NoRoomError as error:
            lacking = failure_line(error)
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
        if lacking:
            self._give_up([trial.job for trial in cohort.sessions], lacking)
        return came

    def _give_up(self, jobs: list[Job], lacking: str) -> None:
        """End the cohort of `jobs`, for which there is no room: they begin again, fewer at once; a single one failed."""
        self._trials, self._cohort = {}, None
        if len(jobs) == 1:
            self._failures[jobs[0].identity] = lacking
        else:
            self._at_once, self._waiting = len(jobs) // 2, [*jobs, *self._waiting]
