"""What Ray Tune asks and tells, passed on to a `StudyRun`: a searcher, a scheduler, a callback and a stopper.

Tune only runs trials. It keeps nothing that a study needs, so these objects hold nothing of their own: when Tune saves
its state, they are pickled empty.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.exceptions import RayActorError, RayTaskError
from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from crescendo.platform.studies.study_run import StudyRun
from crescendo.trainables.training.trial import Job

JOB = "job"


class _Shell:
    """Pickles as an empty object; the ledger holds the state."""

    def __reduce__(self) -> tuple[Any, ...]:
        return object, ()


class StudySearcher(_Shell, Searcher):  # type: ignore[misc]  # Ray is untyped
    """Hands out the study's trials, one at a time, for as long as there are any."""

    def __init__(self, run: StudyRun) -> None:
        super().__init__()
        self._run = run

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the configuration of the next trial, None if none can start now, or that all is over."""
        if self._run.over:
            finished: str = Searcher.FINISHED
            return finished
        job = self._run.next_job()
        return None if job is None else {JOB: job}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: the callback hears of it, with the reason of a failure."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Do nothing: the ledger has it all."""


class StudyScheduler(_Shell, FIFOScheduler):  # type: ignore[misc]
    """Passes on reports while a trial runs, and stops it where the study says so.

    Each arm has a pruner of its own, in its own Optuna study: trials of different arms are never compared.
    """

    def __init__(self, run: StudyRun) -> None:
        super().__init__()
        self._run = run

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Return whether the trial goes on."""
        stop = self._run.report(_job(trial).identity, result["report"])
        decision: str = TrialScheduler.STOP if stop else TrialScheduler.CONTINUE
        return decision


class StudyCallback(_Shell, Callback):  # type: ignore[misc]
    """Passes on last reports and failures; `tick` is called at every turn of Tune's loop."""

    def __init__(self, run: StudyRun, tick: Callable[[], None]) -> None:
        self._run, self._tick = run, tick

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Let the display move."""
        self._tick()

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Pass on the last report: Tune shows it to no scheduler."""
        if result["report"].done:
            self._run.report(_job(trial).identity, result["report"])

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Pass on a failure."""
        self._run.failed(_job(trial).identity, reason(_error(trial)))


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


def reason(error: Exception | None) -> str:
    """Return one line on why a trial broke."""
    if isinstance(error, RayTaskError):
        cause = getattr(error, "cause", None) or error
        lines = str(cause).strip().splitlines() or [""]
        return f"{type(cause).__name__}: {lines[-1] if cause is error else lines[0]}"
    if isinstance(error, RayActorError):
        return f"its worker was lost ({' '.join(str(error).split())[:300]})"
    if error is None:
        return "unknown"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _error(trial: Trial) -> Exception | None:
    # Not `get_pickled_error`: that looks where Tune will copy the file to, later.
    try:
        error: Exception = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    except Exception:  # noqa: BLE001  # an exception class of the worker's that cannot be made here
        return None
    return error


def _job(trial: Trial) -> Job:
    job: Job = trial.config[JOB]
    return job
