"""Training with truncated BPTT (protocol sections 1 and 2), interruptible anywhere and repeatable bit for bit on CPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crescendo.trainables.config import Reset, TrainingConfig, configuration, gap_frames
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_scores
from crescendo.trainables.inference.scoring import Span, Watch, score_recordings, score_spans
from crescendo.trainables.storage.reading import expecting
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.clipping import ClippedSteps
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.initialisation import initial_model, resolved_for
from crescendo.trainables.training.malloc import keep_freed_memory
from crescendo.trainables.training.mean_losses import LossSums, MeanLosses
from crescendo.trainables.training.room import room_for
from crescendo.trainables.training.step import TrainingStep, weight_seed


class Trainer:
    """One training run: model, optimiser and the iterations done, from a configuration and a data set.

    Everything random is a function of the seed and the iteration, so a run that is saved, ended and restored goes on
    as if it had never stopped, and arms that share a seed share initial weights and batches (protocol section 8).

    Attributes
    ----------
    iteration : int
        Iterations done.
    history : list of dict
        JSON-able rows that the caller adds as training goes on; checkpoints carry them.
    losses : LossSums
        Sums of the current stage, or of the last one; saved in checkpoints.
    clipped : ClippedSteps
        How many steps of the whole training were clipped; saved in checkpoints.
    step : TrainingStep
        What `Cohort` takes its steps with.
    notes : list of str
        What its user should know of how it trains.
    on_note : callable
        Called with each note when it is made.
    """

    def __init__(self, config: TrainingConfig, dataset: Dataset) -> None:
        """Build the model.

        Raises
        ------
        InputError
            If the configuration asks for what this machine or data set does not have; `NoRoomError`, if the device has no
            memory for it now.
        """
        self.config, self.dataset = resolved_for(config, dataset), dataset
        self._rule = config.matching_rule
        self.device = _device(config)
        torch.set_num_threads(config.threads or len(os.sched_getaffinity(0)))
        keep_freed_memory()
        self.iteration = 0
        self.history: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.on_note: Callable[[str], None] = lambda _: None
        self.on_scored: Watch = lambda _, __: None
        self.losses, self._in_stage = LossSums(), False
        self.clipped = ClippedSteps()
        dataset.recordings("training")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weight_seed(config.seed))
            self.model = initial_model(self.config, dataset)
        with self._room("the model's weights"):
            self.model.to(self.device)
            self.step = TrainingStep(self.model, config, self.device)

    def begin_stage(self) -> None:
        """Begin to sum the losses of another stage, or go on with the one that has not ended."""
        if not self._in_stage:
            self.losses, self._in_stage = LossSums(), True

    def end_stage(self) -> MeanLosses:
        """Return the mean losses of the stage."""
        self._in_stage = False
        return self.losses.means(self.config.sequences * self.config.sequence_length)

    def train(self, until: int, on_progress: Callable[[int, float], None] | None = None) -> MeanLosses:
        """Train alone up to iteration `until`, the end of a stage, and return the stage's mean losses.

        A stage begins where the last one ended; after `resume_stage` one that was cut off goes on, and its means are those
        over all its iterations. `on_progress(iteration, loss)` is called for every iteration.

        Raises
        ------
        DivergedError
            If the loss or the gradient is NaN or infinite; names the iteration, the rate and the batch's recordings.
        """
        self.begin_stage()
        told = None if on_progress is None else lambda _, iteration, loss: on_progress(iteration, loss)
        for error in Cohort([self]).train(until, told).values():
            raise error
        return self.end_stage()

    def note(self, text: str) -> None:
        """Keep what the user should know of how it trains, once, and tell `on_note` of it."""
        if text not in self.notes:
            self.notes.append(text)
            self.on_note(text)

    def score(self, subset: str, reset: Reset | None = None) -> dict[str, np.ndarray]:
        """Return recording -> frame scores (frames, labels) float32 of `subset`; `reset` default: the configuration's."""
        return score_recordings(self.model, self.dataset, self.dataset.recordings(subset), reset or self.config.reset)

    def score_spans(self, spans: Sequence[Span], reset: Reset | None = None) -> list[np.ndarray]:
        """Return the scores of (recording, first frame, last frame excluded), each from a fresh state."""
        return score_spans(self.model, self.dataset, spans, reset or self.config.reset)

    def evaluate(self, subset: str) -> Evaluation:
        """Return the mAP of `subset` at the configuration's reset and merge gap."""
        config = self.config
        gaps = [gap_frames(config, self.dataset.fps)]
        scores = self.score(subset)
        return evaluate_scores(self.dataset, subset, scores, gaps, rule=self._rule, iou=config.iou)[0]

    def metadata(self) -> dict[str, Any]:
        """Return what a checkpoint stores besides tensors, as a JSON-able object."""
        return {
            "iteration": self.iteration,
            "history": self.history,
            "losses": self.losses.to_json(),
            "clipped": self.clipped.to_json(),
            "config": self.config.model_dump(mode="json"),
            "labels": self.dataset.labels,
            "feature_dim": self.dataset.feature_dim,
            "dataset_hash": self.dataset.content_hash,
            "dataset": asdict(self.dataset.metadata),
            "frames": dict(self.dataset.store.metadata),
        }

    def save(self, folder: Path) -> None:
        """Write a checkpoint as `folder`, which must not exist; complete or absent."""
        checkpoints.write_checkpoint(folder, self.model.state_dict(), self.step.optimizer_tensors(), self.metadata())

    def restore(self, folder: Path) -> None:
        """Go on from the checkpoint `folder`.

        Raises
        ------
        InputError
            If it is incomplete, of another model shape, of another data set or of another training configuration;
            `NoRoomError`, if the device has no memory for it now.
        """
        weights, tensors, metadata = checkpoints.read_checkpoint(folder)
        with torch.no_grad():
            checkpoints.load_weights(folder, self.model.state_dict(), weights)
        if metadata.get("dataset_hash") != self.dataset.content_hash:
            raise InputError(
                f"{folder}: was trained on another data set than {self.dataset.path}; use the one it began with"
            )
        self._check_settings(folder, metadata.get("config", {}))
        with self._room("the state of its optimiser"):
            self.step = TrainingStep(self.model, self.config, self.device)
            with expecting("a checkpoint", folder, "go on from another, or train anew"):
                self.step.load_optimizer(tensors)
                self.iteration, self.history = int(metadata["iteration"]), list(metadata["history"])
                if self.iteration and self.config.optimizer == "adam" and not tensors:
                    raise ValueError("it holds no state of the optimiser")
                self.losses, self._in_stage = LossSums(**metadata.get("losses", {})), False
                # Of checkpoints of version 0.1, which did not count them, only later steps are known.
                self.clipped = ClippedSteps(**metadata.get("clipped", {}))

    def resume_stage(self) -> None:
        """Let `train` go on with the stage of the checkpoint that was restored, which has not been reported."""
        self._in_stage = True

    def _room(self, what: str) -> AbstractContextManager[None]:
        return room_for(what, self.device, "hidden_size or fc7_size")

    def _check_settings(self, folder: Path, written: dict[str, Any]) -> None:
        # Another model is not even looked up: its name may be of code that comes with the checkpoint.
        same_model = written.get("model") == self.config.model
        saved = configuration(written, str(folder / "checkpoint.json")).model_dump() if same_model else written
        for key in _PERSISTENT if same_model else ("model",):
            if saved.get(key) != getattr(self.config, key):
                raise InputError(
                    f"{folder}: was trained with {key}={saved.get(key)}, not {getattr(self.config, key)}; "
                    "resume with the same settings"
                )


# What a resumed run may change without becoming another run: where it runs, how long, how it is scored.
_FREE = {
    "iterations",
    "device",
    "threads",
    "graphs",
    "evaluate_every",
    "reset",
    "merge_gap",
    "merge_gap_seconds",
    "protocol",
}
_PERSISTENT = sorted(set(TrainingConfig.model_fields) - _FREE - {"iou", "fractions"})


def _device(config: TrainingConfig) -> torch.device:
    available = torch.cuda.is_available()
    device = torch.device(("cuda" if available else "cpu") if config.device == "auto" else config.device)
    if device.type == "cuda" and (not available or (device.index or 0) >= torch.cuda.device_count()):
        raise InputError(f"device: {config.device} is not on this machine; use auto or cpu")
    if config.precision == "bfloat16" and device.type != "cuda":
        raise InputError(f"precision: bfloat16 needs CUDA but the device is {device}; use float32")
    return device
