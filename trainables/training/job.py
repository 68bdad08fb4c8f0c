"""What a worker must know to run a trial: light to import, since every process of a study reads it, whatever it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crescendo.trainables.data.folds import Division
from crescendo.trainables.data.same_dataset import FileStates

_OUTPUTS = "outputs"

DecodeValues = Callable[[str, Sequence[int]], list[float]]
"""(reset, merge gaps in frames) -> the objective at each gap; one forward pass for each new reset."""
DecodeSearch = Callable[[DecodeValues], tuple[str, int]]
"""Asks `DecodeValues` about resets and merge gaps of its choice; returns the best reset and merge gap (frames)."""


@dataclass(frozen=True)
class Job:
    """Everything that a worker must know to run a trial.

    Attributes
    ----------
    identity
        The trial's name in its study.
    phase
        `search`, `finalist`: the trial is scored on the validation split alone. `confirm`: also on test, once, after training.
    dataset
        Folder of the prepared data set, or its URI (`data.remote`); every worker opens it itself.
    dataset_hash, dataset_states
        The content hash that the data set must have, and the states of its files when it had it (`data.same_dataset`);
        None: whatever lies there.
    division
        How its recordings are divided into training, validation and test; None: as the data set says.
    settings
        The settings of the training configuration that differ from the defaults, seed and threads included.
    folder
        Where the trial keeps its checkpoint and writes its results.
    metric
        The objective: `mAP/mean`, or `mAP/iou_0.50` for one threshold.
    decode
        Finds the best reset and merge gap once the model is trained; None: the configuration's are used.
    checkpoint_seconds
        A checkpoint is written after so many seconds even if no report is due.
    plugin_folder
        Where modules that settings name as `module:attribute` are also looked for, after Python's own path: the folder in
        which the study was started. None: on Python's path only.
    """

    identity: str
    phase: Literal["search", "finalist", "confirm"]
    dataset: str
    settings: Mapping[str, Any]
    folder: str
    metric: str
    decode: DecodeSearch | None = None
    checkpoint_seconds: float = 60.0
    plugin_folder: str | None = None
    dataset_hash: str | None = None
    dataset_states: FileStates | None = None
    division: Division | None = None


def outputs(folder: Path | str) -> Path:
    """Return the folder of a confirmed trial's outputs, within the trial's `folder`."""
    return Path(folder) / _OUTPUTS
