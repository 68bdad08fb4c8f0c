"""Fine-tuning on pixels: the trainable `vgg19`."""

from pathlib import Path

import numpy as np
import pytest
import torch
from made_pictures import SIZE, write_pictures

from crescendo.trainables.config import configuration
from crescendo.trainables.config_files import read_settings
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.sampler import SequenceSampler
from crescendo.trainables.errors import InputError
from crescendo.trainables.inference import scoring
from crescendo.trainables.models.finetuned_cnn import FineTunedNetwork
from crescendo.trainables.training.job import Job, outputs
from crescendo.trainables.training.trainer import Trainer
from crescendo.trainables.training.trial import Trial
from crescendo.trainables.video.backbones import Preparation, load_backbone

SETTINGS = {
    **read_settings("vgg19"),
    "backbone": "shufflenet_v2_x0_5",
    "weights": "none",
    "sequences": 16,
    "iterations": 120,
    "learning_rate": 0.01,
    "learning_rate_step": 0,
    "evaluate_every": 120,
    "merge_gap": 2,
    "threads": 1,
    "device": "cpu",
}


def trainer(dataset: Dataset, **changes: object) -> Trainer:
    return Trainer(configuration({**SETTINGS, **changes}), dataset)


@pytest.fixture(scope="module")
def tuned(pictures: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, Path]:
    run = trainer(pictures)
    run.train(120)
    folder = tmp_path_factory.mktemp("tuned") / "checkpoint"
    run.save(folder)
    return run, folder


def test_the_shipped_configuration_is_the_papers() -> None:
    config = configuration(read_settings("vgg19"))
    assert (config.model, config.backbone, config.weights) == ("vgg19", "vgg19", "imagenet")
    assert (config.sequences, config.sequence_length, config.bptt) == (32, 1, 1)
    assert (config.optimizer, config.learning_rate, config.learning_rate_step) == ("sgd", 1e-4, 40000)
    assert (config.learning_rate_gamma, config.iterations) == (0.1, 120000)
    assert (config.momentum, config.weight_decay, config.variant) == (0.9, 5e-4, "none")


def test_it_learns_what_can_be_seen(pictures: Dataset, tuned: tuple[Trainer, Path]) -> None:
    run, _ = tuned
    before = trainer(pictures).evaluate("test")
    after = run.evaluate("test")
    assert after.mean > 0.9
    assert before.mean < 0.5


def test_scores_are_the_networks_softmax_frame_by_frame(pictures: Dataset, tuned: tuple[Trainer, Path]) -> None:
    run, _ = tuned
    model = run.model
    assert isinstance(model, FineTunedNetwork)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (model.preparation.mean, model.preparation.std))
    model.eval()
    for recording, scores in run.score("validation").items():
        frames = np.asarray(pictures.features(recording)).reshape(-1, 3, SIZE, SIZE)
        with torch.no_grad():
            slowly = torch.cat([model.network((torch.from_numpy(one)[None] / 255 - mean) / std) for one in frames])
        np.testing.assert_allclose(scores, slowly.softmax(-1).numpy(), atol=1e-4)


