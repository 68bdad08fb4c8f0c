"""Frame scores of a model: those of the literal loop are in `test_lstm.py`; here, many models and a GPU."""

import numpy as np
import pytest
import torch

from crescendo.trainables.config import configuration
from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.inference.scoring import score_spans, score_together, whole
from crescendo.trainables.models.build import build_model


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")),
    ],
)
@pytest.mark.parametrize(
    ("model", "reset"), [("lstm", "memory"), ("lstm", "state"), ("lstm", "none"), ("gru", "state")]
)
def test_several_models_together_score_as_each_alone_on_a_cpu(tmp_path, model, reset, device):
    """Recordings longer than several captured blocks, and some shorter than one."""
    random = np.random.default_rng(1)
    frames = {"long": 600, "shorter": 530, "short": 60, "one": 1}
    dataset = write_dataset(
        tmp_path / "data",
        DatasetMetadata("numbers", 1.0, "numbers", "made for the tests", "MIT"),
        Annotations({name: Recording("test", float(n), ()) for name, n in frames.items()}),
        frames=frames,
        features=[random.normal(size=(n, 6)).astype(np.float32) for n in frames.values()],
        feature_dim=6,
        labels=["run", "walk"],
    )
    models = []
    for seed in range(3):
        torch.manual_seed(seed)
        models.append(build_model(6, 3, configuration({"model": model, "hidden_size": 12 + seed})))
    spans = [*whole(dataset, list(frames)), ("long", 200, 590)]
    expected = [score_spans(one, dataset, spans, reset) for one in models]
    found = score_together([one.to(device) for one in models], dataset, spans, reset)
    for ours, theirs in zip(found, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
