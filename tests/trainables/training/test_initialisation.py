"""What a training begins with: the fc7 layer of a checkpoint."""

from pathlib import Path

import numpy as np
import pytest
import torch

from crescendo.trainables.config import configuration
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.build import build_model
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.trainer import Trainer

WIDTH, OUTPUTS = 12, 7
TINY = {
    "hidden_size": 8, "sequences": 4, "sequence_length": 20, "bptt": 10, "optimizer": "sgd", "learning_rate": 0.1,
    "threads": 1, "device": "cpu", "fc7": "from_checkpoint",
}  # fmt: skip


def write(destination: Path, fc7: tuple[torch.Tensor, torch.Tensor] | None) -> Dataset:
    random = np.random.default_rng(2)
    subsets = ("training", "validation", "test")
    names = {subset: Recording(subset, 20.0, (Segment("run", 5.0, 12.0),)) for subset in subsets}
    return write_dataset(
        destination,
        DatasetMetadata("fc6", 2.0, "activations after ReLU", "made for the tests", "MIT"),
        Annotations(names),
        frames=dict.fromkeys(subsets, 40),
        features=[np.maximum(random.normal(3, 5, (40, WIDTH)), 0) for _ in subsets],
        feature_dim=WIDTH,
        dtype="float16",
        fc7=fc7,
    )


@pytest.fixture(scope="module")
def layer() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(OUTPUTS, WIDTH), torch.randn(OUTPUTS)


@pytest.fixture(scope="module")
def fc6(layer: tuple[torch.Tensor, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write(tmp_path_factory.mktemp("fc6") / "data", layer)


def trainer(dataset: Dataset, **settings: object) -> Trainer:
    return Trainer(configuration({**TINY, **settings}), dataset)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("model", ["lstm", "cnn"])
def test_it_begins_as_the_networks_own_fc7(fc6, layer, model, normalise):
    run = trainer(fc6, model=model, normalise=normalise)
    features = torch.from_numpy(np.asarray(fc6.features("test"), dtype=np.float32))
    expected = torch.nn.functional.linear(features, *layer).relu()
    assert torch.equal(run.model.embed(features), expected)
    assert run.config.fc7_size == OUTPUTS


def test_it_trains_along_at_its_own_rate(fc6, layer):
    still, moved = (trainer(fc6, fc7_learning_rate=rate, weight_decay=0.0) for rate in (0.0, 1e-2))
    for run in (still, moved):
        run.train(3)
    assert torch.equal(still.model.fc7.weight, layer[0])
    assert not torch.equal(moved.model.fc7.weight, layer[0])
    assert (moved.model.fc7.weight - layer[0]).abs().max() < 0.5


def test_the_rest_of_the_model_begins_as_with_a_new_layer(fc6):
    ours = trainer(fc6).model.state_dict()
    new = trainer(fc6, fc7="new", fc7_size=OUTPUTS, normalise=False).model.state_dict()
    assert ours.keys() == new.keys()
    for name, tensor in new.items():
        assert torch.equal(ours[name], tensor) != name.startswith("fc7.")


def test_a_checkpoint_knows_the_width_and_needs_no_data_set(fc6, tmp_path):
    run = trainer(fc6, iterations=4)
    run.train(2)
    run.save(tmp_path / "c")
    weights, metadata = checkpoints.read_model(tmp_path / "c")
    assert metadata["config"]["fc7_size"] == OUTPUTS
    model = build_model(WIDTH, len(fc6.labels), configuration(metadata["config"]))
    model.load_state_dict(weights)
    resumed = trainer(fc6, iterations=4)
    resumed.restore(tmp_path / "c")
    for one in (run, resumed):
        one.train(4)
    assert all(
        torch.equal(one, other) for one, other in zip(run.model.parameters(), resumed.model.parameters(), strict=True)
    )


def test_what_does_not_fit_is_said_in_one_line(fc6, layer, tmp_path):
    with pytest.raises(InputError, match=r"fc7_size: must be 7, .* but got 4096$"):
        trainer(fc6, fc7_size=4096)
    assert trainer(fc6, fc7_size=OUTPUTS).config.fc7_size == OUTPUTS
    with pytest.raises(InputError, match=r"holds no fc7 layer, .*--layer fc6`, or set fc7: new$"):
        trainer(write(tmp_path / "without", None))
    with pytest.raises(InputError, match=r"its fc7 layer has shape \(7, 11\) but the features have 12 columns"):
        trainer(write(tmp_path / "other", (layer[0][:, :11], layer[1])))
