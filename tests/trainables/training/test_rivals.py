"""Training with the rivals of the ranking losses: what they are told of a sequence, and the head that stays behind."""

import numpy as np
import pytest
import torch
from own_models import Shown
from reference_losses import positions, ranking_loss, rival_loss

from crescendo.trainables.config import configuration
from crescendo.trainables.data.sampler import SequenceSampler
from crescendo.trainables.detector.detector import Detector
from crescendo.trainables.detector.onnx_step import write_onnx
from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.scoring import score_recordings
from crescendo.trainables.losses.variants import VARIANTS
from crescendo.trainables.models.contract import check_model
from crescendo.trainables.models.lstm import LSTMDetector
from crescendo.trainables.models.registry import LSTM
from crescendo.trainables.training.initialisation import initial_model
from crescendo.trainables.training.train import train_detector
from crescendo.trainables.training.trainer import Trainer

RIVALS = [name for name, variant in VARIANTS.items() if variant.term is not None]
PLAIN = {
    "hidden_size": 6,
    "sequences": 40,
    "sequence_length": 30,
    "bptt": 10,
    "threads": 1,
    "device": "cpu",
    "dropout": 0.0,
}


def literal_positions(dataset, sampler, iteration):
    """Passed and remaining of the batch's frames, from the labels of whole recordings; padding counts as a last frame."""
    batch = sampler.batch(iteration)
    passed, remaining = np.ones(batch.labels.shape, np.float32), np.zeros(batch.labels.shape, np.float32)
    for row, (name, features) in enumerate(zip(batch.recordings, batch.features, strict=True)):
        whole, frames = np.asarray(dataset.features(name)), int(batch.valid[row].sum())
        first = next(t for t in range(len(whole)) if np.array_equal(whole[t : t + frames], features[:frames]))
        told = positions(dataset.frame_labels(name).tolist(), dataset.fps)[first : first + frames]
        passed[row, :frames], remaining[row, :frames] = np.array(told, np.float32).T
    return batch, torch.from_numpy(passed), torch.from_numpy(remaining)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        *(("lstm", [name]) for name in RIVALS),
        ("gru", ["score", "smoothing", "progress"]),
        ("cnn", ["progress", "weighted"]),
    ],
)
def test_the_first_step_minimises_the_loss_of_the_loops(tiny_dataset, model, names):
    """Windows that begin inside an activity know how far it has gone: that of the whole recording."""
    weights = {name: 0.5 + number for number, name in enumerate(names)}
    trainer = Trainer(
        configuration({**PLAIN, "model": model, "variant": names, "lambda_r": weights, "exponential_seconds": 2.0}),
        tiny_dataset,
    )
    sampler = SequenceSampler(tiny_dataset, "training", sequences=40, length=30, seed=0)
    batch, passed, remaining = literal_positions(tiny_dataset, sampler, 0)
    assert not batch.valid.all()
    features, labels, valid = (torch.from_numpy(one) for one in (batch.features, batch.labels, batch.valid))
    with torch.no_grad():
        hidden = trainer.model.represent(features, truncate=10)
        logits, head = trainer.model.classify(hidden), trainer.model.progress_head
        predicted = torch.zeros(labels.shape) if head is None else head(hidden).squeeze(-1).sigmoid()
        p = logits.softmax(-1)
        told = {"passed": passed, "remaining": remaining, "predicted": predicted, "seconds": 2.0}
        parts = {
            name: rival_loss(p, labels, name, 0, **told) if name in RIVALS else ranking_loss(p, labels, name)
            for name in names
        }
        cross_entropy = -p.gather(-1, labels.unsqueeze(-1)).squeeze(-1).log()[valid].mean()
        ranking = sum(weights[name] * part[valid].mean() for name, part in parts.items())
    losses = []
    trainer.train(1, lambda _, loss: losses.append(loss))
    assert losses == [pytest.approx(float(cross_entropy + ranking), rel=1e-5)]
    means = trainer.losses.means(1)
    assert means.ranking == pytest.approx(float(ranking) / (weights[names[0]] if len(names) == 1 else 1), rel=1e-5)


