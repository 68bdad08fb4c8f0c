import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from crescendo.trainables.config import configuration
from crescendo.trainables.training.optimizers import optimizer_of

CPU = torch.device("cpu")


class TwoRates(nn.Module):
    """With a layer `fc7`, which has a rate of its own."""

    def __init__(self):
        super().__init__()
        self.fc7, self.head = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, inputs):
        return self.head(self.fc7(inputs).tanh())


def stepped(model, optimizer):
    generator = torch.Generator().manual_seed(5)
    for _ in range(4):
        optimizer.zero_grad()
        model(torch.randn(6, 3, generator=generator)).square().sum().backward()
        optimizer.step()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_steps_are_those_of_torchs_own(kind):
    config = configuration(
        {"optimizer": kind, "learning_rate": 0.02, "fc7_learning_rate": 0.1, "momentum": 0.7, "weight_decay": 0.03}
    )
    ours, theirs = TwoRates(), TwoRates()
    theirs.load_state_dict(ours.state_dict())
    groups = [{"params": theirs.head.parameters()}, {"params": theirs.fc7.parameters(), "lr": 0.1}]
    reference = (
        torch.optim.SGD(groups, lr=0.02, momentum=0.7, weight_decay=0.03)
        if kind == "sgd"
        else torch.optim.Adam(groups, lr=0.02, weight_decay=0.03)
    )
    found, expected = stepped(ours, optimizer_of(ours, config, CPU)), stepped(theirs, reference)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_its_state_goes_on_in_torchs_own_and_comes_back(kind):
    config = configuration({"optimizer": kind, "learning_rate": 0.02})
    ours = TwoRates()
    optimizer = optimizer_of(ours, config, CPU)
    stepped(ours, optimizer)
    state = optimizer.state_dict()
    own = (torch.optim.SGD if kind == "sgd" else torch.optim.Adam)(
        [{"params": ours.head.parameters()}, {"params": ours.fc7.parameters()}], lr=0.02
    )
    own.load_state_dict(state)
    again = optimizer_of(ours, config, CPU)
    again.load_state_dict(own.state_dict())
    for one, other in zip(again.state.values(), optimizer.state.values(), strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(torch.as_tensor(one[key]), torch.as_tensor(other[key])) for key in one)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_a_training_does_not_wait_for_the_compiler(tiny_dataset, tmp_path, kind):
    """torch.compile's import takes longer than torch's own; nothing that trains, stops and goes on needs it."""
    code = f"""
        import sys
        from pathlib import Path
        from crescendo.trainables.config import configuration
        from crescendo.trainables.data.dataset import Dataset
        from crescendo.trainables.training.trainer import Trainer

        settings = {{"hidden_size": 4, "sequences": 2, "sequence_length": 20, "optimizer": {kind!r}, "device": "cpu"}}
        first, second = (Trainer(configuration(settings), Dataset(Path({str(tiny_dataset.path)!r}))) for _ in range(2))
        first.train(2)
        first.save(Path({str(tmp_path / "checkpoint")!r}))
        second.restore(Path({str(tmp_path / "checkpoint")!r}))
        second.train(3)
        print(sorted(name for name in sys.modules if name.startswith("torch._dynamo")))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
