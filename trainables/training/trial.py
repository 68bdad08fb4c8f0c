"""One trial of a study: a training session in a folder of its own.

checkpoints/iteration-*     its newest checkpoint, until a search trial is over
report.json                 its last report
outputs/                    what a confirmed trial writes (`artifacts.write_outputs`)
"""

from __future__ import annotations

from pathlib import Path

from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.parts import scored_subsets
from crescendo.trainables.registry import look_in
from crescendo.trainables.training.job import Job, outputs
from crescendo.trainables.training.measurement import Measurement
from crescendo.trainables.training.session import TrainingSession


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
        config = configuration(job.settings, f"trial {job.identity}")
        scored = scored_subsets(dataset, config.matching_rule.unscored)
        measurement = Measurement(outputs(job.folder), scored, whole_scores=False)
        super().__init__(
            config,
            dataset,
            Path(job.folder),
            metric=job.metric,
            decode=job.decode,
            measurement=measurement if job.phase == "confirm" else None,
            checkpoint_seconds=job.checkpoint_seconds,
        )