def test_the_head_is_drawn_after_the_weights_that_all_arms_share(tiny_dataset):
    plain, with_head = (
        Trainer(configuration({**PLAIN, "variant": name}), tiny_dataset).model.state_dict()
        for name in ("none", "progress")
    )
    assert [name for name in with_head if name not in plain] == ["progress_head.weight", "progress_head.bias"]
    assert all(torch.equal(plain[name], with_head[name]) for name in plain)


@pytest.fixture(scope="module")
def finished(tiny_dataset, tiny_settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("progress") / "run"
    settings = {**tiny_settings, "variant": "progress", "lambda_r": 5.0}
    return folder, train_detector(configuration(settings), tiny_dataset, folder)


def test_a_detector_has_no_head_and_scores_as_the_run_did(finished, tiny_dataset):
    folder, run = finished
    detector = Detector.load(folder / "model")
    assert detector.model.progress_head is None
    scores = score_recordings(detector.model, tiny_dataset, tiny_dataset.recordings("test"), run.reset)
    for name, expected in run.results["test"].decoded.scores.items():
        np.testing.assert_array_equal(scores[name], expected)


def test_an_export_to_onnx_has_no_head(finished, tmp_path):
    onnx = pytest.importorskip("onnx")
    write_onnx(Detector.load(finished[0] / "model"), tmp_path / "step.onnx")
    graph = onnx.load(tmp_path / "step.onnx").graph
    assert [one.name for one in graph.output] == ["scores", "next_hidden", "next_cell"]
    assert not any("progress" in one.name for one in graph.initializer)


@pytest.mark.parametrize("model", ["vgg19", "test_models:Averages"])
def test_a_model_that_does_not_show_what_its_last_layer_reads_is_refused(model, tmp_path, monkeypatch):
    (tmp_path / "test_models.py").write_text(
        "from crescendo.trainables.models.base import DetectionModel\nclass Averages(DetectionModel): ...\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        configuration({"model": model, "variant": "progress"})
    assert str(raised.value) == (
        "configuration: variant progress needs a model that shows what its last layer reads (lstm, gru, cnn, or your own "
        f"with spec.represents) but got model {model}"
    )


@pytest.mark.parametrize("model", ["vgg19", "own_models:Convolution"])
def test_a_loss_of_ones_own_that_predicts_needs_a_model_that_shows_what_it_reads(
    model, tiny_dataset, tmp_path, monkeypatch
):
    (tmp_path / "own_head.py").write_text(
        "from crescendo.trainables.losses.variants import Term, Variant\n"
        "OWN = Variant(term=Term('progress', positions=True, predicts=True))\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        initial_model(configuration({"model": model, "variant": "own_head:OWN"}), tiny_dataset)
    assert str(raised.value) == (
        "variant own_head:OWN needs a model that shows what its last layer reads (lstm, gru, cnn, or your own with "
        f"spec.represents) but got model {model}"
    )


def test_a_model_of_ones_own_must_show_what_it_reads():
    class Crooked(LSTMDetector):
        def classify(self, hidden):
            return super().classify(hidden + 1)

        def forward(self, features, truncate=None):
            return super().classify(self.represent(features, truncate))

    assert LSTM.represents
    model = Crooked(6, 4, configuration({"hidden_size": 5}))
    with pytest.raises(InputError, match="classify of represent gives other logits than forward"):
        check_model(model, 6, configuration({"hidden_size": 5}))


def test_a_model_of_ones_own_that_shows_it_gets_the_head():
    config = configuration({"model": "own_models:Shown", "variant": "progress"})
    model = Shown(6, 4, config)
    check_model(model, 6, config)
    model.add_progress_head()
    logits, predicted = model.with_progress(torch.randn(2, 5, 6))
    assert (logits.shape, predicted.shape) == ((2, 5, 4), (2, 5))
    assert ((predicted > 0) & (predicted < 1)).all()
    assert not [name for name in model.detector_state() if "head" in name]
