"""What Ray Tune asks and tells, passed on to a `StudyRun`: a searcher, a scheduler, a callback and a stopper.

A trial of Tune's is a cohort: the study's trials that train together in one process, or a single one.

Tune only runs trials. It keeps nothing that a study needs, so these objects hold nothing of their own: when Tune saves
its state, they are pickled empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from crescendo.platform.studies.cohorts import take_turns
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.tuning.reasons import blame, reason
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import mended
from crescendo.trainables.training.cohort_step import CohortStep, leave_cohort
from crescendo.trainables.training.job import Job


class _Shell:
    """Pickles as an empty object; the ledger holds the state."""

    def __reduce__(self) -> tuple[Any, ...]:
        return object, ()


class StudySearcher(_Shell, Searcher):  # type: ignore[misc]  # Ray is untyped
    """Hands out the study's trials, a cohort at a time, for as long as there are any."""

    def __init__(self, run: StudyRun, stop: Callable[[], bool]) -> None:
        super().__init__()
        self._run, self._stop = run, stop

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the configuration of the next cohort, None if none can start now, or that all is over.

        While nothing runs and nothing can start, Tune asks nobody else whether all must end.
        """
        if self._run.over or self._stop():
            finished: str = Searcher.FINISHED
            return finished
        jobs = tuple[Job, ...]()
        with kept(self._run):
            jobs = tuple(self._run.next_jobs())
        if not jobs:
            return None
        turns = take_turns(self._run.study.resources)
        return {"jobs": jobs, "turns": turns, "cohort": self._run.cohort(jobs[0].identity)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: the callback hears of it, with the reason of a failure."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Do nothing: the ledger has it all."""


class StudyScheduler(_Shell, FIFOScheduler):  # type: ignore[misc]
    """Passes on what a step of a cohort came to, and stops the cohort once none of its members runs.

    Each arm has a pruner of its own, in its own Optuna study: trials of different arms are never compared. `processes`
    are kept for the next cohorts, even while none waits for one.
    """

    def __init__(self, run: StudyRun, processes: int = 1) -> None:
        super().__init__()
        self._run, self._to_keep = run, processes

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Have Tune keep the processes, at the first trial: all ask for the same.

        Left to itself it keeps one where no trial waits, as before the confirmations, and a new process needs longer to
        begin than a small cohort to train. It has no setting for that; a version without this cache does as it likes.
        """
        super().on_trial_add(tune_controller, trial)
        cache: Any = getattr(tune_controller, "_actor_cache", None)
        if self._to_keep and hasattr(cache, "increase_max"):
            cache.increase_max(trial.placement_group_factory, self._to_keep)
            self._to_keep = 0

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Leave it to Tune, which begins all that wait in their order.

        One that is chosen here takes the first process that comes free and ends the one that is being started for it. Where
        cohorts take less time than a process to start, none that starts after the others would ever come to train.
        """
        return None

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Return whether the cohort goes on. A member that is stopped learns of it before its next step."""
        step: CohortStep = result["step"]
        with kept(self._run):
            stopped = []
            for job in _members(self._run, trial):
                report, failure = step.reports.get(job.identity), step.failures.get(job.identity)
                if report is not None and self._run.report(job.identity, report) and not report.done:
                    stopped.append(job)
                if failure is not None:
                    self._run.failed(job.identity, failure)
            for job in stopped if _members(self._run, trial) else ():
                leave_cohort(job.folder)
        goes_on = bool(_members(self._run, trial)) and self._run.problem is None
        decision: str = TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP
        return decision


class StudyCallback(_Shell, Callback):  # type: ignore[misc]
    """Passes on the end of a process; `tick` is called at every turn of Tune's loop."""

    def __init__(self, run: StudyRun, tick: Callable[[], None]) -> None:
        self._run, self._tick = run, tick

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Let the display move."""
        self._tick()

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Pass on a failure of a whole cohort to every member that still runs."""
        error = _error(trial)
        why, who = reason(error), [job.identity for job in _members(self._run, trial)]
        kind = blame(error)
        with kept(self._run):
            if kind == "data":
                self._run.problem = self._run.problem or why
            elif who and kind in ("surroundings", "machine"):
                self._run.held_up(who, why, moved=kind == "machine")
            else:
                for identity in who:
                    self._run.failed(identity, why)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Pass on that a process ended of itself: what it has told no last report of would be waited for without end."""
        if self._run.problem is None:
            with kept(self._run):
                for job in _members(self._run, trial):
                    self._run.failed(job.identity, "its process ended before its last report")


class StudyStopper(_Shell, Stopper):  # type: ignore[misc]
    """Ends Tune's loop when `stop` says so."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Return False: trials end by themselves."""
        return False

    def stop_all(self) -> bool:
        """Return whether all must end now."""
        return self._stop()


@contextmanager
def kept(run: StudyRun) -> Iterator[None]:
    """Stop the study where what it came to cannot be written down; Tune would print a traceback and end."""
    try:
        with mended(run.place.output):
            yield
    except InputError as error:
        run.problem = run.problem or f"{error}; nothing is lost: mend it, start the same study again, and it goes on"


def _error(trial: Trial) -> Exception | str | None:
    """Return what broke a trial, or what Tune has written down of it."""
    # Not `get_pickled_error`: that looks where Tune will copy the file to, later.
    try:
        error: Exception = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    except Exception:  # noqa: BLE001  # an exception class of the worker's that cannot be made here
        with suppress(OSError, TypeError):
            return Path(trial.error_file).read_text(encoding="utf-8", errors="replace")
        return None
    return error


def _members(run: StudyRun, trial: Trial) -> list[Job]:
    """Return the members of a cohort that still run in it; one that broke may run in another by now."""
    return [job for job in trial.config["jobs"] if run.cohort(job.identity) == trial.config["cohort"]]
