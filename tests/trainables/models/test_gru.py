import pytest
import torch

from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.scoring import score_recordings
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.gru import GRUDetector
from crescendo.trainables.training.trainer import Trainer


def detector(dataset, **settings) -> GRUDetector:
    torch.manual_seed(0)
    model = build_model(
        dataset.feature_dim, len(dataset.labels), TrainingConfig(model="gru", hidden_size=7, **settings)
    )
    assert isinstance(model, GRUDetector)
    # Weights large enough that background comes and goes.
    with torch.no_grad():
        model.linear.weight *= 6
    return model.eval()


def literal_scores(model, features, reset):
    """Protocol section 3, step 1: one frame at a time through nn.GRU itself."""
    hidden, scores = None, []
    for frame in torch.from_numpy(features.astype("float32")):
        output, hidden = model.gru(model.embed(frame)[None, None], hidden)
        probabilities = model.linear(output)[0, 0].softmax(-1)
        if int(probabilities.argmax()) == 0 and reset == "state":
            hidden = hidden * 0
        scores.append(probabilities)
    return torch.stack(scores)


@pytest.mark.parametrize("reset", ["state", "none"])
@pytest.mark.parametrize("settings", [{}, {"layers": 2}, {"fc7_size": 5}], ids=["one layer", "two layers", "fc7"])
@torch.no_grad()
def test_scores_are_those_of_the_frame_by_frame_loop(tiny_dataset, reset, settings):
    model = detector(tiny_dataset, **settings)
    names = tiny_dataset.recordings("test")
    found = score_recordings(model, tiny_dataset, names, reset)
    for name in names:
        expected = literal_scores(model, tiny_dataset.features(name), reset)
        torch.testing.assert_close(torch.from_numpy(found[name]), expected, rtol=0, atol=2e-6)


def test_the_resets_differ_on_this_data(tiny_dataset):
    """Else the test above would prove nothing."""
    model = detector(tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    state, none = (score_recordings(model, tiny_dataset, [name], reset)[name] for reset in ("state", "none"))
    assert abs(state - none).max() > 1e-3


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


def test_dropout_touches_input_and_output_but_never_the_recurrent_connections():
    model = GRUDetector(6, 4, TrainingConfig(model="gru", hidden_size=16, layers=2, dropout=0.5)).train()
    features = torch.randn(1, 8, 6)
    inputs, outputs = [], []
    model.gru.register_forward_pre_hook(lambda module, arguments: inputs.append(arguments[0].detach()))
    model.gru.register_forward_hook(lambda module, arguments, output: outputs.append(output[0].detach()))
    assert not torch.equal(model(features), model(features))
    assert (inputs[0] == 0).any()
    assert not torch.equal(inputs[0], inputs[1])
    with torch.no_grad():  # no input left, and none from one layer to the next
        model.gru.weight_ih_l0.zero_()
        model.gru.weight_ih_l1.zero_()
    outputs.clear()
    first, second = model(features), model(features)
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(first, second)


def test_truncation_stops_the_gradient_at_the_chunk_and_changes_no_value():
    model = GRUDetector(3, 2, TrainingConfig(model="gru", hidden_size=5, dropout=0.0))
    features = torch.randn(2, 10, 3, requires_grad=True)
    torch.testing.assert_close(model(features, truncate=4), model(features), rtol=0, atol=1e-6)
    (gradient,) = torch.autograd.grad(model(features, truncate=4)[:, 9].sum(), features)
    reached = gradient.abs().sum((0, 2)) > 0
    assert reached.tolist() == [False] * 8 + [True] * 2


def test_logits_have_the_labels_first_in_memory_as_the_loss_wants_them():
    logits = GRUDetector(3, 2, TrainingConfig(model="gru", hidden_size=5))(torch.randn(4, 10, 3))
    assert logits.shape == (4, 10, 2)
    assert logits.permute(2, 1, 0).is_contiguous()


def test_it_learns(tiny_dataset):
    settings = {"model": "gru", "hidden_size": 8, "sequences": 8, "sequence_length": 30, "bptt": 10, "threads": 1}
    trainer = Trainer(TrainingConfig(**settings, variant="margin", lambda_r=1.0, learning_rate=0.03), tiny_dataset)
    first, later = trainer.train(5), trainer.train(80)
    assert later.cross_entropy < 0.8 * first.cross_entropy
    assert trainer.evaluate("validation").mean > 0.2
