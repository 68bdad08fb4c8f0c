"""One training run from a data set to a folder: checkpoints on the way, scores, detections and metrics at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from crescendo.trainables.config import TrainingConfig, gap_frames
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.store import write_frames
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import write_detections
from crescendo.trainables.evaluation.subset_result import SubsetResult, subset_result
from crescendo.trainables.files import write_json
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.scored_subset import ScoredSubset
from crescendo.trainables.training.trainer import Trainer

METRICS = "metrics.json"


class Listener(Protocol):
    """What is told of a run while it goes on."""

    def began(self, trainer: Trainer) -> None:
        """Training begins, or goes on, at `trainer.iteration`."""

    def advanced(self, iteration: int, loss: float) -> None:
        """An iteration is done."""

    def validated(self, row: Mapping[str, Any]) -> None:
        """A validation is done; `row` is what `history` gets."""

    def scoring(self, subset: str) -> None:
        """The trained model is about to be scored on `subset`."""


def train_detector(
    config: TrainingConfig, dataset: Dataset, output: Path, listener: Listener, *, resume: bool = False
) -> dict[str, Any]:
    """Train a detector and write `output`; return the content of its `metrics.json`, which is written last.

    `output` gets `checkpoints/` (the newest one), `scores/` (validation and test), `detections.json` (test) and
    `metrics.json`. With `resume` a run that was interrupted goes on from its newest checkpoint.

    Raises
    ------
    InputError
        If `output` holds another run, the data set has no training or validation part, or the loss is not finite.
    """
    _check_output(output, resume)
    for subset in ("training", "validation"):
        dataset.recordings(subset)
    subsets = [subset for subset in ("validation", "test") if subset in dataset.annotations.subsets()]
    trainer = Trainer(config, dataset)
    folder = output / "checkpoints"
    newest = checkpoints.newest(folder) if resume else None
    if newest is not None:
        trainer.restore(newest)
    started, first = time.perf_counter(), trainer.iteration
    listener.began(trainer)
    gap = gap_frames(config, dataset.fps)
    scored = ScoredSubset(trainer, "validation")
    while trainer.iteration < config.iterations:
        stage_end = min(config.iterations, (trainer.iteration // config.evaluate_every + 1) * config.evaluate_every)
        losses = trainer.train(stage_end, listener.advanced)
        scored = ScoredSubset(trainer, "validation")
        [evaluation] = scored.evaluate(config.reset, [gap])
        row = {"iteration": trainer.iteration, **asdict(losses), **_mean_ap(evaluation.to_json())}
        trainer.history.append(row)
        listener.validated(row)
        place = checkpoints.checkpoint_folder(folder, trainer.iteration)
        trainer.save(place)
        checkpoints.prune(folder, keep=place)
    seconds = time.perf_counter() - started
    metrics: dict[str, Any] = {
        "dataset": {"name": dataset.metadata.name, "content_hash": dataset.content_hash, "fps": dataset.fps},
        "config": trainer.config.model_dump(mode="json"),
        "merge_gap": gap,
        "labels": dataset.labels,
        "iterations": trainer.iteration,
        "training_seconds": seconds if first == 0 else None,
        "history": trainer.history,
    }
    found: dict[str, SubsetResult] = {}
    for subset in subsets:
        listener.scoring(subset)
        if subset == "test":
            scored = ScoredSubset(trainer, "test")
        [evaluation] = scored.evaluate(config.reset, [gap])
        found[subset] = subset_result(
            scored.decoded(config.reset, gap),
            trainer.score_spans,
            config,
            evaluation=evaluation,
            alarms=found["validation"].alarms if found else None,
        )
        metrics[subset] = found[subset].metrics.to_json()
    metrics["alarms"] = found["validation"].alarms
    _write_results(output, dataset, config, found, metrics)
    return metrics


def write_scores(path: Path, dataset: Dataset, scores: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write frame scores as an Arrow file (see `data.store`): column `scores`, one value a label."""
    frames = {recording: len(matrix) for recording, matrix in scores.items()}
    metadata = {"labels": dataset.labels, "fps": dataset.fps, **metadata}
    width = len(dataset.labels)
    write_frames(path, "scores", frames, scores.values(), width=width, dtype="float32", metadata=metadata)


def _write_results(
    output: Path, dataset: Dataset, config: TrainingConfig, found: Mapping[str, SubsetResult], metrics: dict[str, Any]
) -> None:
    for subset, result in found.items():
        write_scores(output / "scores" / f"{subset}.arrow", dataset, result.decoded.scores, {"reset": config.reset})
    write_detections(output / "detections.json", found["test" if "test" in found else "validation"].detections())
    write_json(output / METRICS, metrics)


def _check_output(output: Path, resume: bool) -> None:
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file; choose a folder")
    if (output / METRICS).exists():
        raise InputError(f"{output}: holds a finished run; remove it or choose another folder")
    if output.exists() and any(output.iterdir()) and not resume:
        raise InputError(f"{output}: is not empty; pass --resume to go on with the run in it, or choose another folder")


def _mean_ap(result: Mapping[str, Any]) -> dict[str, Any]:
    return {"mAP": result["mAP"], "mAP_mean": result["mAP_mean"]}
