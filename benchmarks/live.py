"""What a live frame costs: its slowest hundredth against the time between frames, and against a bare nn.LSTM.

    python benchmarks/live.py [--json FILE]

84 features, hidden 128, 13 labels, 6.25 frames a second: HAPT's shape, on one core.
"""

from __future__ import annotations

import os
import statistics
import time

import numpy as np
import torch
from yardstick import Row, compare, run_script

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.detector import Detector
from crescendo.trainables.detector.folder import checked_metadata
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.lstm import LSTMDetector

LABELS, FEATURES, HIDDEN, FPS = 13, 84, 128, 6.25
FRAMES, ROUNDS = 3000, 7


def live_detector(seed: int = 0) -> Detector:
    """A detector of HAPT's shape whose activities come and go: random weights, made large."""
    torch.manual_seed(seed)
    model = build_model(FEATURES, LABELS, TrainingConfig(hidden_size=HIDDEN)).eval().requires_grad_(False)
    assert isinstance(model, LSTMDetector)
    model.linear.weight *= 6
    model.linear.bias[0] += 1
    activities = [f"activity {number}" for number in range(1, LABELS)]
    content = {
        "labels": ["background", *activities],
        "fps": FPS,
        "features": {"dimension": FEATURES, "description": "random"},
        "architecture": {"model": "lstm", "hidden_size": HIDDEN, "layers": 1, "fc7_size": 0},
        "reset": "memory",
        "merge_gap": 20,
        "alarms": {"1/h": dict.fromkeys(activities, 0.5)},
    }
    return Detector(checked_metadata(content, "benchmark"), model)


def features(frames: int, seed: int = 0) -> np.ndarray:
    """Features that stay alike for some seconds, as those of activities do, (frames, FEATURES) float32."""
    random = np.random.default_rng(seed)
    slow = np.repeat(random.normal(size=(frames // 30 + 1, FEATURES)), 30, axis=0)[:frames]
    return (slow + 0.3 * random.normal(size=(frames, FEATURES))).astype(np.float32)


def slowest_hundredth(detector: Detector, frames: np.ndarray) -> Row:
    """Hold the 99th percentile of one frame, everything from features to events, to 1/50 of the time between frames."""
    percentiles = []
    for _ in range(ROUNDS):
        stream, seconds = detector.stream(alarm="1/h"), []
        for row in frames:
            begin = time.perf_counter()
            stream.push(row)
            seconds.append(time.perf_counter() - begin)
        percentiles.append(float(np.percentile(seconds, 99)))
    found = statistics.median(percentiles)
    ratio, target = found * FPS, 1 / 50
    name = f"live: p99 of one frame over the time between frames ({1000 / FPS:g} ms)"
    return Row(name, ratio, f"at most {target:g}", ratio <= target, found, 1 / FPS, ROUNDS)


def against_a_bare_lstm(detector: Detector, frames: np.ndarray) -> Row:
    """Compare the stream with nn.LSTM, linear layer and softmax called frame by frame, without reset or decoding."""
    model = detector.model
    assert isinstance(model, LSTMDetector)

    def stream() -> None:
        running = detector.stream(alarm="1/h")
        for row in frames:
            running.push(row)

    @torch.inference_mode()
    def bare() -> None:
        state = None
        for row in frames:
            output, state = model.lstm(model.embed(torch.from_numpy(row))[None, None], state)
            model.linear(output)[0, 0].softmax(-1).numpy()

    return compare("live: stream over a bare nn.LSTM frame by frame", stream, bare, at_most=1.25, repeats=ROUNDS)


def measure() -> list[Row]:
    """Return both rows, measured on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    ours, given = live_detector(), features(FRAMES)
    return [slowest_hundredth(ours, given), against_a_bare_lstm(ours, given)]


if __name__ == "__main__":
    run_script(__doc__, measure)
