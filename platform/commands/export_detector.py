"""What `crescendo export` reads and writes; it needs torch."""

from __future__ import annotations

from pathlib import Path

from crescendo.platform.studies.recorded_trials import best_run, is_study
from crescendo.platform.tracking.model_registry import read_run_model, write_mlflow_model
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector import Detector
from crescendo.trainables.detector.folder import METADATA
from crescendo.trainables.detector.onnx_step import write_onnx
from crescendo.trainables.detector.trained import read_trained
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.artifacts import METRICS
from crescendo.trainables.training.job import outputs

_OF_A_RUN = (METADATA, METRICS, "report.json", "checkpoints", outputs("").name)
_SHOWN = 10


def found_run(run: str, arm: str | None) -> tuple[str, str]:
    """Return the run that `run` names, and how it was chosen: of a study's output folder its best one, of `arm` if given.

    Raises
    ------
    InputError
        Listing what there is, if nothing can be chosen.
    """
    folder = Path(run)
    if is_study(folder):
        best = best_run(folder, arm)
        if not best.folder.is_dir():
            raise InputError(
                f"{best.folder}: is not here, though {folder} knows it as its best confirmed run; name its run in MLflow"
            )
        return str(best.folder), best.described()
    if arm is not None:
        raise InputError(f"--arm {arm}: {run} is no study; name the output folder of a sweep, or leave --arm out")
    below = [] if any((folder / name).exists() for name in _OF_A_RUN) else _runs_below(folder)
    if below:
        shown = ", ".join(map(str, below[:_SHOWN])) + (f" and {len(below) - _SHOWN} more" if below[_SHOWN:] else "")
        raise InputError(f"{folder}: is no run, but holds some; name one: {shown}")
    return run, ""


def _runs_below(folder: Path) -> list[Path]:
    """Return the studies, finished trainings and confirmed trials that lie right in `folder`."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else ()
    return [one for one in inside if is_study(one) or any((at / METRICS).is_file() for at in (one, outputs(one)))]


def read_detector(run: str, uri: str | None, dataset: Path | None, *, allow_plugin: bool) -> Detector:
    """Return the detector that the folder `run` holds, or the MLflow run of that id in the store `uri`.

    `dataset` is the data set it was trained on, where a checkpoint of an older version does not tell.

    Raises
    ------
    InputError
        If there is no such folder or run, or it holds no finished detector.
    """
    folder = Path(run)
    if folder.is_dir():
        return read_trained(folder, None if dataset is None else Dataset(dataset), allow_plugin=allow_plugin)
    if uri is None:
        raise InputError(
            f"{run}: no such folder; for the id of an MLflow run, say where with --tracking-uri or --study"
        )
    return read_run_model(run.removeprefix("runs:/").rstrip("/"), uri, allow_plugin=allow_plugin)


def write_detector(detector: Detector, destination: Path, form: str) -> None:
    """Write `detector` as a model `folder`, one step as `onnx`, or an `mlflow` model."""
    if form == "onnx":
        write_onnx(detector, destination)
    elif form == "mlflow":
        write_mlflow_model(detector, destination)
    else:
        detector.save(destination)
