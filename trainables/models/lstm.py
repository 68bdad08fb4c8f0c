"""The paper's LSTM (protocol section 2; paper section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models.base import State
from crescendo.trainables.models.recurrent import RecurrentDetector
from crescendo.trainables.models.registry import LSTM


class LSTMDetector(RecurrentDetector):
    """LSTM with dropout on its non-recurrent connections only, and a linear layer. Its state is (hidden, cell)."""

    spec = LSTM

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

    @property
    def network(self) -> nn.LSTM:
        """The LSTM."""
        return self.lstm

    def run(self, chunk: Tensor, state: State) -> tuple[Tensor, State]:
        """Return output and state; see `RecurrentDetector.run`."""
        hidden, cell = state
        output, after = self.lstm(chunk, (hidden, cell))
        return output, after

    def cell(self, from_input: Tensor, from_hidden: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return (hidden, cell), by the equations of nn.LSTM: input, forget and output gate, no peepholes."""
        enter, forget, candidate, leave = (from_input + from_hidden).chunk(4, dim=-1)
        cell = forget.sigmoid() * state[1] + enter.sigmoid() * candidate.tanh()
        return leave.sigmoid() * cell.tanh(), cell
