"""The paper's LSTM (protocol section 2; paper section 3)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models.base import DetectionModel, State

# Numbers of a batch's input that are made ready together: 4 MiB in float32.
_BLOCK = 2**20


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
