"""What recurrent models share: dropout on non-recurrent connections only, truncated BPTT, and steps frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crescendo.trainables.models.base import DetectionModel, State, Step

# Numbers of a batch's input that are embedded together: 4 MiB in float32.
_BLOCK = 2**20


class RecurrentDetector(DetectionModel):
    """A recurrent network of torch with dropout before, between and after its layers, and a linear layer to the labels.

    A subclass sets `linear` and defines `network`, `run` and `cell`. Every tensor of a state is (layers, batch,
    hidden_size).
    """

    linear: nn.Linear

    @property
    def network(self) -> nn.RNNBase:
        """The recurrent network."""
        raise NotImplementedError(f"{type(self).__name__} has no network")

    def run(self, chunk: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the last layer's output (time, batch, hidden_size), and the state after `chunk` (time, batch, width)."""
        raise NotImplementedError(f"{type(self).__name__} has no run")

    def cell(self, from_input: Tensor, from_hidden: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the state of one layer after a frame, its output first, each (batch, hidden_size).

        `from_input` and `from_hidden`, (batch, gates * hidden_size), are the gates' weights times the layer's input and
        its hidden state, biases added; `state` is the layer's state before the frame.
        """
        raise NotImplementedError(f"{type(self).__name__} has no cell")

    def initial_state(self, batch: int) -> State:
        """Return zeros, (layers, batch, hidden_size) each."""
        shape = (self.network.num_layers, batch, self.network.hidden_size)
        return tuple(self.mean.new_zeros(shape) for _ in self.spec.state)

    @property
    def hidden_width(self) -> int:
        """The network's hidden size."""
        return self.network.hidden_size

    def represent(self, features: Tensor, truncate: int | None = None) -> Tensor:
        """Return the last layer's output after dropout, (batch, time, hidden_size); see `DetectionModel.represent`."""
        state = self.initial_state(len(features))
        outputs = []
        length = truncate or features.shape[1]
        # Time first, as the network's arithmetic wants it, and in blocks: few calls, and little memory at a time.
        block = length * max(1, _BLOCK // max(1, len(features) * length * self.width))
        for part in features.transpose(0, 1).split(block):
            for chunk in self.dropout(self.embed(part.contiguous())).split(length):
                output, state = self.run(chunk, state)
                state = tuple(one.detach() for one in state)
                outputs.append(output)
        hidden: Tensor = self.dropout(torch.cat(outputs))
        return hidden.transpose(0, 1)

    def classify(self, hidden: Tensor) -> Tensor:
        """Return logits (batch, time, labels)."""
        output = hidden.transpose(0, 1)
        # The loss wants the labels first in memory.
        logits = torch.addmm(self.linear.bias.unsqueeze(1), self.linear.weight, output.flatten(0, 1).t())
        return logits.view(-1, *output.shape[:2]).permute(2, 1, 0)

    def step_function(self, features: Tensor) -> Step:
        """Return the step; the first layer's weights and the inputs of all frames are multiplied at once, beforehand."""
        network = self.network
        weights = [
            [getattr(network, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            for layer in range(network.num_layers)
        ]
        inputs = torch.addmm(weights[0][2], self.embed(features).flatten(0, 1), weights[0][0].t())
        inputs = inputs.view(*features.shape[:2], -1).transpose(0, 1).contiguous()

        def step(t: int, state: State) -> tuple[Tensor, State]:
            after: list[tuple[Tensor, ...]] = []
            products = inputs[t]
            for layer, (_, recurrent, _, bias) in enumerate(weights):
                if layer:
                    products = torch.addmm(weights[layer][2], after[-1][0], weights[layer][0].t())
                before = [one[layer] for one in state]
                after.append(self.cell(products, torch.addmm(bias, before[0], recurrent.t()), before))
            return self.linear(after[-1][0]), tuple(torch.stack(one) for one in zip(*after, strict=True))

        return step
