"""From a finished training to a detector: a training folder, a confirmed trial's folder, or a model folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from crescendo.trainables.config import Reset, TrainingConfig, configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector.detector import Detector
from crescendo.trainables.detector.folder import (
    ALARM_HOURS,
    METADATA,
    ModelMetadata,
    checked_metadata,
    is_detector,
    write_model,
)
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.contract import ARCHITECTURE
from crescendo.trainables.registry import check_no_plugin
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.storage.reading import expecting, mapping
from crescendo.trainables.training import checkpoint_folders, checkpoints

if TYPE_CHECKING:
    from crescendo.trainables.training.trainer import Trainer

Alarms = Mapping[str, Mapping[str, float]]

_FIGURES = "the figures of a finished run"
MODEL_FOLDER = "model"
"""Where below its outputs a finished run leaves its model folder, and the name of the artifact in MLflow."""


def model_metadata(
    config: TrainingConfig,
    content: Mapping[str, Any],
    *,
    reset: Reset,
    merge_gap: int,
    alarms: Alarms | None = None,
    alarm_hours: float | None = None,
) -> ModelMetadata:
    """Return the metadata of a model from its training configuration and the metadata of its checkpoint.

    `content` is `Trainer.metadata()`; `alarms` maps a rate to each label's threshold
    (`early_warning.alarm_thresholds`), which were chosen on `alarm_hours` of validation recordings.

    Raises
    ------
    InputError
        If a model folder cannot hold such a model.
    """
    dataset = content["dataset"]
    settings = config.model_dump(mode="json")
    metadata = {
        "labels": list(content["labels"]),
        "fps": dataset["fps"],
        "features": {
            "dimension": content["feature_dim"],
            "description": dataset["features"],
            "extraction": _extraction(content.get("frames", {})),
        },
        "architecture": {key: settings[key] for key in ARCHITECTURE},
        "reset": reset,
        "merge_gap": merge_gap,
        "alarms": {rate: dict(thresholds) for rate, thresholds in (alarms or {}).items()},
        "training": {
            "crescendo": _version(),
            "iterations": content["iteration"],
            "dataset": {key: dataset.get(key) for key in ("name", "source", "licence")}
            | {"content_hash": content["dataset_hash"]},
            "settings": settings,
            **({} if alarm_hours is None else {ALARM_HOURS: alarm_hours}),
        },
    }
    return checked_metadata(metadata, "model")


def write_trained(
    trainer: Trainer, folder: Path, *, reset: Reset, merge_gap: int, alarms: Alarms, alarm_hours: float | None
) -> None:
    """Write the trainer's model as a model folder in place of what is there; do nothing if it cannot be a detector.

    A network on pixels cannot: its checkpoint is what `crescendo data extract --weights` takes.
    """
    if not is_detector(trainer.config.model):
        return
    metadata = model_metadata(
        trainer.config, trainer.metadata(), reset=reset, merge_gap=merge_gap, alarms=alarms, alarm_hours=alarm_hours
    )
    shutil.rmtree(folder, ignore_errors=True)
    write_model(folder, metadata, trainer.model)


def read_trained(folder: Path | str, dataset: Dataset | None = None, *, allow_plugin: bool = False) -> Detector:
    """Return the detector that a finished run left in `folder`.

    `folder` is what `crescendo train --output` wrote, a confirmed trial's folder in a study's `trials/`, or a model
    folder. `dataset` tells what checkpoints of older versions do not: the data set the run was trained on.
    `allow_plugin` lets the run name a model of the user's own, whose module is then imported.

    Raises
    ------
    InputError
        If the run is not finished or keeps no weights, or `dataset` is missing or another one.
    """
    folder = Path(folder)
    if (folder / METADATA).exists():
        return Detector.load(folder, allow_plugin=allow_plugin)
    for outputs in (folder, folder / "outputs"):
        if (outputs / "metrics.json").is_file() and (outputs / MODEL_FOLDER / METADATA).is_file():
            detector = Detector.load(outputs / MODEL_FOLDER, allow_plugin=allow_plugin)
            if dataset is not None:
                training: Any = detector.metadata.training
                with expecting("a model that tells its data set", outputs / MODEL_FOLDER, "leave --dataset out"):
                    _check_dataset(dataset, training["dataset"]["content_hash"], folder)
            return detector
    return _of_checkpoint(folder, dataset, allow_plugin=allow_plugin)


def _of_checkpoint(folder: Path, dataset: Dataset | None, *, allow_plugin: bool) -> Detector:
    """Return the detector of a run of an older version, whose folder held no model."""
    reset, merge_gap, figures = _decoding(folder)
    checkpoint = checkpoint_folders.found_in(folder)
    weights, content = checkpoints.read_model(checkpoint)
    if dataset is not None:
        _check_dataset(dataset, content.get("dataset_hash"), folder)
        content |= {"dataset": asdict(dataset.metadata), "frames": dataset.store.metadata}
    if "dataset" not in content:
        raise InputError(
            f"{checkpoint}: was written by an older version, which did not keep fps and features; "
            "name the data set it was trained on with --dataset"
        )
    source = checkpoint / "checkpoint.json"
    with expecting("a checkpoint", source, "export another run"):
        if not allow_plugin:
            # Loss and matching rule are not imported: once a model is trained they do not matter.
            check_no_plugin({"model": content["config"]["model"]}, str(source))
        config = configuration(content["config"], str(source))
        if not is_detector(config.model):
            raise InputError(
                f"{folder}: is a network fine-tuned on pixels ({config.model}), which makes features: pass the folder to "
                "`crescendo data extract --weights`, and export a model of another kind trained on them"
            )
        metadata = model_metadata(
            config,
            content,
            reset=reset or config.reset,
            merge_gap=merge_gap,
            alarms=figures.alarms,
            alarm_hours=figures.hours,
        )
    with torch.random.fork_rng(devices=[]):
        model = build_model(metadata.features.dimension, len(metadata.labels), config)
    with torch.no_grad():
        checkpoints.load_weights(checkpoint, model.state_dict(), weights)
    return Detector(metadata, model.eval().requires_grad_(False))


def _check_dataset(dataset: Dataset, trained_on: str | None, folder: Path) -> None:
    if dataset.content_hash != trained_on:
        raise InputError(f"{dataset.path}: is not the data set that {folder} was trained on; name that one")


def _extraction(frames: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how features were made from video, as `crescendo data extract` recorded it in the feature store."""
    if "network" not in frames:
        return None
    return {
        "backbone": frames["backbone"],
        "layer": frames["layer"],
        "size": frames["preparation"]["size"],
        "weights": frames.get("weights", ""),
        "fingerprint": frames["network"],
    }


