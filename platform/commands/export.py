"""`crescendo export`: a trained run as a detector to use elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crescendo.platform.commands.options import AllowPlugin
from crescendo.platform.terminal_text import say
from crescendo.reports.source.store_address import store_of
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted, rate_text
from crescendo.trainables.storage.files import check_folder

if TYPE_CHECKING:
    from crescendo.trainables.detector import Detector


def export(
    run: Annotated[
        str,
        typer.Argument(
            help="The --output of `crescendo sweep` or `train`, a confirmed trial's folder, a model folder, or an MLflow "
            "run's id."
        ),
    ],
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="What is written; it must not exist.")],
    arm: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a study: its arm; default: the one best on validation.")
    ] = None,
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
    allow_plugin: AllowPlugin = False,
) -> None:
    """Export a trained detector: weights, labels, frame rate, features, reset, merge gap and alarm thresholds."""
    if destination.exists():
        raise InputError(f"{destination}: exists already; remove it or choose another destination")
    check_folder(destination.parent, destination)
    if study is not None and not study.is_dir():
        raise InputError(f"--study {study}: no such folder; name a study's output folder")
    uri = tracking_uri if study is None else store_of(study)
    if register is not None and uri is None:
        raise InputError(f"--register {register}: name the MLflow store with --tracking-uri")
    # torch takes seconds: help and what is wrong with the options come before it.
    from crescendo.platform.commands.export_detector import found_run, read_detector, write_detector
    from crescendo.trainables.evaluation.calibration import remarks

    run, how = found_run(run, arm)
    detector = read_detector(run, uri, dataset, allow_plugin=allow_plugin)
    write_detector(detector, destination, form)
    registered = None if register is None or uri is None else _registered(detector, register, uri, run, destination)
    metadata = detector.metadata
    say(
        f"{destination}: {metadata.architecture.model}, {counted(len(metadata.labels) - 1, 'label')}, "
        f"{counted(metadata.features.dimension, 'feature')} at {rate_text(metadata.fps)}, reset {metadata.reset}, merge gap "
        f"{counted(metadata.merge_gap, 'frame')}, alarms at {', '.join(metadata.alarms) or 'no rate'}"
    )
    for remark in remarks(detector.calibrations):
        say(remark)
    if how:
        say(f"{how}; {run}")
    if registered is not None:
        say(f"registered as {registered}")


def _registered(detector: Detector, name: str, uri: str, run: str, written: Path) -> str:
    """Register the detector and return its URI; where that fails, what was `written` goes, too."""
    # As above.
    from crescendo.platform.tracking.model_registry import register_model

    try:
        return register_model(detector, name, uri, run)
    except BaseException:
        if written.is_dir():
            shutil.rmtree(written, ignore_errors=True)
        else:
            written.unlink(missing_ok=True)
        raise
