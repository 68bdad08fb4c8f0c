import pytest
import torch

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.inference.scoring import score_recordings, score_spans
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.lstm import LSTMDetector


def detector(dataset, **settings) -> LSTMDetector:
    torch.manual_seed(settings.pop("weights", 0))
    config = TrainingConfig(hidden_size=7, **settings)
    model = build_model(dataset.feature_dim, len(dataset.labels), config)
    assert isinstance(model, LSTMDetector)
    # Weights large enough that background comes and goes.
    with torch.no_grad():
        model.linear.weight *= 6
    return model.eval()


def literal_scores(model, features, reset):
    """Protocol section 3, step 1: one frame at a time through nn.LSTM itself."""
    state, scores = None, []
    for frame in torch.from_numpy(features.astype("float32")):
        output, (hidden, cell) = model.lstm(model.embed(frame)[None, None], state)
        probabilities = model.linear(output)[0, 0].softmax(-1)
        if int(probabilities.argmax()) == 0:
            cell = cell * 0 if reset in ("memory", "state") else cell
            hidden = hidden * 0 if reset == "state" else hidden
        state = (hidden, cell)
        scores.append(probabilities)
    return torch.stack(scores)


@pytest.mark.parametrize("reset", ["memory", "state", "none"])
@pytest.mark.parametrize("settings", [{}, {"layers": 2}, {"fc7_size": 5}], ids=["one layer", "two layers", "fc7"])
@torch.no_grad()
def test_scores_are_those_of_the_frame_by_frame_loop(tiny_dataset, reset, settings):
    model = detector(tiny_dataset, **settings)
    names = tiny_dataset.recordings("test")
    found = score_recordings(model, tiny_dataset, names, reset)
    for name in names:
        expected = literal_scores(model, tiny_dataset.features(name), reset)
        torch.testing.assert_close(torch.from_numpy(found[name]), expected, rtol=0, atol=2e-6)


@torch.no_grad()
def test_without_reset_scores_are_those_of_one_call_of_the_lstm(tiny_dataset):
    model = detector(tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    logits = model(torch.from_numpy(tiny_dataset.features(name).copy())[None])
    found = score_recordings(model, tiny_dataset, [name], "none")[name]
    torch.testing.assert_close(torch.from_numpy(found), logits[0].softmax(-1), rtol=0, atol=2e-6)


def test_the_resets_differ_on_this_data(tiny_dataset):
    """Else the tests above would prove nothing."""
    model = detector(tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    memory, state, none = (
        torch.from_numpy(score_recordings(model, tiny_dataset, [name], reset)[name])
        for reset in ("memory", "state", "none")
    )
    assert (memory - state).abs().max() > 1e-3
    assert (memory - none).abs().max() > 1e-3


def test_a_reset_happens_after_the_background_frame_and_only_there():
    model = LSTMDetector(6, 2, TrainingConfig(hidden_size=3))
    hidden, cell = torch.ones(1, 2, 3), torch.ones(1, 2, 3)
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    memory = model.reset((hidden, cell), logits, "memory")
    assert memory[0].tolist() == hidden.tolist()
    assert memory[1].tolist() == [[[0.0] * 3, [1.0] * 3]]
    state = model.reset((hidden, cell), logits, "state")
    assert state[0].tolist() == state[1].tolist() == [[[0.0] * 3, [1.0] * 3]]


@pytest.mark.parametrize("reset", ["memory", "none"])
def test_a_shorter_span_scores_as_the_beginning_of_a_longer_one(tiny_dataset, reset):
    model = detector(tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    short, long = score_spans(model, tiny_dataset, [(name, 5, 20), (name, 5, 50)], reset)
    torch.testing.assert_close(torch.from_numpy(short), torch.from_numpy(long[:15]), rtol=0, atol=1e-6)


def test_a_span_starts_with_a_fresh_state(tiny_dataset):
    model = detector(tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    whole = score_recordings(model, tiny_dataset, [name], "none")[name]
    [tail] = score_spans(model, tiny_dataset, [(name, 10, 30)], "none")
    assert abs(whole[10] - tail[0]).max() > 1e-4


def test_dropout_touches_input_and_output_but_never_the_recurrent_connections(tiny_dataset):
    config = TrainingConfig(hidden_size=16, dropout=0.5)
    model = LSTMDetector(6, 4, config).train()
    features = torch.randn(1, 8, 6)
    first, second = model(features), model(features)
    assert not torch.equal(first, second)
    # With the input's weights at zero only recurrent connections and the output remain before the linear layer.
    with torch.no_grad():
        model.lstm.weight_ih_l0.zero_()
    seen = []
    model.lstm.register_forward_hook(lambda module, inputs, output: seen.append(output[0].detach()))
    inputs = []
    model.lstm.register_forward_pre_hook(lambda module, arguments: inputs.append(arguments[0].detach()))
    first, second = model(features), model(features)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(first, second)
    assert (inputs[0] == 0).any()


def test_two_layers_have_dropout_between_them():
    model = LSTMDetector(6, 4, TrainingConfig(hidden_size=16, layers=2, dropout=0.5)).train()
    with torch.no_grad():
        model.lstm.weight_ih_l0.zero_()
    seen = []
    model.lstm.register_forward_hook(lambda module, inputs, output: seen.append(output[0].detach()))
    features = torch.randn(1, 8, 6)
    model(features), model(features)
    assert not torch.equal(seen[0], seen[1])


def test_truncation_stops_the_gradient_at_the_chunk_and_changes_no_value():
    model = LSTMDetector(3, 2, TrainingConfig(hidden_size=5, dropout=0.0))
    features = torch.randn(2, 10, 3, requires_grad=True)
    torch.testing.assert_close(model(features, truncate=4), model(features), rtol=0, atol=1e-6)
    (gradient,) = torch.autograd.grad(model(features, truncate=4)[:, 9].sum(), features)
    reached = gradient.abs().sum((0, 2)) > 0
    assert reached.tolist() == [False] * 8 + [True] * 2
