import torch

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.inference.scoring import score_recordings
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.frame_classifier import FrameClassifier


def test_the_frame_classifier_looks_at_one_frame(tiny_dataset):
    model = build_model(6, 4, TrainingConfig(model="cnn", dropout=0.0))
    assert isinstance(model, FrameClassifier)
    [name, *_] = tiny_dataset.recordings("test")
    scores = score_recordings(model, tiny_dataset, [name], "memory")[name]
    frame = torch.from_numpy(tiny_dataset.features(name).copy())
    with torch.no_grad():
        expected = model.linear(frame).softmax(-1)
    torch.testing.assert_close(torch.from_numpy(scores), expected, rtol=0, atol=1e-6)
