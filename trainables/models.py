"""The detectors: the paper's LSTM and the frame classifier of its "CNN" row (protocol section 2; paper section 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from .config import TrainingConfig

State = tuple[Tensor, Tensor]

# Numbers of a batch's input that are made ready together: 4 MiB in float32.
_BLOCK = 2**20


class Dropout(nn.Dropout):
    """nn.Dropout whose masks cost a tenth on a CPU, where drawing them would take a fifth of a training step.

    There a number gets as few random bits as `p` needs in place of a draw of its own: 1, 8 or 16, to which `p` is rounded.
    What is kept is scaled by the rounded one, so the expected value is the input. The bits are torch's.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `inputs`, in training with each number dropped with probability `p` and the others scaled up.

        What needs no gradient may be changed in place.
        """
        if not self.training or self.p == 0 or inputs.device.type != "cpu":
            return super().forward(inputs)
        bits = next((few for few in (1, 8) if (self.p * 2**few).is_integer()), 16)
        dropped = min(round(self.p * 2**bits), 2**bits - 1)
        drawn = torch.empty(-(-inputs.numel() * bits // 64), dtype=torch.int64).random_(-(2**63), None)
        if bits == 1:
            numbers, lowest = torch.from_numpy(np.unpackbits(drawn.view(torch.uint8).numpy())), 0
        else:
            numbers, lowest = drawn.view(torch.int8 if bits == 8 else torch.int16), -(2 ** (bits - 1))
        mask = torch.empty(inputs.shape, dtype=inputs.dtype)
        torch.ge(numbers[: inputs.numel()].view(inputs.shape), lowest + dropped, out=mask)
        mask.mul_(2**bits / (2**bits - dropped))
        return inputs * mask if inputs.requires_grad else inputs.mul_(mask)


class DetectionModel(nn.Module):
    """Features to logits, causally: standardisation, optional fc7, then what a subclass puts before the linear layer.

    `mean` and `scale` (features,) standardise the input and travel with the weights; `fc7` (features -> `fc7_size`,
    ReLU) is trained at its own learning rate (protocol section 2).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_dim))
        self.register_buffer("scale", torch.ones(feature_dim))
        self.fc7 = nn.Linear(feature_dim, config.fc7_size) if config.fc7_size else None
        self.dropout = Dropout(config.dropout)
        self.width = config.fc7_size or feature_dim
        self.label_count = labels

    def embed(self, features: Tensor) -> Tensor:
        """Return what the recurrent or linear part sees: (..., features) -> (..., width)."""
        standard = (features - self.mean).mul_(self.scale)
        return standard if self.fc7 is None else self.fc7(standard).relu()

    def initial_state(self, batch: int) -> State:
        """Return the state of `batch` fresh sequences."""
        raise AssertionError(f"{type(self).__name__} has no initial_state")

    def forward(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return logits (batch, time, labels) of fresh sequences (batch, time, features).

        `truncate` cuts the flow of gradients back through time at every multiple of so many frames (truncated BPTT).
        """
        raise AssertionError(f"{type(self).__name__} has no forward")

    def step_function(self, features: Tensor) -> Callable[[int, State], tuple[Tensor, State]]:
        """Return `step(t, state) -> (logits (batch, labels), state)` over `features` (batch, time, features)."""
        raise AssertionError(f"{type(self).__name__} has no step_function")


class LSTMDetector(DetectionModel):
    """LSTM with dropout on its non-recurrent connections only (input, between layers, output), and a linear layer.

    A state is (hidden, cell), each (layers, batch, hidden_size).
    """

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        super().__init__(feature_dim, labels, config)
        between = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(self.width, config.hidden_size, config.layers, dropout=between)
        self.linear = nn.Linear(config.hidden_size, labels)
        with torch.no_grad():
            for name, parameter in self.lstm.named_parameters():
                if name.startswith("bias_ih"):
                    # An open forget gate lets gradients through from the first step on.
                    parameter[config.hidden_size : 2 * config.hidden_size] = 1.0

    def initial_state(self, batch: int) -> State:
        """Return zeros."""
        shape = (self.lstm.num_layers, batch, self.lstm.hidden_size)
        return self.mean.new_zeros(shape), self.mean.new_zeros(shape)

    def forward(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return logits (batch, time, labels); see `DetectionModel.forward`."""
        state: State = self.initial_state(len(features))
        outputs = []
        length = truncate or features.shape[1]
        # Time first, as the LSTM's arithmetic wants it, and in blocks: few calls, and little memory at a time.
        block = length * max(1, _BLOCK // max(1, len(features) * length * self.width))
        for part in features.transpose(0, 1).split(block):
            for chunk in self.dropout(self.embed(part.contiguous())).split(length):
                output, state = self.lstm(chunk, state)
                state = (state[0].detach(), state[1].detach())
                outputs.append(output)
        output = self.dropout(torch.cat(outputs))
        # The loss wants the labels first in memory.
        logits = torch.addmm(self.linear.bias.unsqueeze(1), self.linear.weight, output.flatten(0, 1).t())
        return logits.view(-1, *output.shape[:2]).permute(2, 1, 0)

    def step_function(self, features: Tensor) -> Callable[[int, State], tuple[Tensor, State]]:
        """Return the single step; the first layer's input products of all frames are taken in one multiplication."""
        weights = [
            [getattr(self.lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            for layer in range(self.lstm.num_layers)
        ]
        inputs = torch.addmm(weights[0][2], self.embed(features).flatten(0, 1), weights[0][0].t())
        inputs = inputs.view(*features.shape[:2], -1).transpose(0, 1).contiguous()

        def step(t: int, state: State) -> tuple[Tensor, State]:
            hidden: list[Tensor] = []
            cell: list[Tensor] = []
            gates = inputs[t]
            for layer, (_, recurrent, _, bias) in enumerate(weights):
                if layer:
                    gates = torch.addmm(weights[layer][2], hidden[-1], weights[layer][0].t())
                gates = gates + torch.addmm(bias, state[0][layer], recurrent.t())
                enter, forget, candidate, leave = gates.chunk(4, dim=-1)
                cell.append(forget.sigmoid() * state[1][layer] + enter.sigmoid() * candidate.tanh())
                hidden.append(leave.sigmoid() * cell[-1].tanh())
            return self.linear(hidden[-1]), (torch.stack(hidden), torch.stack(cell))

        return step


class FrameClassifier(DetectionModel):
    """A linear softmax layer on each frame by itself: the "CNN" row on stored features. It has no state."""

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        super().__init__(feature_dim, labels, config)
        self.linear = nn.Linear(self.width, labels)

    def initial_state(self, batch: int) -> State:
        """Return two empty tensors."""
        nothing = self.mean.new_zeros((0, batch, 0))
        return nothing, nothing

    def forward(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return logits (batch, time, labels)."""
        del truncate
        logits: Tensor = self.linear(self.dropout(self.embed(features)))
        return logits

    def step_function(self, features: Tensor) -> Callable[[int, State], tuple[Tensor, State]]:
        """Return the single step."""
        logits = self.linear(self.embed(features))
        return lambda t, state: (logits[:, t], state)


def build_model(feature_dim: int, labels: int, config: TrainingConfig) -> DetectionModel:
    """Return the model that `config` names, its weights drawn from torch's current random state.

    Raises
    ------
    InputError
        If the weights that a network for pixels begins with cannot be had.
    """
    if config.model == "vgg19":
        from .video.network import FineTunedNetwork

        return FineTunedNetwork(feature_dim, labels, config)
    return (LSTMDetector if config.model == "lstm" else FrameClassifier)(feature_dim, labels, config)
