"""Detectors as MLflow models: written to a folder, registered in a store, read from a run."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from crescendo.platform.tracking.artifact_places import artifacts_at, misplaced
from crescendo.reports.source.store import QUIET, StoreReader, first_line, mlflow_client
from crescendo.reports.source.store_address import ARTIFACT_FOLDER, check_address, check_store, sqlite_file
from crescendo.trainables.detector import Detector
from crescendo.trainables.detector.trained import MODEL_FOLDER
from crescendo.trainables.errors import InputError
from crescendo.trainables.registry import is_plugin
from crescendo.trainables.storage.files import atomic_directory

_SCRIPT = Path(__file__).with_name("served_detector.py")
_ARTIFACT = "detector"
_EXPERIMENT = "crescendo models"


def write_mlflow_model(detector: Detector, folder: Path) -> None:
    """Write a folder that `mlflow.pyfunc.load_model` and `mlflow models serve` take; `InputError` if it exists."""
    with tempfile.TemporaryDirectory() as place, atomic_directory(folder) as partial, _unadvised():
        _pyfunc().save_model(path=str(partial), **_parts(detector, Path(place)))


def register_model(detector: Detector, name: str, uri: str, source: str) -> str:
    """Log the detector to the MLflow store `uri`, in a run of its own, and register it as `name`; return its URI.

    Raises
    ------
    InputError
        If the store cannot be reached or refuses the name.
    """
    check_address(uri)
    client = mlflow_client(uri)
    # MLflow takes seconds, and reads the environment that `mlflow_client` sets as it is imported.
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)  # which also tells every process begun from here
    try:
        _make_name(client, name)  # before anything is stored under a name that is refused
        found = client.get_experiment_by_name(_EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(_EXPERIMENT, _artifacts_beside(uri))
        with mlflow.start_run(experiment_id=experiment, run_name=f"export of {source}"[:200]) as run:
            model = _logged(client, detector, uri, run.info)
        made = client.create_model_version(name, f"models:/{model}", run.info.run_id, model_id=model)
    except InputError:
        raise
    except Exception as error:  # of MLflow, requests and protobuf, which have no common exception
        raise InputError(f"--register {name}: {first_line(error, uri)}") from error
    finally:
        mlflow.set_tracking_uri(before)
    return f"models:/{name}/{made.version}"


def _logged(client: Any, detector: Detector, uri: str, run: Any) -> str:
    """Write the detector where the store `uri` wants it, as an output of `run`; return the id that the store knows it by.

    `mlflow.pyfunc.log_model` would write it to any folder of this machine that the store names.
    """
    # As above.
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    made = client.create_logged_model(run.experiment_id, _ARTIFACT, run.run_id)
    fault = misplaced(made.artifact_location, made.model_id)
    if fault:
        raise InputError(f"--register: {fault}")
    ids = {"model_uuid": made.model_id, "model_id": made.model_id, "run_id": run.run_id}
    with tempfile.TemporaryDirectory() as place, _unadvised():
        folder = Path(place) / "model"
        described = Model(artifact_path=made.artifact_location, **ids)
        _pyfunc().save_model(path=str(folder), mlflow_model=described, **_parts(detector, Path(place)))
        artifacts_at(made.artifact_location, uri).log_artifacts(str(folder))
    client.finalize_logged_model(made.model_id, "READY")
    client.log_outputs(run.run_id, [LoggedModelOutput(made.model_id, step=0)])
    return str(made.model_id)


def _make_name(client: Any, name: str) -> None:
    # As above.
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _artifacts_beside(uri: str) -> str | None:
    """Return where the artifacts of a database file go; MLflow's own choice would be the working folder."""
    file = sqlite_file(uri)
    return None if file is None else (file.absolute().parent / ARTIFACT_FOLDER).as_uri()


def read_run_model(run: str, uri: str, *, allow_plugin: bool = False) -> Detector:
    """Return the detector of the confirm run with id `run` in the store `uri`; `InputError` if it has none.

    `allow_plugin`: see `Detector.load`.
    """
    check_store(uri, f"run {run}")
    store = StoreReader(uri, f"run {run}")
    phase = store.get_run(run).data.tags.get("crescendo.phase", "none")
    if not any(one.path == MODEL_FOLDER for one in store.list_artifacts(run)):
        raise InputError(
            f"run {run}: has no artifact {MODEL_FOLDER}/ (its phase is {phase}); confirm runs made by this version have"
        )
    with tempfile.TemporaryDirectory() as place:
        return Detector.load(store.download_artifacts(run, MODEL_FOLDER, place), allow_plugin=allow_plugin)


def _parts(detector: Detector, place: Path) -> dict[str, Any]:
    """Return what MLflow stores; the model folder lies below `place` until it has."""
    # As above.
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    # MLflow takes a file's time stamps and mode along; a copy elsewhere leaves the installed one alone.
    script = shutil.copy(_SCRIPT, place / _SCRIPT.name)
    detector.save(place / _ARTIFACT)
    features = TensorSpec(np.dtype("float32"), (-1, detector.metadata.features.dimension))
    columns = [ColSpec("string", "label"), *(ColSpec("double", name) for name in ("start", "end", "score"))]
    return {
        "python_model": str(script),
        "artifacts": {_ARTIFACT: str(place / _ARTIFACT)},
        "signature": ModelSignature(Schema([features]), Schema(columns)),
        "code_paths": _module_files(detector.metadata.architecture.model),
        "pip_requirements": [f"crescendo-ablation=={version('crescendo-ablation')}"],
    }


def _module_files(model: str) -> list[str] | None:
    """Return where a model of the user's own is written: its module, or its outermost package; None of a built-in one.

    MLflow stores a copy, and finds the module there when it loads the model.
    """
    if not is_plugin(model):
        return None
    outermost = sys.modules[model.partition(":")[0].partition(".")[0]]
    folders = getattr(outermost, "__path__", None)
    return [str(outermost.__file__)] if folders is None else [next(iter(folders))]


@contextmanager
def _unadvised() -> Iterator[None]:
    """Keep MLflow's advice from those who call `crescendo export`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _pyfunc() -> Any:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    # As above.
    import mlflow.pyfunc

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    return mlflow.pyfunc
