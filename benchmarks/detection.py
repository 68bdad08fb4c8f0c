"""Frame scores of many recordings at once against PyTorch's LSTM frame by frame (target: at least 10 times as fast).

    .venv/bin/python benchmarks/detection.py [--json FILE]

50 recordings of 2,000 frames at HAPT's shape, read from a prepared data set, with the reset after background frames that
keeps a recording from being one call of nn.LSTM. The loop goes through one recording after another and calls nn.LSTM and
the linear layer on each frame. That both give the same scores is checked. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from training import SHAPES, random_dataset, settings
from yardstick import Row, compare, run_script

from crescendo.trainables.config import Reset, configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.inference.scoring import score_recordings
from crescendo.trainables.models.lstm import LSTMDetector

SHAPE = replace(SHAPES["hapt"], recordings=50, frames=2000)
RESETS: tuple[Reset, ...] = ("memory", "state")


@torch.no_grad()
def frame_by_frame(model: LSTMDetector, dataset: Dataset, reset: Reset) -> dict[str, np.ndarray]:
    """Return what `score_recordings` returns, from one call of nn.LSTM a frame."""
    scores = {}
    for name in dataset.recordings("test"):
        inputs = model.embed(torch.from_numpy(np.array(dataset.features(name), np.float32)).to(model.mean.device))
        state: tuple[Tensor, Tensor] | None = None
        logits = []
        for frame in inputs.split(1):
            output, (hidden, cell) = model.lstm(frame[None], state)
            logits.append(model.linear(output[0]))
            if logits[-1].argmax() == 0:
                cell = torch.zeros_like(cell)
                hidden = torch.zeros_like(hidden) if reset == "state" else hidden
            state = (hidden, cell)
        scores[name] = torch.cat(logits).softmax(-1).cpu().numpy()
    return scores


def restless_model(device: str = "cpu") -> LSTMDetector:
    """Return a model of random weights in whose scores background comes and goes."""
    torch.manual_seed(0)
    model = LSTMDetector(SHAPE.features, SHAPE.labels, configuration(settings(SHAPE))).to(device).eval()
    with torch.no_grad():
        model.linear.weight *= 6
        nn.init.zeros_(model.linear.bias)
        model.linear.bias[0] = 1.0
    return model


def measure(device: str = "cpu", at_least: float | None = 10, prefix: str = "") -> list[Row]:
    """Return one row for each reset."""
    rows = []
    model = restless_model(device)
    with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
        dataset = random_dataset(Path(scratch) / "data", SHAPE, "test")
        names = dataset.recordings("test")
        for reset in RESETS:
            found = {}

            def ours(reset=reset, found=found) -> None:
                found["ours"] = score_recordings(model, dataset, names, reset)

            def loop(reset=reset, found=found) -> None:
                found["loop"] = frame_by_frame(model, dataset, reset)

            label = f"{prefix}offline detection, times faster than a frame-by-frame loop, reset={reset}"
            rows.append(compare(label, ours, loop, at_least=at_least, warm_up=0))
            background = np.mean([one.argmax(axis=1) == 0 for one in found["loop"].values()])
            if not 0.05 < background < 0.95:
                raise AssertionError(f"{background:.0%} of the frames are background: nothing to reset, or all")
            for name in names:
                np.testing.assert_allclose(found["ours"][name], found["loop"][name], rtol=0, atol=1e-3)
    return rows


if __name__ == "__main__":
    run_script(__doc__, measure)
