"""What `crescendo export` reads and writes; it needs torch."""

from __future__ import annotations

from pathlib import Path

from crescendo.platform.tracking.model_registry import read_run_model, write_mlflow_model
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector import Detector
from crescendo.trainables.detector.onnx_step import write_onnx
from crescendo.trainables.detector.trained import read_trained
from crescendo.trainables.errors import InputError


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
