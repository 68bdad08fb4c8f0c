"""Dropout whose masks cost little on a CPU."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """nn.Dropout with masks ten times cheaper on a CPU, where drawing nn.Dropout's takes a fifth of a training step.

    On a CPU a mask uses 1, 8 or 16 random bits a number, as many as `p` needs; `p` is rounded to that precision. What is
    kept is scaled by the rounded one, so the expected value is the input. The bits are torch's.

    Attributes
    ----------
    generator : torch.Generator or None
        What is drawn from on CUDA, so that masks depend on nothing else that draws; None: torch's own.
    """

    generator: torch.Generator | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `inputs`, in training with each number dropped with probability `p` and the others scaled up.

        What needs no gradient may be changed in place.
        """
        if not self.training or self.p == 0:
            return inputs
        if inputs.device.type != "cpu":
            kept = torch.empty_like(inputs, requires_grad=False).bernoulli_(1 - self.p, generator=self.generator)
            # One pass in place of two; what autocast would do to it is for whoever called.
            with torch.autocast(inputs.device.type, enabled=False):
                return torch.addcmul(inputs.new_zeros(()), inputs, kept, value=1 / (1 - self.p))
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
