"""MLflow's client as Crescendo talks to it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

QUIET = {  # MLflow answers soon or not at all, and tells nobody; the user's own settings win
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def mlflow_client(uri: str) -> Any:
    """Return a client for the store at `uri`; nothing is asked of a server yet, a local store is made."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for chatty in ("mlflow", "alembic"):  # after the import, which sets these levels itself
        logging.getLogger(chatty).setLevel(logging.WARNING)
    _make_store(uri)
    return MlflowClient(tracking_uri=uri)


def _make_store(uri: str) -> None:
    """Make an SQLite store that is not there yet, whole or not at all.

    MLflow makes its tables in many steps; a kill between two of them would leave a file that it can neither use nor mend
    (`benchmarks/kill_soak.py` met it).
    """
    from mlflow import MlflowClient

    file = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or file.exists():
        return
    for left in file.parent.glob(f".{file.name}.partial-*"):
        left.unlink()
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial-{os.getpid()}")
    MlflowClient(tracking_uri=f"sqlite:///{partial}").search_experiments(max_results=1)
    partial.rename(file)
