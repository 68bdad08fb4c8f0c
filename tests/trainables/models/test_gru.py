import pytest
import torch

from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.gru import GRUDetector
from crescendo.trainables.training.trainer import Trainer


def test_a_reset_happens_after_the_background_frame_and_only_there():
    model = GRUDetector(6, 2, TrainingConfig(model="gru", hidden_size=3))
    hidden = (torch.ones(1, 2, 3),)
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    [state] = model.reset(hidden, logits, "state")
    assert state.tolist() == [[[0.0] * 3, [1.0] * 3]]
    [none] = model.reset(hidden, logits, "none")
    assert none.tolist() == hidden[0].tolist()


def test_its_reset_is_the_state_unless_it_is_told_another_and_never_the_memory_it_has_not():
    assert configuration({"model": "gru"}).reset == "state"
    assert configuration({"model": "gru", "reset": "none"}).reset == "none"
    with pytest.raises(
        InputError,
        match=r"^configuration: reset: must be state or none for model gru, which has no memory cells to clear, "
        r"but got memory$",
    ):
        configuration({"model": "gru", "reset": "memory"})


def test_it_learns(tiny_dataset):
    settings = {"model": "gru", "hidden_size": 8, "sequences": 8, "sequence_length": 30, "bptt": 10, "threads": 1}
    trainer = Trainer(TrainingConfig(**settings, variant="margin", lambda_r=1.0, learning_rate=0.03), tiny_dataset)
    first, later = trainer.train(5), trainer.train(80)
    assert later.cross_entropy < 0.8 * first.cross_entropy
    assert trainer.evaluate("validation").mean > 0.2