def test_scoring_holds_few_frames_at_a_time(
    pictures: Dataset, tuned: tuple[Trainer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = tuned
    expected = run.score("validation")
    shown: list[int] = []
    step_function = FineTunedNetwork.step_function

    def watched(self, features):
        shown.append(features.numel() * features.element_size())
        return step_function(self, features)

    monkeypatch.setattr(FineTunedNetwork, "step_function", watched)
    limit = 64 * 3 * SIZE * SIZE * 7
    monkeypatch.setattr(scoring, "_BYTES", limit)
    for recording, scores in run.score("validation").items():
        np.testing.assert_allclose(scores, expected[recording], atol=1e-5)
    assert len(shown) > 1
    assert max(shown) <= limit


def test_an_interrupted_training_goes_on_bit_for_bit(pictures: Dataset, tmp_path: Path) -> None:
    whole, broken = trainer(pictures), trainer(pictures)
    whole.train(6)
    broken.train(3)
    broken.save(tmp_path / "c")
    resumed = trainer(pictures)
    resumed.restore(tmp_path / "c")
    resumed.train(6)
    found, expected = resumed.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_its_checkpoint_is_a_backbone(pictures: Dataset, tuned: tuple[Trainer, Path], tmp_path: Path) -> None:
    run, folder = tuned
    backbone = load_backbone("shufflenet_v2_x0_5", str(folder), layer="pooled")
    assert (backbone.preparation.size, backbone.preparation.resize) == (SIZE, Preparation().at(SIZE).resize)
    frames = torch.from_numpy(np.asarray(pictures.features("recording 0")[:5]))
    model = run.model.eval()
    with torch.no_grad():
        logits = model.network.fc(backbone(frames.view(-1, 3, SIZE, SIZE)))
        torch.testing.assert_close(logits, model(frames[None])[0], rtol=1e-3, atol=1e-3)
    place = tmp_path / "run" / "checkpoints" / "iteration-000000120"
    place.parent.mkdir(parents=True)
    folder.rename(place)
    try:
        for where in (place, tmp_path / "run", tmp_path / "run" / "checkpoints"):
            again = load_backbone("shufflenet_v2_x0_5", str(where), layer="pooled")
            assert again.fingerprint == backbone.fingerprint
        with pytest.raises(InputError, match="its backbone is shufflenet_v2_x0_5, not resnet18"):
            load_backbone("resnet18", str(place), layer="pooled")
        with pytest.raises(InputError, match="was fine-tuned on squares of 32 pixels, not 64"):
            load_backbone("shufflenet_v2_x0_5", str(place), layer="pooled", size=64)
    finally:
        place.rename(folder)


def test_only_a_fine_tuned_network_is_a_backbone(tiny_dataset: Dataset, tmp_path: Path) -> None:
    lstm = Trainer(configuration({"iterations": 1, "sequence_length": 10, "bptt": 5, "threads": 1}), tiny_dataset)
    lstm.save(tmp_path / "lstm")
    with pytest.raises(InputError, match="is a checkpoint of the model lstm"):
        load_backbone("alexnet", str(tmp_path / "lstm"), layer="fc6")


def test_model_and_data_set_must_fit(pictures: Dataset, tiny_dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds features, not pixels, and model vgg19 cannot use them"):
        trainer(tiny_dataset)
    with pytest.raises(InputError, match=r"holds pixels, .* and model lstm cannot use them; set model: vgg19"):
        Trainer(configuration({"threads": 1}), pictures)
    others = write_pictures(tmp_path / "d", Preparation(size=SIZE, resize=SIZE), 3)
    with pytest.raises(InputError, match="prepared with resize 32 but the backbone expects 37"):
        trainer(others)


def test_frames_are_drawn_uniformly(pictures: Dataset) -> None:
    sampler = SequenceSampler(pictures, "training", sequences=64, length=1, seed=0)
    drawn = np.concatenate([sampler.batch(number).labels.ravel() for number in range(100)])
    truth = np.concatenate([pictures.frame_labels(name) for name in pictures.recordings("training")])
    shares = np.bincount(drawn) / len(drawn)
    np.testing.assert_allclose(shares, np.bincount(truth) / len(truth), atol=0.025)


def test_it_is_a_trial_of_a_study(pictures: Dataset, tmp_path: Path) -> None:
    settings = {**SETTINGS, "iterations": 4, "evaluate_every": 2, "seed": 1}
    job = Job("t", "confirm", str(pictures.path), settings, str(tmp_path / "t"), "mAP/iou_0.50")
    trial = Trial(job, pictures)
    assert not trial.step().done
    trial = Trial(job, pictures)
    trial.step()
    report = trial.step()
    assert report.done
    assert "mAP" in report.results["test"].to_json()
    assert (outputs(tmp_path / "t") / "detections.parquet").is_file()
    assert load_backbone("shufflenet_v2_x0_5", str(tmp_path / "t"), layer="pooled").width == 1024
