import torch

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.models.lstm import LSTMDetector


def test_a_reset_happens_after_the_background_frame_and_only_there():
    model = LSTMDetector(6, 2, TrainingConfig(hidden_size=3))
    hidden, cell = torch.ones(1, 2, 3), torch.ones(1, 2, 3)
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    memory = model.reset((hidden, cell), logits, "memory")
    assert memory[0].tolist() == hidden.tolist()
    assert memory[1].tolist() == [[[0.0] * 3, [1.0] * 3]]
    state = model.reset((hidden, cell), logits, "state")
    assert state[0].tolist() == state[1].tolist() == [[[0.0] * 3, [1.0] * 3]]
