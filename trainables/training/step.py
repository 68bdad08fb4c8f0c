"""One optimiser step of one training, all of it on the device: no number is read back while steps follow one another."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.losses.total_loss import total_loss
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.models.dropout import Dropout
from crescendo.trainables.training.clipping import largest_norm
from crescendo.trainables.training.feed import DeviceBatch
from crescendo.trainables.training.optimizers import optimizer_of

UNREAD = 64
"""Steps whose losses the device keeps at most: they must be read by then (`TrainingStep.read`)."""

# Streams of random numbers that must not meet.
_WEIGHTS, _DROPOUT, _DROPOUT_OF_TORCH = 1, 2, 3
_OPTIMIZER = "optimizer."
# Iterations whose seeds are derived together.
_SEEDS = 64


class TrainingStep:
    """Forward, loss, backward, clipping and the optimiser, as one call without a look at the result.

    What is random in a step is a function of the configuration's seed and the iteration, so it depends neither on the
    steps before nor on other trainings in the process.

    Attributes
    ----------
    optimizer : torch.optim.Optimizer
    largest_norm : float
        A gradient of a larger norm is clipped; 0: none is.
    generator : torch.Generator or None
        What dropout draws from on CUDA; on a CPU it is torch's own, which `prepare` seeds.
    """

    def __init__(self, model: DetectionModel, config: TrainingConfig, device: torch.device) -> None:
        self.model, self.device, self._config = model, device, config
        self._variants, self._lambda_r = config.loss_variants, config.loss_weights
        self._predicts = config.predicts_progress
        self.largest_norm = largest_norm(config)
        self._weights = list(model.parameters())
        self.optimizer = optimizer_of(model, config, device)
        self.generator: torch.Generator | None = None
        self.renew_generator()
        self._factor: float | None = None
        self._kept = torch.zeros(UNREAD, 4, device=device)
        self._next = torch.zeros(1, dtype=torch.int64, device=device)
        self._unread = 0

    def renew_generator(self) -> None:
        """Draw from a fresh generator: one that a failed capture used is of no use any more."""
        if self.device.type == "cuda":
            self.generator = torch.Generator(self.device)
        for module in self.model.modules():
            if isinstance(module, Dropout):
                module.generator = self.generator

    def prepare(self, iteration: int) -> None:
        """Set what `__call__` cannot set itself: the learning rate of `iteration`, and the seeds of its dropout."""
        factor = self.rate_factor(iteration)
        if factor != self._factor:
            for group in self.optimizer.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(group["initial_lr"] * factor)
                else:
                    group["lr"] = group["initial_lr"] * factor
            self._factor = factor
        block, row = divmod(iteration, _SEEDS)
        seed = _derived(self._config.seed, _DROPOUT, block)[row]
        if self.generator is None:
            # torch.manual_seed would note, with a stack trace each time, that a GPU is to be seeded should one be used.
            torch.default_generator.manual_seed(seed)
        else:
            self.generator.manual_seed(seed)
            # Of other random layers: between the layers of an LSTM, or in somebody's own model.
            torch.cuda.manual_seed(_derived(self._config.seed, _DROPOUT_OF_TORCH, block)[row])
        self._unread += 1

    def __call__(self, batch: DeviceBatch) -> None:
        """Take the step that `prepare` was called for."""
        config = self._config
        mixed = config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16) if mixed else nullcontext():
            if self._predicts:
                logits, predicted = self.model.with_progress(batch.features, truncate=config.bptt)
            else:
                logits, predicted = self.model(batch.features, truncate=config.bptt), None
        loss = total_loss(
            logits,
            batch.labels,
            batch.valid,
            self._variants,
            lambda_r=self._lambda_r,
            positions=batch.positions,
            predicted=predicted,
        )
        self.forget_gradients()
        loss.total.backward()
        norm = nn.utils.get_total_norm([weight.grad for weight in self._weights if weight.grad is not None])
        row = torch.stack((loss.total.detach(), loss.cross_entropy, loss.ranking, norm))
        self._kept.index_copy_(0, self._next, row.unsqueeze(0))
        self._next.add_(1)
        if self.largest_norm > 0:
            nn.utils.clip_grads_with_norm_(self._weights, self.largest_norm, norm)
        self.optimizer.step()

    def forget_gradients(self) -> None:
        """Hold no memory for the gradients of the last step."""
        for weight in self._weights:
            weight.grad = None

    @property
    def unread(self) -> int:
        """Steps taken since the last `read`."""
        return self._unread

    def read(self) -> list[list[float]]:
        """Return the loss (Eq. 1), its two parts and the gradient's norm before clipping, of each step since the last call.

        On CUDA this waits for the steps.
        """
        rows: list[list[float]] = self._kept[: self._unread].tolist()
        self._next.zero_()
        self._unread = 0
        return rows

    def rate_factor(self, iteration: int) -> float:
        """Return what the learning rates are multiplied by at `iteration`."""
        step = self._config.learning_rate_step
        return self._config.learning_rate_gamma ** (iteration // step) if step else 1.0

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Return the optimiser's state, `number.key` -> tensor."""
        return {
            f"{number}.{key}": value
            for number, state in self.optimizer.state_dict()["state"].items()
            for key, value in state.items()
            if isinstance(value, Tensor)
        }

    def load_optimizer(self, tensors: dict[str, Tensor]) -> None:
        """Go on from a state that `optimizer_tensors` returned; `ValueError` if it is of other parameters."""
        content = self.optimizer.state_dict()
        content["state"] = {}
        parameters = [one for group in self.optimizer.param_groups for one in group["params"]]
        for name, tensor in tensors.items():
            number, _, key = name.partition(".")
            if tensor.dim() and tensor.shape != parameters[int(number)].shape:
                raise ValueError(f"its optimiser's {name} has shape {tuple(tensor.shape)}")
            content["state"].setdefault(int(number), {})[key] = tensor
        self.optimizer.load_state_dict(content)
        self._factor = None

    def snapshot(self) -> StepSnapshot:
        """Return a copy of all that a step changes."""
        return StepSnapshot({name: tensor.clone() for name, tensor in self._tensors().items()}, self._unread)

    def put_back(self, snapshot: StepSnapshot, *, keep: bool = True) -> None:
        """Be where `snapshot` was taken, in the same tensors.

        An optimiser that had no state then begins with zeros, or, without `keep`, has none and no memory is held for it.
        """
        if not keep and not any(name.startswith(_OPTIMIZER) for name in snapshot.tensors):
            self.optimizer.state.clear()
        for name, tensor in self._tensors().items():
            if name in snapshot.tensors:
                tensor.copy_(snapshot.tensors[name])
            else:
                tensor.zero_()
        self.forget_gradients()
        self._unread, self._factor = snapshot.unread, None

    def is_at(self, snapshot: StepSnapshot) -> bool:
        """Return whether all numbers are those of `snapshot` to the last bit; NaN is equal to NaN."""
        tensors = self._tensors()
        return tensors.keys() == snapshot.tensors.keys() and all(
            torch.equal(tensor.reshape(-1).view(torch.uint8), snapshot.tensors[name].reshape(-1).view(torch.uint8))
            for name, tensor in tensors.items()
        )

    def _tensors(self) -> dict[str, Tensor]:
        model = {f"model.{name}": tensor.detach() for name, tensor in self.model.state_dict(keep_vars=True).items()}
        optimizer = {_OPTIMIZER + name: tensor for name, tensor in self.optimizer_tensors().items()}
        return {**model, **optimizer, "losses": self._kept, "next": self._next}


@dataclass(frozen=True)
class StepSnapshot:
    """What a step changes, by name, and how many steps were unread."""

    tensors: dict[str, Tensor]
    unread: int


@functools.lru_cache(maxsize=8)
def _derived(seed: int, stream: int, block: int) -> list[int]:
    """Return `_SEEDS` seeds: deriving one takes as long as deriving them all."""
    derived: list[int] = np.random.SeedSequence([seed, stream, block]).generate_state(_SEEDS, np.uint64).tolist()
    return derived


def weight_seed(seed: int) -> int:
    """Return what torch is seeded with before a model's weights are drawn."""
    return _derived(seed, _WEIGHTS, 0)[0]
