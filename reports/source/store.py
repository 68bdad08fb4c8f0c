"""MLflow's client as Crescendo talks to it."""

from __future__ import annotations

import glob
import logging
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from crescendo.reports.source.store_address import ARTIFACT_FOLDER, sqlite_file
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.addresses import hidden, shown_address
from crescendo.trainables.storage.files import atomic_file, cache_folder

QUIET = {  # MLflow answers soon or not at all, and tells nobody; the user's own settings win
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def mlflow_client(uri: str) -> Any:
    """Return a client for the store at `uri`; nothing is asked of a server yet, a local store is made.

    Raises
    ------
    InputError
        If it is no store that MLflow can use here: an address of a wrong form, a database without its driver, a damaged file.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    # Only now that its environment is set; it takes seconds, too, and an address can be checked without it.
    from mlflow import MlflowClient

    for chatty in ("mlflow", "alembic"):  # after the import, which sets these levels itself
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("mlflow.exceptions").setLevel(logging.ERROR)  # of answers that are none of MLflow's, which we say
    try:
        _make_store(uri)
        return MlflowClient(tracking_uri=uri)
    except InputError:
        raise
    except Exception as error:  # of MLflow, SQLAlchemy and the drivers of databases, which have no common exception
        reason = hidden(" ".join(str(error).split()), uri)[:200] or type(error).__name__
        raise InputError(f"{shown_address(uri)}: MLflow cannot use this store ({reason})") from error


class StoreReader:
    """MLflow's client of the store at `uri` for those who read `what`, with the same methods.

    What a store cannot do, or answers in a form that is not MLflow's, is one line that names `what`.

    Raises
    ------
    InputError
        In place of everything that a method raises.
    """

    def __init__(self, uri: str, what: str) -> None:
        self._uri, self._what, self._client = uri, what, mlflow_client(uri)

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any, **options: Any) -> Any:
            try:
                return getattr(self._client, name)(*arguments, **options)
            except Exception as error:  # as above, and of protobuf
                raise InputError(
                    f"{self._what}: cannot be read from {shown_address(self._uri)} ({first_line(error, self._uri)})"
                ) from error

        return ask


def first_line(error: Exception, uri: str) -> str:
    """Return the first line of an error, without the secrets of `uri`."""
    lines = hidden(str(error), uri).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _make_store(uri: str) -> None:
    """Make an SQLite store that is not there yet, whole or not at all.

    MLflow makes its tables in many steps; a kill between two of them would leave a file that it can neither use nor mend
    (`benchmarks/kill_soak.py` met it).
    """
    file = sqlite_file(uri)
    if file is None or file.exists():
        return
    _remove_partial(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial-{os.getpid()}")
    try:
        _fill_store(partial)
        partial.rename(file)
    except BaseException:
        _remove_partial(file)
        raise


def _remove_partial(file: Path) -> None:
    for left in file.parent.glob(f".{glob.escape(file.name)}.partial-*"):
        left.unlink(missing_ok=True)


def _fill_store(file: Path) -> None:
    """Make an empty store, or copy the one made before: MLflow's migrations take a second of a processor each time."""
    # As above.
    from mlflow import MlflowClient, __version__

    empty = cache_folder() / f"mlflow-{__version__}.db"
    if empty.is_file():
        shutil.copyfile(empty, file)
        # The one row there is says where the other store was made.
        with closing(sqlite3.connect(file)) as store, store:
            place = str(file.parent / ARTIFACT_FOLDER / "0")
            store.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (place,))
        return
    MlflowClient(tracking_uri=f"sqlite:///{file}").search_experiments(max_results=1)
    with suppress(OSError, InputError):  # a home that cannot be written costs a second each time, no more
        empty.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(empty) as partial:
            shutil.copyfile(file, partial)
