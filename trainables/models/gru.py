"""The gated recurrent unit (Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models.base import State
from crescendo.trainables.models.recurrent import RecurrentDetector
from crescendo.trainables.models.registry import GRU


class GRUDetector(RecurrentDetector):
    """GRU with dropout on its non-recurrent connections only, and a linear layer.

    Its state is (hidden,). It has no memory cells besides, so there is no `reset: memory`.
    """

    spec = GRU

    def __init__(self, feature_dim: int, labels: int, config: TrainingConfig) -> None:
        super().__init__(feature_dim, labels, config)
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(self.width, config.hidden_size, config.layers, dropout=between)
        self.linear = nn.Linear(config.hidden_size, labels)

    @property
    def network(self) -> nn.GRU:
        """The GRU."""
        return self.gru

    def run(self, chunk: Tensor, state: State) -> tuple[Tensor, State]:
        """Return output and state; see `RecurrentDetector.run`."""
        output, hidden = self.gru(chunk, state[0])
        return output, (hidden,)

    def cell(self, from_input: Tensor, from_hidden: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return (hidden,), by the equations of nn.GRU.

        The reset gate multiplies the product of weights and hidden state, not the hidden state itself.
        """
        input_reset, input_update, input_candidate = from_input.chunk(3, dim=-1)
        hidden_reset, hidden_update, hidden_candidate = from_hidden.chunk(3, dim=-1)
        reset = (input_reset + hidden_reset).sigmoid()
        update = (input_update + hidden_update).sigmoid()
        candidate = (input_candidate + reset * hidden_candidate).tanh()
        return ((1 - update) * candidate + update * state[0],)
