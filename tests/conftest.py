"""What every test may ask for."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, Facts, write_dataset


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is not named."""
    folder = os.environ.get("CRESCENDO_TEST_DATA")
    if not folder:
        pytest.skip("CRESCENDO_TEST_DATA is not set: it names the folder of real data sets")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A data set that trains in a second: 3 activities, 6 features, 4 recordings a subset, one of them very short."""
    random = np.random.default_rng(0)
    fps, labels = 5.0, ("jump", "run", "walk")
    centres = random.normal(size=(len(labels) + 1, 6)) * 2
    recordings, matrices = {}, []
    for number in range(12):
        frames = 17 if number % 4 == 3 else int(random.integers(60, 90))
        target = np.repeat(random.permutation([0, 1, 0, 2, 0, 3]), frames // 6 + 1)[:frames]
        changes = [0, *(np.flatnonzero(np.diff(target)) + 1).tolist(), frames]
        segments = tuple(
            Segment(labels[target[first] - 1], first / fps, last / fps)
            for first, last in itertools.pairwise(changes)
            if target[first]
        )
        subset = ("training", "validation", "test")[number // 4]
        recordings[f"recording {number}"] = Recording(subset, frames / fps, segments)
        matrices.append((centres[target] + random.normal(size=(frames, 6)) * 1.5).astype(np.float32))
    return write_dataset(
        tmp_path_factory.mktemp("tiny") / "data",
        Facts("tiny", fps, "six numbers", "made for the tests", "MIT"),
        Annotations(recordings),
        frames={name: len(matrix) for name, matrix in zip(recordings, matrices, strict=True)},
        features=matrices,
        feature_dim=6,
    )
