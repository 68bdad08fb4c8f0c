"""One trial of a study: a training session in a folder of its own.

checkpoints/iteration-*     its newest checkpoint, until a search trial is over
report.json                 its last report
outputs/                    what a confirmed trial leaves (`artifacts.write_outputs`)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.registry import look_in
from crescendo.trainables.training.measurement import Measurement
from crescendo.trainables.training.scored_subset import DecodeSearch
from crescendo.trainables.training.session import TrainingSession

_OUTPUTS = "outputs"


@dataclass(frozen=True)
class Job:
    """What a trial runs.

    Attributes
    ----------
    identity
        Its name.
    phase
        `search`: scored on validation alone. `confirm`: scored on test too, once, when trained.
    dataset
        Folder of the prepared data set, or a URI (`data.remote`); each worker opens it by itself.
    settings
        Every setting of the training configuration that differs from the defaults, seed and threads among them.
    folder
        Where it keeps its checkpoint and leaves its results.
    metric
        The objective: `mAP/mean`, or `mAP/iou_0.50` for one threshold.
    decode
        How the best reset and merge gap are found once it is trained; None: the configuration's are taken.
    checkpoint_seconds
        A checkpoint is written after this time even if no report is due.
    plugin_folder
        Where modules that settings name as `module:attribute` are looked for, beside where Python looks: the working
        folder of whoever began the study. None: nowhere else.
    """

    identity: str
    phase: Literal["search", "confirm"]
    dataset: str
    settings: Mapping[str, Any]
    folder: str
    metric: str
    decode: DecodeSearch | None = None
    checkpoint_seconds: float = 60.0
    plugin_folder: str | None = None


class Trial(TrainingSession):
    """The session of a job: a confirmed one measures its model and leaves outputs, a search trial reports alone."""

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
    """Return where under a trial's folder its outputs lie, once it is confirmed."""
    return Path(folder) / _OUTPUTS
