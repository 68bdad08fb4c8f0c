"""Training one detector in a folder of its own, from a configuration to the outputs of a finished run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.parts import check_parts, scored_subsets, untested
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import check_folder, mended
from crescendo.trainables.storage.locks import hold
from crescendo.trainables.training.artifacts import METRICS, FinishedRun
from crescendo.trainables.training.listeners import Listener
from crescendo.trainables.training.measurement import Measurement
from crescendo.trainables.training.session import TrainingSession

_LOCK = ".lock"


def train_detector(
    config: TrainingConfig, dataset: Dataset, output: Path, listener: Listener | None = None, *, resume: bool = False
) -> FinishedRun:
    """Train a detector in `output`, and write there what a finished run leaves (`artifacts.write_outputs`).

    With `resume` a run that was interrupted goes on from its newest checkpoint. Where the data set has no test part with
    segments, nothing is tested: what is measured is of the validation part.

    Raises
    ------
    InputError
        If `output` holds another run or cannot be written, the data set has no training or validation part with
        segments, or the loss is not finite.
    """
    _check_output(output, resume)
    unscored = config.matching_rule.unscored
    check_parts(dataset, unscored)
    if listener is not None and (reason := untested(dataset, unscored)) is not None:
        listener.noted(f"nothing will be tested: {reason}")
    measurement = Measurement(output, scored_subsets(dataset, unscored), whole_scores=True)
    with _alone(output):
        session = TrainingSession(config, dataset, output, measurement=measurement, listener=listener)
        while session.finished is None:
            session.step()
        return session.finished


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Hold `output`, which is made where it is not there: two trainings would take each other's checkpoints away.

    Raises
    ------
    InputError
        If another training holds it.
    """
    with mended(output):
        made = [path for path in (output, *output.parents) if not path.exists()]
    lock = hold(output / _LOCK, f"{output}: another training is at work here; wait for it, or choose another folder")
    try:
        yield
    finally:
        (output / _LOCK).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # they hold what was trained
            for path in made:
                path.rmdir()


def _check_output(output: Path, resume: bool) -> None:
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file; choose a folder")
    if (output / METRICS).exists():
        raise InputError(f"{output}: holds a finished run; remove it or choose another folder")
    if output.exists() and any(one.name != _LOCK for one in output.iterdir()) and not resume:
        raise InputError(f"{output}: is not empty; pass --resume to go on with the run in it, or choose another folder")
    check_folder(output)
