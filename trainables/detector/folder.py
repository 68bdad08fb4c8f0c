"""The model folder: weights as safetensors and metadata as JSON, complete or absent; nothing in it can run code.

detector.json       what is needed to use the weights, and where they come from (`ModelMetadata`)
model.safetensors   the weights, standardisation among them, float32

A folder may come from anyone. Links and special files are not read, unknown keys are refused, every value is checked,
and the header of the weights must announce what the metadata ask for before memory is taken for them.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from crescendo.trainables.config import Reset, TrainingConfig, configuration
from crescendo.trainables.data.dataset import FASTEST, SLOWEST
from crescendo.trainables.data.frames import BACKGROUND, BACKGROUND_INDEX
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.registry import check_no_plugin, is_plugin
from crescendo.trainables.storage.files import atomic_directory, atomic_file
from crescendo.trainables.storage.json_files import read_json, write_json
from crescendo.trainables.storage.reading import check_plain
from crescendo.trainables.storage.validated import validated
from crescendo.trainables.training import checkpoints

METADATA, WEIGHTS = "detector.json", "model.safetensors"
ALARM_HOURS = "alarm_hours"
"""Key, among what is known of a training, of the hours of validation recordings that alarm thresholds were chosen on."""
_LARGEST_METADATA = 16 * 2**20  # bytes
_RATE = re.compile(r"\d+(\.\d+)?/h")


def is_detector(model: str) -> bool:
    """Tell whether a model folder can hold the model called `model`; nothing is imported."""
    return is_plugin(model) or (model in MODELS and not MODELS[model].pixels)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Architecture(_Strict):
    """What `build_model` needs beside the numbers of features and labels; see `TrainingConfig`."""

    model: str
    hidden_size: int = Field(ge=1, le=2**16)
    layers: int = Field(ge=1, le=64)
    fc7_size: int = Field(ge=0, le=2**20)

    @field_validator("model")
    @classmethod
    def _a_detector(cls, model: str) -> str:
        if not is_detector(model):
            known = ", ".join(name for name in MODELS if is_detector(name))
            raise ValueError(f"must be one of {known}, or MODULE:ATTRIBUTE for your own, but got {model!r}")
        return model


class FeatureExtraction(_Strict):
    """The network that made the features of videos.

    Its name, the layer taken, the side of the frames it was shown, the name of its weights (a file's, `imagenet` or
    `none`), and their fingerprint (`video.backbones.Backbone`).
    """

    backbone: str
    layer: str
    size: int = Field(ge=1, le=2**14)
    weights: str
    fingerprint: str


class FeatureDescription(_Strict):
    """The features of a frame: how many, what they mean, and how they were made if they come from video."""

    dimension: int = Field(ge=1, le=2**24)
    description: str
    extraction: FeatureExtraction | None = None


class ModelMetadata(_Strict):
    """What `detector.json` holds.

    Attributes
    ----------
    labels
        Names, background first.
    fps
        Frames a second.
    reset, merge_gap
        What is reset after a background frame, and the merge gap in frames (protocol section 3).
    alarms
        Rate of false alarms ("1/h") -> label -> the score so far at which a span raises an alarm.
    training
        What is known of the run: settings, data set, iterations, hours of validation (`ALARM_HOURS`); no detection
        depends on it.
    """

    format: Literal["crescendo-detector"] = "crescendo-detector"
    format_version: Literal[1] = 1
    labels: list[str] = Field(min_length=2, max_length=2**16)
    fps: float = Field(ge=SLOWEST, le=FASTEST)
    features: FeatureDescription
    architecture: Architecture
    reset: Reset
    merge_gap: int = Field(ge=0, le=10**9)
    alarms: dict[str, dict[str, float]] = {}
    training: dict[str, JsonValue] = {}

    @field_validator("labels")
    @classmethod
    def _named_once(cls, labels: list[str]) -> list[str]:
        if labels[BACKGROUND_INDEX] != BACKGROUND or len(set(labels)) != len(labels) or not all(labels):
            raise ValueError(f"must be names, each once, the first {BACKGROUND!r}")
        return labels

    @model_validator(mode="after")
    def _known_labels(self) -> ModelMetadata:
        activities = {*self.labels} - {BACKGROUND}
        for rate, thresholds in self.alarms.items():
            if not _RATE.fullmatch(rate):
                raise ValueError(f"alarms: {rate!r} is no rate such as '1/h'")
            if unknown := thresholds.keys() - activities:
                raise ValueError(f"alarms: {rate}: {min(unknown)!r} is no activity of the model")
        return self


def write_model(folder: Path | str, metadata: ModelMetadata, model: DetectionModel) -> None:
    """Write the model folder; `InputError` if `folder` exists and is not empty, or cannot be written."""
    with atomic_directory(folder) as partial:
        weights = {name: tensor.detach().float().cpu().contiguous() for name, tensor in model.detector_state().items()}
        with atomic_file(partial / WEIGHTS) as file:  # which minds the umask, as safetensors does not
            file.write_bytes(save(weights))
        write_json(partial / METADATA, metadata.model_dump(mode="json"))


def read_model(folder: Path | str, *, allow_plugin: bool = False) -> tuple[ModelMetadata, DetectionModel]:
    """Return the metadata and the model, in evaluation mode on the CPU, that a model folder holds.

    `allow_plugin` lets the folder name a model of the user's own, whose module is then imported, which runs it.

    Raises
    ------
    InputError
        If the folder is incomplete, damaged, of a later format, or not what `write_model` could have written; or if it
        names a model of the user's own that is not allowed, or cannot be built.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; make one with `crescendo export`")
    metadata = _read_metadata(folder / METADATA)
    if not allow_plugin:
        check_no_plugin(metadata.architecture.model_dump(), str(folder / METADATA))
    config = configuration({**metadata.architecture.model_dump(), "reset": metadata.reset}, str(folder / METADATA))
    with torch.device("meta"):
        expected = _build(metadata, config).state_dict()
    path = folder / WEIGHTS
    _plain(path, sum(tensor.nbytes for tensor in expected.values()) + _LARGEST_METADATA)
    try:
        with safe_open(path, framework="pt") as file:
            _check_header(path, file, expected)
            weights = {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: not a complete safetensors file ({' '.join(str(error).split())}); export the run again"
        ) from None
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise InputError(f"{path}: {name} holds NaN or infinity; export a run whose loss stayed finite")
    model = _build(metadata, config)
    with torch.no_grad():
        checkpoints.load_weights(folder, model.state_dict(), weights)
    return metadata, model.eval().requires_grad_(False)


