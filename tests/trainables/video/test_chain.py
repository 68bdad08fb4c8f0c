"""Fine-tune, take fc6 with the checkpoint, train the LSTM with its fc7 along, detect, evaluate: all links hold."""

from pathlib import Path

import numpy as np
import torch
from made_pictures import write_pictures

from crescendo.trainables.config import configuration
from crescendo.trainables.config_files import read_settings
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.evaluation.subset_result import subset_result
from crescendo.trainables.inference.decoded_subset import decode_subset
from crescendo.trainables.training import checkpoint_folders, checkpoints
from crescendo.trainables.training.train import train_detector
from crescendo.trainables.training.trainer import Trainer
from crescendo.trainables.video.backbones import Backbone, Preparation, load_backbone

QUICK = {"threads": 1, "device": "cpu", "iterations": 2, "evaluate_every": 2, "merge_gap": 2}


def features(backbone: Backbone, pixels: Dataset, destination: Path) -> Dataset:
    """The data set that extraction makes of the same frames."""
    side, names = backbone.preparation.size, pixels.store.recordings
    with torch.inference_mode():
        matrices = [
            backbone(torch.from_numpy(np.asarray(pixels.features(name))).view(-1, 3, side, side)).numpy()
            for name in names
        ]
    return write_dataset(
        destination,
        DatasetMetadata("fc6", pixels.fps, "fc6 after ReLU", "made for the tests", "MIT"),
        pixels.annotations,
        frames={name: pixels.frames(name) for name in names},
        features=matrices,
        feature_dim=backbone.width,
        dtype="float16",
        fc7=backbone.fc7(),
    )


def test_from_pixels_to_detections(tmp_path: Path) -> None:
    pixels = write_pictures(tmp_path / "pixels", Preparation().at(64), 3)
    tune = {**read_settings("vgg19"), "backbone": "alexnet", "weights": "none", "sequences": 8, **QUICK}
    train_detector(configuration(tune), pixels, tmp_path / "tuned")
    backbone = load_backbone("alexnet", str(tmp_path / "tuned"), layer="fc6")
    fc6 = features(backbone, pixels, tmp_path / "fc6")

    # The network's fc7 lies in the LSTM's model, bit for bit, and gives what the network gives.
    tensors, _ = checkpoints.read_model(checkpoint_folders.found_in(tmp_path / "tuned"))
    detect = {"fc7": "from_checkpoint", "hidden_size": 8, "sequences": 4, "sequence_length": 10, "bptt": 5, **QUICK}
    lstm = Trainer(configuration(detect), fc6)
    assert torch.equal(lstm.model.fc7.weight, tensors["network.classifier.4.weight"])
    assert torch.equal(lstm.model.fc7.bias, tensors["network.classifier.4.bias"])
    frames = torch.from_numpy(np.asarray(pixels.features("recording 0"))).view(-1, 3, 64, 64)
    fc7 = load_backbone("alexnet", str(tmp_path / "tuned"), layer="fc7")(frames)
    stored = torch.from_numpy(np.asarray(fc6.features("recording 0"), dtype=np.float32))
    torch.testing.assert_close(lstm.model.embed(stored), fc7, rtol=0.01, atol=0.002)

    before = lstm.model.fc7.weight.detach().clone()
    lstm.train(2)
    change = (lstm.model.fc7.weight - before).abs().max()
    assert 0 < change < 1e-3
    decoded = decode_subset(fc6, "test", lstm.score("test"), [2])
    result = subset_result(decoded, lstm.score_spans, lstm.config)
    assert set(result.detections()) == set(fc6.recordings("test"))
