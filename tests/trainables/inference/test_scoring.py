"""Frame scores of a model: those of the literal loop are in `test_lstm.py`; here, many models and a GPU."""

import numpy as np
import pytest
import torch
from own_models import Convolution

from crescendo.trainables.config import configuration
from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.inference.decoding import decode
from crescendo.trainables.inference.scoring import score_spans, score_together, whole
from crescendo.trainables.models.build import build_model

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")),
]


class Looks(Convolution):
    """Looks at its numbers while it takes a frame, which a capture forbids."""

    def step_function(self, features):
        step = super().step_function(features)
        return lambda t, state: step(t, state) if float(state[0].sum()) < 1e9 else None


@pytest.fixture
def dataset(tmp_path):
    """Recordings longer than several captured blocks, and some shorter than one."""
    random = np.random.default_rng(1)
    frames = {"long": 600, "shorter": 530, "short": 60, "one": 1}
    return write_dataset(
        tmp_path / "data",
        DatasetMetadata("numbers", 1.0, "numbers", "made for the tests", "MIT"),
        Annotations({name: Recording("test", float(n), ()) for name, n in frames.items()}),
        frames=frames,
        features=[random.normal(size=(n, 6)).astype(np.float32) for n in frames.values()],
        feature_dim=6,
        labels=["run", "walk"],
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("model", "reset"), [("lstm", "memory"), ("lstm", "state"), ("lstm", "none"), ("gru", "state")]
)
def test_several_models_together_score_as_each_alone_on_a_cpu(dataset, model, reset, device):
    models = []
    for seed in range(3):
        torch.manual_seed(seed)
        models.append(build_model(6, 3, configuration({"model": model, "hidden_size": 12 + seed})))
    spans = [*whole(dataset, dataset.recordings("test")), ("long", 200, 590)]
    expected = [score_spans(one, dataset, spans, reset) for one in models]
    found = score_together([one.to(device) for one in models], dataset, spans, reset)
    for ours, theirs in zip(found, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
            assert_same_detections(one, other)
    assert sum(len(decode(scores, 3)) for ours in found for scores in ours) > 0


@pytest.mark.parametrize("device", DEVICES)
def test_a_model_that_cannot_be_captured_is_named_and_scored_all_the_same(dataset, device):
    torch.manual_seed(0)
    config = configuration({"hidden_size": 12})
    models, told = [build_model(6, 3, config), Looks(6, 3, config), Convolution(6, 3, config)], []
    spans = whole(dataset, dataset.recordings("test"))
    expected = [score_spans(one, dataset, spans, "none") for one in models]
    found = score_together(
        [one.to(device) for one in models], dataset, spans, "none", uncaptured=lambda *said: told.append(said)
    )
    for ours, theirs in zip(found, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert [number for number, _ in told] == ([1] if device == "cuda" else [])
    assert all(reason and "\n" not in reason for _, reason in told)


def assert_same_detections(one, other):
    """Compare what is decoded where the best score of a frame leads by more than two may differ."""
    second, first = np.sort(other, axis=1)[:, -2:].T
    clear = first - second > 2e-5
    assert clear.mean() > 0.98
    settled = np.where(clear[:, np.newaxis], one, other)
    for gap in (0, 3, 40):
        ours, theirs = decode(settled, gap), decode(other, gap)
        for field in ("label", "start", "end"):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
        np.testing.assert_allclose(ours.score, theirs.score, rtol=0, atol=1e-5)
