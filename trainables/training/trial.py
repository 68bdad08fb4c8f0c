"""One trial of a study: a training session in a folder of its own.

checkpoints/iteration-*     its newest checkpoint, until a search trial is over
report.json                 its last report
outputs/                    what a confirmed trial writes (`artifacts.write_outputs`)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.folds import Division
from crescendo.trainables.data.same_dataset import FileStates
from crescendo.trainables.registry import look_in
from crescendo.trainables.training.measurement import Measurement
from crescendo.trainables.training.scored_subset import DecodeSearch
from crescendo.trainables.training.session import TrainingSession

_OUTPUTS = "outputs"


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


class Trial(TrainingSession):
    """The training session of a job: in the confirm phase it also measures the model and writes outputs."""

    def __init__(self, job: Job, dataset: Dataset) -> None:
        """Build the model, or restore it from the trial's newest checkpoint.

        Raises
        ------
        InputError
            If a setting is invalid, or the checkpoint is of another configuration or data set.
        """
        self.job = job
        if job.plugin_folder is not None:
            look_in(job.plugin_folder)
        measurement = Measurement(outputs(job.folder), ("validation", "test"), whole_scores=False)
        super().__init__(
            configuration(job.settings, f"trial {job.identity}"),
            dataset,
            Path(job.folder),
            metric=job.metric,
            decode=job.decode,
            measurement=measurement if job.phase == "confirm" else None,
            checkpoint_seconds=job.checkpoint_seconds,
        )


def outputs(folder: Path | str) -> Path:
    """Return the folder of a confirmed trial's outputs, within the trial's `folder`."""
    return Path(folder) / _OUTPUTS
