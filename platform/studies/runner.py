"""Runs a study, from wherever its ledger left it to its confirmed arms."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from crescendo.platform.studies.budget import Purse
from crescendo.platform.studies.cohorts import gpu_share
from crescendo.platform.studies.display import Display
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.record import record_study
from crescendo.platform.studies.screen import LOG
from crescendo.platform.studies.settings import SYNTHETIC, check_dataset
from crescendo.platform.studies.study_data import open_data
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.verdict import StudyVerdict, looks
from crescendo.platform.terminal_text import terminal_console
from crescendo.platform.tracking.sender import Backlog
from crescendo.platform.tracking.tracker import Tracker, destination
from crescendo.platform.tracking.watcher import StudyWatcher
from crescendo.platform.tuning.arms_timed import arms_timed
from crescendo.platform.tuning.session import NodeWatch, cohorts_at_once, ray_session
from crescendo.search_spaces.study import Study
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.addresses import shown_dataset

_DATA = "data"
_SOON = ("pandas", "mlflow", "scipy.stats")
"""What takes longest of what Tune, the tracker and the verdict import."""


@dataclass(frozen=True)
class Sweep:
    """How a sweep ended.

    `run` holds the study as it is now, `verdict` what it answers, once it is whole; `interrupted` says that a signal ended
    it; `store` is where MLflow's runs are, `backlog` what it could not be told yet.
    """

    run: StudyRun
    verdict: StudyVerdict
    interrupted: bool
    store: str
    backlog: Backlog


def run_study(
    study: Study,
    output: Path,
    *,
    tracking_uri: str | None = None,
    extend: bool = False,
    trainable: type | None = None,
    console: Console | None = None,
    join: bool = False,
    begun: Callable[[Callable[[str], None]], None] | None = None,
) -> Sweep:
    """Run `study`, or what is left of it, with everything it makes in `output`.

    Parameters
    ----------
    tracking_uri
        Where MLflow's runs go; None: a store in `output`.
    extend
        The study may have more trials, arms, seeds, repeats or hours of its budget than it was begun with.
    trainable
        A `tune.Trainable` that reads its jobs, a tuple of `Job`, under `config["jobs"]`, and returns a `CohortStep` under
        `step`; default: the detectors'.
    console
        Where to show how it goes; default: standard error. What is shown is also added to `sweep.log` in `output`, whatever
        becomes of the console.
    join
        Join a Ray cluster that runs on this machine, though `RAY_ADDRESS` names none.
    begun
        Called once the study is in order and this process holds it, with a function that shows a line.

    Raises
    ------
    InputError
        Before anything starts, if the study cannot run: another data set or study than it began with, one that runs
        here already, resources that no node has.
    """
    console = console or terminal_console(stderr=True)
    output = output.absolute()
    destination(output, tracking_uri)
    check_dataset(study)
    there = None if study.dataset == SYNTHETIC else open_data(study, output, study.dataset)
    ledger = Ledger(output)
    try:
        place, remarks = there or open_data(study, output, _synthetic(output))
        study = _shown(study)
        record_study(study, place, extend=extend, results=ledger.has_results)
        with (
            Tracker(output, study.name, tracking_uri, later=True) as tracker,
            Display(console, output / LOG) as display,
        ):
            tracked = StudyWatcher(study, place, tracker)
            purse = None if study.budget is None else Purse(study.budget, output)
            run = StudyRun(study, ledger, place, (tracked, display), judge=looks, purse=purse)
            display.show(run, remarks)
            if begun is not None:
                begun(display.remark)
            _look(run, display)
            if run.over:
                verdict = _verdict(tracked, run, display)
                tracked.catch_up(run)
                return Sweep(run, verdict, False, tracker.destination, tracker.close())
            verdict, interrupted = _trained(run, ledger, tracked, display, join=join, trainable=trainable)
            return Sweep(run, verdict, interrupted, tracker.destination, tracker.close())
    finally:
        ledger.close()


def _trained(
    run: StudyRun, ledger: Ledger, tracked: StudyWatcher, display: Display, *, join: bool, trainable: type | None
) -> tuple[StudyVerdict, bool]:
    """Run what is left of the study on Ray; return what the study answers, and whether a signal ended it."""
    try:
        with (
            _deaf_to_hangup(),
            _interruptible() as interruption,
            ray_session(join=join, tell=display.remark, meanwhile=_SOON) as scratch,
        ):
            interruption.patient = True
            at_once, nodes = cohorts_at_once(run.study.resources), NodeWatch()
            # Two that share a GPU need not be alike; of more, none is to lack for trials.
            run.spread = at_once if at_once > 2 else 1
            run.at_once = at_once
            display.begin()
            tracked.begin(run)
            removed = Removed(run.place.output, ledger)

            def stop() -> bool:
                run.problem = run.problem or removed.problem() or nodes.problem()
                return run.problem is not None or interruption.asked

            with tracked.left(run):
                _tune(run, display, stop, at_once=at_once, trainable=trainable, scratch=scratch)
                run.problem = run.problem or removed.problem(now=True)
                return _verdict(tracked, run, display), interruption.asked
    except InputError as error:
        display.refused(error)
        raise


def _shown(study: Study) -> Study:
    """Return `study` as it is shown and kept. Only workers need what may be secret in an address, and jobs tell them."""
    folds = tuple(map(shown_dataset, study.folds)) if isinstance(study.folds, tuple) else study.folds
    return study.model_copy(update={"dataset": shown_dataset(study.dataset), "folds": folds})


def _look(run: StudyRun, display: Display) -> None:
    """Decide again what was decided of a study that is taken up, so that one that is over does not begin again."""
    while run.look_due:
        with _comparing(run, display):
            run.look()


def _verdict(tracked: StudyWatcher, run: StudyRun, display: Display) -> StudyVerdict:
    with _comparing(run, display):
        return tracked.verdict(run)


def _comparing(run: StudyRun, display: Display) -> AbstractContextManager[None]:
    return display.patience(f"{run.study.name}: comparing the arms with the baseline")


def _synthetic(output: Path) -> str:
    """Make the synthetic data set in `output`, which this process holds, if it is not there yet; return its folder."""
    folder = output / _DATA
    if not folder.exists():
        synthesize(folder)
    return str(folder)


def _tune(
    run: StudyRun,
    display: Display,
    stop: Callable[[], bool],
    *,
    at_once: int,
    trainable: type | None,
    scratch: Path,
) -> None:
    # Ray reads its environment, which `ray_session` sets, as it is imported.
    from ray import tune

    from crescendo.platform.tuning.adapters import StudyCallback, StudyScheduler, StudySearcher, StudyStopper
    from crescendo.trainables.training.trainable import DetectorTrainable

    resources = run.study.resources
    worth_timing = trainable is None and display.worth_timing
    timing = arms_timed(run, display.timed) if worth_timing else nullcontext(lambda: None)

    def tick() -> None:
        look()
        display.tick()

    tuner = tune.Tuner(
        tune.with_resources(trainable or DetectorTrainable, {"CPU": resources.cpus, "GPU": gpu_share(resources)}),
        tune_config=tune.TuneConfig(
            search_alg=StudySearcher(run, stop),
            scheduler=StudyScheduler(run, at_once),
            num_samples=-1,
            max_concurrent_trials=at_once,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name=run.study.name,
            storage_path=str(scratch / "tune"),  # Tune insists on a folder for a state that nobody reads
            verbose=0,
            stop=StudyStopper(stop),
            callbacks=[StudyCallback(run, tick)],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
        ),
    )
    with timing as look:
        tuner.fit()


class Removed:
    """Whether the output folder was removed, or another put in its place, while a study writes into it."""

    def __init__(self, output: Path, ledger: Ledger, seconds: float = 2.0) -> None:
        """Look at most every `seconds`."""
        self._output, self._ledger, self._seconds = output, ledger, seconds
        self._looked = time.monotonic()

    def problem(self, *, now: bool = False) -> str | None:
        """Return what to say of it, None if all is in place; `now`: look, whenever that was done last."""
        if not now and time.monotonic() - self._looked < self._seconds:
            return None
        self._looked = time.monotonic()
        if self._ledger.in_place():
            return None
        return (
            f"{self._output}: was removed or replaced while the study ran, and what it found with it; "
            "put it back, or start the study again from the beginning"
        )


class _Interruption:
    """Ctrl-C: once asks the sweep to end, twice ends it at once, as does the first one while it is not `patient`."""

    def __init__(self) -> None:
        self.asked = self.patient = False

    def __call__(self, number: int, frame: FrameType | None) -> Any:
        """Handle the signal."""
        at_once, self.asked = self.asked or not self.patient, True
        if at_once:
            raise KeyboardInterrupt


@contextmanager
def _deaf_to_hangup() -> Iterator[None]:
    """Go on when the terminal is closed; so do the processes that are started in the block."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def _interruptible() -> Iterator[_Interruption]:
    interruption = _Interruption()
    before = {number: signal.signal(number, interruption) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
