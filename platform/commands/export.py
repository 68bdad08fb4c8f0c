"""`crescendo export`: a trained run as a detector to use elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crescendo.trainables.errors import InputError

if TYPE_CHECKING:
    from crescendo.trainables.detector import Detector


def export(
    run: Annotated[
        str,
        typer.Argument(
            help="The --output of `crescendo train`, a confirmed trial's folder, a model folder, or an MLflow run's id."
        ),
    ],
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="What is written; it must not exist.")],
    form: Annotated[
        Literal["folder", "onnx", "mlflow"],
        typer.Option(
            "--format", help="Model folder for `crescendo detect`; one step as ONNX; an MLflow model (pyfunc)."
        ),
    ] = "folder",
    tracking_uri: Annotated[
        str | None, typer.Option(envvar="MLFLOW_TRACKING_URI", help="MLflow store of a run id, and for --register.")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="A study's output folder, in place of --tracking-uri: where its runs are.")
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="The data set the run was trained on, where its checkpoint is of an older version."),
    ] = None,
    register: Annotated[
        str | None, typer.Option(metavar="NAME", help="Register it under this name in the MLflow store, too.")
    ] = None,
) -> None:
    """Export a trained detector: weights, labels, frame rate, features, reset, merge gap and alarm thresholds."""
    if destination.exists():
        raise InputError(f"{destination}: exists already; remove it or choose another destination")
    if study is not None and not study.is_dir():
        raise InputError(f"--study {study}: no such folder; name a study's output folder")
    uri = _store(study) if study is not None else tracking_uri
    if register is not None and uri is None:
        raise InputError(f"--register {register}: name the MLflow store with --tracking-uri")
    detector = _detector(run, uri, dataset)
    _write(detector, destination, form)
    metadata = detector.metadata
    typer.echo(
        f"{destination}: {metadata.architecture.model}, {len(metadata.labels) - 1} labels, "
        f"{metadata.features.dimension} features at {metadata.fps:g} frames a second, reset {metadata.reset}, "
        f"merge gap {metadata.merge_gap} frames, alarms at {', '.join(metadata.alarms) or 'no rate'}"
    )
    if register is not None and uri is not None:
        from crescendo.platform.tracking.model_registry import register_model

        typer.echo(f"registered as {register_model(detector, register, uri, run)}")


def _detector(run: str, uri: str | None, dataset: Path | None) -> Detector:
    folder = Path(run)
    if folder.is_dir():
        from crescendo.trainables.data.dataset import Dataset
        from crescendo.trainables.detector.trained import read_trained

        return read_trained(folder, None if dataset is None else Dataset(dataset))
    if uri is None:
        raise InputError(
            f"{run}: no such folder; for the id of an MLflow run, say where with --tracking-uri or --study"
        )
    from crescendo.platform.tracking.model_registry import read_run_model

    return read_run_model(run.removeprefix("runs:/").rstrip("/"), uri)


def _store(study: Path) -> str:
    from crescendo.reports.source.store_address import store_of

    return store_of(study)


def _write(detector: Detector, destination: Path, form: str) -> None:
    if form == "onnx":
        from crescendo.trainables.detector.onnx_step import write_onnx

        write_onnx(detector, destination)
    elif form == "mlflow":
        from crescendo.platform.tracking.model_registry import write_mlflow_model

        write_mlflow_model(detector, destination)
    else:
        detector.save(destination)
