"""What every recurrent model keeps: scores of a literal loop, resets, dropout, truncation, the memory of its logits."""

import pytest
import torch

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.inference.scoring import score_recordings, score_spans
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.recurrent import RecurrentDetector

MODELS = ["lstm", "gru"]
RESETS = [("lstm", "memory"), ("lstm", "state"), ("lstm", "none"), ("gru", "state"), ("gru", "none")]


def untrained(model: str, features: int, labels: int, **settings) -> RecurrentDetector:
    built = build_model(features, labels, TrainingConfig(model=model, **settings))
    assert isinstance(built, RecurrentDetector)
    return built


def detector(model: str, dataset, **settings) -> RecurrentDetector:
    torch.manual_seed(0)
    built = untrained(model, dataset.feature_dim, len(dataset.labels), hidden_size=7, **settings)
    # Weights large enough that background comes and goes.
    with torch.no_grad():
        built.linear.weight *= 6
    return built.eval()


def literal_scores(model: RecurrentDetector, features, reset: str) -> torch.Tensor:
    """Protocol section 3, step 1: one frame at a time through nn.LSTM or nn.GRU itself."""
    state, scores = None, []
    for frame in torch.from_numpy(features.astype("float32")):
        output, state = model.network(model.embed(frame)[None, None], state)
        probabilities = model.linear(output)[0, 0].softmax(-1)
        if int(probabilities.argmax()) == 0:
            state = literal_reset(state, reset)
        scores.append(probabilities)
    return torch.stack(scores)


def literal_reset(state, reset: str):
    if isinstance(state, torch.Tensor):  # a GRU's
        return state * 0 if reset == "state" else state
    hidden, cell = state
    return hidden * 0 if reset == "state" else hidden, cell * 0 if reset in ("memory", "state") else cell


@pytest.mark.parametrize(("model", "reset"), RESETS)
@pytest.mark.parametrize("settings", [{}, {"layers": 2}, {"fc7_size": 5}], ids=["one layer", "two layers", "fc7"])
@torch.no_grad()
def test_scores_are_those_of_the_frame_by_frame_loop(tiny_dataset, model, reset, settings):
    built = detector(model, tiny_dataset, **settings)
    names = tiny_dataset.recordings("test")
    found = score_recordings(built, tiny_dataset, names, reset)
    for name in names:
        expected = literal_scores(built, tiny_dataset.features(name), reset)
        torch.testing.assert_close(torch.from_numpy(found[name]), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("model", MODELS)
@torch.no_grad()
def test_without_reset_scores_are_those_of_one_call(tiny_dataset, model):
    built = detector(model, tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    logits = built(torch.from_numpy(tiny_dataset.features(name).copy())[None])
    found = score_recordings(built, tiny_dataset, [name], "none")[name]
    torch.testing.assert_close(torch.from_numpy(found), logits[0].softmax(-1), rtol=0, atol=2e-6)


@pytest.mark.parametrize(("model", "default"), [("lstm", "memory"), ("gru", "state")])
def test_the_resets_differ_on_this_data(tiny_dataset, model, default):
    """Else the tests above would prove nothing."""
    built = detector(model, tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    scores = {
        reset: score_recordings(built, tiny_dataset, [name], reset)[name] for one, reset in RESETS if one == model
    }
    usual = scores.pop(default)
    assert all(abs(usual - other).max() > 1e-3 for other in scores.values())


@pytest.mark.parametrize(("model", "reset"), [("lstm", "memory"), ("lstm", "none"), ("gru", "state")])
def test_a_shorter_span_scores_as_the_beginning_of_a_longer_one(tiny_dataset, model, reset):
    built = detector(model, tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    short, long = score_spans(built, tiny_dataset, [(name, 5, 20), (name, 5, 50)], reset)
    torch.testing.assert_close(torch.from_numpy(short), torch.from_numpy(long[:15]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_a_span_starts_with_a_fresh_state(tiny_dataset, model):
    built = detector(model, tiny_dataset)
    [name, *_] = tiny_dataset.recordings("test")
    whole = score_recordings(built, tiny_dataset, [name], "none")[name]
    [tail] = score_spans(built, tiny_dataset, [(name, 10, 30)], "none")
    assert abs(whole[10] - tail[0]).max() > 1e-4


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("model", MODELS)
def test_dropout_touches_input_and_output_but_never_the_recurrent_connections(model, layers):
    built = untrained(model, 6, 4, hidden_size=16, layers=layers, dropout=0.5).train()
    features = torch.randn(1, 8, 6)
    inputs, outputs = [], []
    built.network.register_forward_pre_hook(lambda module, arguments: inputs.append(arguments[0].detach()))
    built.network.register_forward_hook(lambda module, arguments, output: outputs.append(output[0].detach()))
    assert not torch.equal(built(features), built(features))
    assert (inputs[0] == 0).any()
    assert not torch.equal(inputs[0], inputs[1])
    with torch.no_grad():  # no input left, and none from one layer to the next
        for layer in range(layers):
            getattr(built.network, f"weight_ih_l{layer}").zero_()
    outputs.clear()
    first, second = built(features), built(features)
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(first, second)


@pytest.mark.parametrize("model", MODELS)
def test_two_layers_have_dropout_between_them(model):
    built = untrained(model, 6, 4, hidden_size=16, layers=2, dropout=0.5).train()
    with torch.no_grad():
        built.network.weight_ih_l0.zero_()
    outputs = []
    built.network.register_forward_hook(lambda module, arguments, output: outputs.append(output[0].detach()))
    features = torch.randn(1, 8, 6)
    built(features), built(features)
    assert not torch.equal(outputs[0], outputs[1])


@pytest.mark.parametrize("model", MODELS)
def test_truncation_stops_the_gradient_at_the_chunk_and_changes_no_value(model):
    built = untrained(model, 3, 2, hidden_size=5, dropout=0.0)
    features = torch.randn(2, 10, 3, requires_grad=True)
    torch.testing.assert_close(built(features, truncate=4), built(features), rtol=0, atol=1e-6)
    (gradient,) = torch.autograd.grad(built(features, truncate=4)[:, 9].sum(), features)
    reached = gradient.abs().sum((0, 2)) > 0
    assert reached.tolist() == [False] * 8 + [True] * 2


@pytest.mark.parametrize("model", MODELS)
def test_logits_have_the_labels_first_in_memory_as_the_loss_wants_them(model):
    logits = untrained(model, 3, 2, hidden_size=5)(torch.randn(4, 10, 3))
    assert logits.shape == (4, 10, 2)
    assert logits.permute(2, 1, 0).is_contiguous()
