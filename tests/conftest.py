"""What every test may ask for."""

import itertools
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from crescendo.trainables.config import configuration
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.training.train import train_detector

# No test is timed: on a busy machine a deadline fails what is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Let Ctrl-C be heard: what a shell starts in the background, and all that this starts, would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# No address: Ray refuses it at once, in a test and in the commands that a test runs.
_NO_RAY = "a test that starts Ray is marked ray"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files whose tests start Ray first: they take longest, and would be waited for at the end."""
    items.sort(key=lambda item: item.get_closest_marker("ray") is None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let no test but those marked `ray` start it, and none use a cluster of whoever runs the tests."""
    if item.get_closest_marker("ray"):
        os.environ.pop("RAY_ADDRESS", None)
    else:
        os.environ["RAY_ADDRESS"] = _NO_RAY


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is not named."""
    folder = os.environ.get("CRESCENDO_TEST_DATA")
    if not folder:
        pytest.skip("CRESCENDO_TEST_DATA is not set: it names the folder of real data sets")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs: making one takes seconds, copying one does not."""
    store = tmp_path_factory.mktemp("store") / "mlflow.db"
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{store}").search_experiments()
    return store


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
        DatasetMetadata("tiny", fps, "six numbers", "made for the tests", "MIT"),
        Annotations(recordings),
        frames={name: len(matrix) for name, matrix in zip(recordings, matrices, strict=True)},
        features=matrices,
        feature_dim=6,
    )


@pytest.fixture(scope="session")
def tiny_settings() -> dict[str, Any]:
    """Settings with which `tiny_dataset` is trained at once."""
    return {
        "hidden_size": 8, "sequences": 4, "sequence_length": 20, "bptt": 10, "iterations": 20, "evaluate_every": 10,
        "learning_rate": 0.02, "merge_gap": 3, "threads": 1, "device": "cpu",
    }  # fmt: skip


@pytest.fixture(scope="session")
def tiny_run(
    tiny_dataset: Dataset, tiny_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A finished training on it: its folder, not to be changed, and what is in its metrics.json."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    return folder, train_detector(configuration(tiny_settings), tiny_dataset, folder).to_json()
