"""Training with truncated BPTT (protocol sections 1 and 2), interruptible anywhere and repeatable bit for bit on CPU."""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from crescendo.trainables.config import Reset, TrainingConfig, configuration, gap_frames
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.sampler import Batch, SequenceSampler
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.mean_ap import Evaluation, evaluate_scores
from crescendo.trainables.inference.scoring import Span, score_recordings, score_spans
from crescendo.trainables.losses.total_loss import total_loss
from crescendo.trainables.losses.variants import VARIANTS
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.initialisation import initial_model, resolved_for
from crescendo.trainables.training.malloc import keep_freed_memory
from crescendo.trainables.training.mean_losses import LossSums, MeanLosses

# Streams of random numbers that must not meet.
_WEIGHTS, _DROPOUT = 1, 2
# Iterations whose seeds are derived together.
_SEEDS = 64


class DivergedError(InputError):
    """The loss or its gradient is no longer finite."""


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
        Of the stage that `train` is in, or was in last; checkpoints carry them.
    """

    def __init__(self, config: TrainingConfig, dataset: Dataset) -> None:
        """Build the model; `InputError` if the configuration asks for what this machine or data set has not."""
        self.config, self.dataset = resolved_for(config, dataset), dataset
        self._variant = VARIANTS.resolve(config.variant)
        self._rule = config.matching_rule
        self.device = _device(config)
        torch.set_num_threads(config.threads or len(os.sched_getaffinity(0)))
        keep_freed_memory()
        self.iteration = 0
        self.history: list[dict[str, Any]] = []
        self.losses, self._in_stage = LossSums(), False
        self._sampler = SequenceSampler(
            dataset, "training", sequences=config.sequences, length=config.sequence_length, seed=config.seed
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_derived(config.seed, _WEIGHTS, 0)[0])
            self.model = initial_model(self.config, dataset)
        self.model.to(self.device)
        self._weights = list(self.model.parameters())
        self._optimizer = _optimizer(self.model, config)

    def train(self, until: int, on_progress: Callable[[int, float], None] | None = None) -> MeanLosses:
        """Train up to iteration `until`, the end of a stage, and return the stage's mean losses.

        A stage begins where the last one ended; after `resume_stage` one that was cut off goes on, and its means are those
        over all its iterations. `on_progress(iteration, loss)` is called after every iteration.

        Raises
        ------
        DivergedError
            If the loss or the gradient is NaN or infinite; names the iteration, the rate and the batch's recordings.
        """
        started, first = time.perf_counter(), self.iteration
        if not self._in_stage:
            self.losses, self._in_stage = LossSums(), True
        devices = [self.device] if self.device.type == "cuda" else []
        self.model.train()
        with torch.random.fork_rng(devices=devices):
            while self.iteration < until:
                batch = self._sampler.batch(self.iteration)
                losses = self._step(batch)
                self.losses.add(losses)
                self.iteration += 1
                if on_progress is not None:
                    on_progress(self.iteration, losses[0])
        self._in_stage = False
        frames = (self.iteration - first) * self.config.sequences * self.config.sequence_length
        rate = frames / max(time.perf_counter() - started, 1e-9)
        return self.losses.means(rate)

    def _step(self, batch: Batch) -> list[float]:
        config = self.config
        block, row = divmod(self.iteration, _SEEDS)
        _seed(self.device, _derived(config.seed, _DROPOUT, block)[row])
        factor = _rate_factor(config, self.iteration)
        for group in self._optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        features, labels, valid = (
            torch.from_numpy(array).to(self.device, non_blocking=True)
            for array in (batch.features, batch.labels, batch.valid)
        )
        mixed = config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16) if mixed else nullcontext():
            logits = self.model(features, truncate=config.bptt)
        loss = total_loss(logits, labels, valid, self._variant, lambda_r=config.lambda_r)
        for weight in self._weights:
            weight.grad = None
        loss.total.backward()
        norms = [weight.grad.norm() for weight in self._weights if weight.grad is not None]
        norm = torch.stack(norms).norm()
        *losses, norm_value = torch.stack((loss.total.detach(), loss.cross_entropy, loss.ranking, norm)).tolist()
        if not all(map(math.isfinite, (*losses, norm_value))):
            what = "gradient" if all(map(math.isfinite, losses)) else "loss"
            recordings = sorted(set(batch.recordings))
            raise DivergedError(
                f"iteration {self.iteration + 1}: the {what} is not finite at learning rate "
                f"{config.learning_rate * factor:g}; batch of recordings {', '.join(recordings)}; "
                "lower learning_rate or set gradient_clip"
            )
        if 0 < config.gradient_clip < norm_value:
            nn.utils.clip_grads_with_norm_(self._weights, config.gradient_clip, norm)
        self._optimizer.step()
        return losses

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
        """Return what a checkpoint says of the run so far beside weights, JSON-able."""
        return {
            "iteration": self.iteration,
            "history": self.history,
            "losses": self.losses.to_json(),
            "config": self.config.model_dump(mode="json"),
            "labels": self.dataset.labels,
            "feature_dim": self.dataset.feature_dim,
            "dataset_hash": self.dataset.content_hash,
            "dataset": asdict(self.dataset.metadata),
            "frames": dict(self.dataset.store.metadata),
        }

    def save(self, folder: Path) -> None:
        """Write a checkpoint as `folder`, which must not exist; complete or absent."""
        tensors = {
            f"{number}.{key}": value
            for number, state in self._optimizer.state_dict()["state"].items()
            for key, value in state.items()
            if isinstance(value, Tensor)
        }
        checkpoints.write_checkpoint(folder, self.model.state_dict(), tensors, self.metadata())

    def restore(self, folder: Path) -> None:
        """Go on from the checkpoint `folder`.

        Raises
        ------
        InputError
            If it is incomplete, of another model shape, of another data set or of another training configuration.
        """
        weights, tensors, metadata = checkpoints.read_checkpoint(folder)
        with torch.no_grad():
            checkpoints.load_weights(folder, self.model.state_dict(), weights)
        if metadata.get("dataset_hash") != self.dataset.content_hash:
            raise InputError(
                f"{folder}: was trained on another data set than {self.dataset.path}; use the one it began with"
            )
        self._check_settings(folder, metadata.get("config", {}))
        content = self._optimizer.state_dict()
        content["state"] = {}
        for name, tensor in tensors.items():
            number, _, key = name.partition(".")
            content["state"].setdefault(int(number), {})[key] = tensor
        self._optimizer.load_state_dict(content)
        self.iteration, self.history = int(metadata["iteration"]), list(metadata["history"])
        self.losses, self._in_stage = LossSums(**metadata.get("losses", {})), False

    def resume_stage(self) -> None:
        """Let `train` go on with the stage of the checkpoint that was restored, which has not been reported."""
        self._in_stage = True

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
_FREE = {"iterations", "device", "threads", "evaluate_every", "reset", "merge_gap", "merge_gap_seconds", "protocol"}
_PERSISTENT = sorted(set(TrainingConfig.model_fields) - _FREE - {"iou", "fractions"})


def _device(config: TrainingConfig) -> torch.device:
    available = torch.cuda.is_available()
    device = torch.device(("cuda" if available else "cpu") if config.device == "auto" else config.device)
    if device.type == "cuda" and (not available or (device.index or 0) >= torch.cuda.device_count()):
        raise InputError(f"device: {config.device} is not on this machine; use auto or cpu")
    if config.precision == "bfloat16" and device.type != "cuda":
        raise InputError(f"precision: bfloat16 needs CUDA but the device is {device}; use float32")
    return device


def _optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    fc7 = [parameter for name, parameter in model.named_parameters() if name.startswith("fc7.")]
    rest = [parameter for name, parameter in model.named_parameters() if not name.startswith("fc7.")]
    groups = [{"params": rest, "initial_lr": config.learning_rate}]
    if fc7:
        groups.append({"params": fc7, "initial_lr": config.fc7_learning_rate})
    shared: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=config.momentum, **shared)
    return torch.optim.Adam(groups, **shared)


def _rate_factor(config: TrainingConfig, iteration: int) -> float:
    """Return what the learning rates are multiplied by at `iteration`."""
    step = config.learning_rate_step
    return config.learning_rate_gamma ** (iteration // step) if step else 1.0


def _seed(device: torch.device, seed: int) -> None:
    """Seed what dropout draws from."""
    if device.type == "cuda":
        torch.manual_seed(seed)
    else:
        # torch.manual_seed would note, with a stack trace each time, that a GPU is to be seeded should one ever be used.
        torch.default_generator.manual_seed(seed)


@functools.lru_cache(maxsize=2)
def _derived(seed: int, stream: int, block: int) -> list[int]:
    """Return `_SEEDS` seeds: deriving one takes as long as deriving them all."""
    derived: list[int] = np.random.SeedSequence([seed, stream, block]).generate_state(_SEEDS, np.uint64).tolist()
    return derived
