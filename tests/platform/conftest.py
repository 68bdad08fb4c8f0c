"""What the tests of the platform share."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """An MLflow database without runs: making one takes seconds, copying one does not."""
    store = tmp_path_factory.mktemp("store") / "mlflow.db"
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{store}").search_experiments()
    return store


@pytest.fixture
def output(tmp_path, empty_store) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder
