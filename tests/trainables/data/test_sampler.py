"""The sampler against a literal one, frame by frame."""

import itertools

import numpy as np
import pytest

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.data.sampler import SequenceSampler

LENGTHS = {"long": 90, "short": 7, "just": 20}


def literal_batch(dataset, sequences, length, seed, iteration):
    """Draw recordings in proportion to their frames and places uniformly, 64 batches at once; then copy frame by frame."""
    random = np.random.default_rng([seed, iteration // 64])
    names = dataset.recordings("training")
    every = [name for name in names for _ in range(dataset.frames(name))]
    drawn = [[every[int(draw * len(every))] for draw in row] for row in random.random((64, sequences))]
    room = [[max(dataset.frames(name) - length, 0) for name in row] for row in drawn]
    chosen, starts = drawn[iteration % 64], random.integers(0, room, endpoint=True)[iteration % 64]
    features = np.zeros((sequences, length, dataset.feature_dim), dataset.store.dtype)
    labels, valid = np.zeros((sequences, length), np.int64), np.zeros((sequences, length), bool)
    for row, frame in itertools.product(range(sequences), range(length)):
        place = starts[row] + frame
        if place < dataset.frames(chosen[row]):
            features[row, frame] = dataset.features(chosen[row])[place]
            labels[row, frame] = dataset.frame_labels(chosen[row])[place]
            valid[row, frame] = True
    return features, labels, valid, tuple(chosen)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("length", [5, 20, 30])
def test_batches_are_those_of_the_literal_sampler(tmp_path, dtype, length):
    random = np.random.default_rng(0)
    recordings = {
        name: Recording("training", float(frames), (Segment("walk", 2.0, 5.0),)) for name, frames in LENGTHS.items()
    }
    dataset = write_dataset(
        tmp_path / "data",
        DatasetMetadata("random", 1.0, "random", "made for the tests", "MIT"),
        Annotations(recordings),
        frames=LENGTHS,
        features=(random.normal(size=(frames, 6)).astype(dtype) for frames in LENGTHS.values()),
        feature_dim=6,
        dtype=dtype,
    )
    sampler = SequenceSampler(dataset, "training", sequences=16, length=length, seed=4)
    for iteration in (0, 1, 63, 64, 130, 2):
        batch = sampler.batch(iteration)
        features, labels, valid, names = literal_batch(dataset, 16, length, 4, iteration)
        assert batch.recordings == names
        for found, expected in ((batch.features, features), (batch.labels, labels), (batch.valid, valid)):
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


def test_the_first_frame_of_a_recording_counts_as_the_protocol_says(tmp_path):
    """A frame has n / (L (n - L + 1)) of the mean weight (protocol section 2)."""
    frames, length = {"long": 90, "other": 300}, 20
    dataset = write_dataset(
        tmp_path / "data",
        DatasetMetadata("random", 1.0, "random", "made for the tests", "MIT"),
        Annotations(
            {name: Recording("training", float(n), (Segment("walk", 2.0, 5.0),)) for name, n in frames.items()}
        ),
        frames=frames,
        features=(np.zeros((n, 1), "float32") for n in frames.values()),
        feature_dim=1,
        dtype="float32",
    )
    sampler = SequenceSampler(dataset, "training", sequences=64, length=length, seed=0)
    drawn = np.concatenate([np.stack(sampler.windows(block), -1).reshape(-1, 2) for block in range(60)])
    held = np.zeros(sum(frames.values()))
    for first, last in drawn:
        held[first:last] += 1
    for first, n in ((0, 90), (90, 300)):
        assert held[first] / held.mean() == pytest.approx(n / (length * (n - length + 1)), rel=0.1)
        assert held[first + length : first + n - length].mean() > held.mean()