def checked_metadata(content: Any, source: str) -> ModelMetadata:
    """Return `content` as metadata of a model; `InputError` naming `source`, the first fault and how many more there are."""
    return validated(ModelMetadata, content, source, "export the run again, with this version")


def _read_metadata(path: Path) -> ModelMetadata:
    _plain(path, _LARGEST_METADATA)
    return checked_metadata(read_json(path), str(path))


def _build(metadata: ModelMetadata, config: TrainingConfig) -> DetectionModel:
    with torch.random.fork_rng(devices=[]):
        return build_model(metadata.features.dimension, len(metadata.labels), config)


def _plain(path: Path, largest: int) -> None:
    """Raise `InputError` unless `path` is a plain file of at most `largest` bytes."""
    try:
        found = path.lstat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a model folder holds it") from None
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: is no plain file (a link or a device); a model folder holds plain files only")
    if found.st_size > largest:
        raise InputError(f"{path}: is {found.st_size:,} bytes large, more than the {largest:,} there can be")
    check_plain(path)


def _check_header(path: Path, file: Any, expected: dict[str, torch.Tensor]) -> None:
    announced = set(file.keys())
    if wrong := sorted(announced ^ expected.keys()):
        how = "is missing" if wrong[0] in expected else "belongs to no such model"
        raise InputError(f"{path}: {wrong[0]} {how}; {METADATA} and the weights are of two models")
    for name, tensor in expected.items():
        part = file.get_slice(name)
        shape, kind = tuple(part.get_shape()), part.get_dtype()
        if shape != tuple(tensor.shape):
            raise InputError(f"{path}: {name} has shape {shape}, expected {tuple(tensor.shape)} by {METADATA}")
        if kind != "F32":
            raise InputError(f"{path}: {name} is of type {kind}; weights are float32 (F32)")


__all__ = [
    "Architecture",
    "FeatureDescription",
    "FeatureExtraction",
    "ModelMetadata",
    "checked_metadata",
    "read_model",
    "write_model",
]