class _Figures(NamedTuple):
    """Of a finished run: the thresholds of its alarms, and the hours that they were chosen on; None: not known."""

    alarms: Alarms
    hours: float | None


def _decoding(folder: Path) -> tuple[Reset | None, int, _Figures]:
    """Return reset (None: the configuration's), merge gap and figures of a finished training or trial."""
    # Spelled out: `training.session` and `training.trial` build on this module.
    metrics, report, outputs = folder / "metrics.json", folder / "report.json", folder / "outputs" / "metrics.json"
    if metrics.is_file():
        content = read_json(metrics)
        with expecting(_FIGURES, metrics, "export another run"):
            return None, int(content["merge_gap"]), _figures(content)
    if outputs.is_file() and report.is_file():
        content, figures = read_json(report), read_json(outputs)
        with expecting("the report of a trial", report, "export another run"):
            chosen = mapping(content["chosen"])
            reset, merge_gap = chosen["reset"], int(chosen["merge_gap"])
        with expecting(_FIGURES, outputs, "export another run"):
            return reset, merge_gap, _figures(figures)
    if report.is_file() or (folder / "checkpoints").is_dir():
        raise InputError(
            f"{folder}: the training is not finished (`crescendo train --resume` ends it), or it is a trial that was not "
            "confirmed or is not over; confirmed ones can be exported (crescendo.phase = confirm in MLflow)"
        )
    raise InputError(
        f"{folder}: holds no run; name the --output of `crescendo train`, the folder of a confirmed trial, "
        "or an MLflow run (with --tracking-uri or --study)"
    )


def _figures(content: Any) -> _Figures:
    found = mapping(content)
    alarms = {rate: dict(mapping(thresholds)) for rate, thresholds in mapping(found.get("alarms", {})).items()}
    hours = mapping(mapping(found.get("validation", {})).get("online") or {}).get("hours")
    return _Figures(alarms, None if hours is None else float(hours))


def _version() -> str:
    try:
        return version("crescendo-ablation")
    except PackageNotFoundError:
        return "unknown"
