"""`crescendo ui` and `crescendo sync`: a study's runs in the browser, and told to a server that was away."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from crescendo.platform.terminal_text import say
from crescendo.platform.tracking.tracker import Tracker
from crescendo.reports.source.store import QUIET, StoreReader
from crescendo.reports.source.store_address import (
    ARTIFACT_FOLDER,
    STORE_FILE,
    check_sqlite,
    local_store,
    remembered_address,
)
from crescendo.search_spaces.record import STUDY_FILE
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

_GUARD = "crescendo.platform.commands.server_guard"
_LONGEST = 1e6  # seconds: a thread can be waited for not much longer
_Output = Annotated[Path | None, typer.Argument(help="A study's output folder. Default: the newest under results/.")]


def ui(
    output: _Output = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 5000,
) -> None:
    """Show a study's runs in MLflow's user interface, on this machine only; Ctrl-C ends it."""
    folder = output or _newest(Path("results"))
    if not (folder / STORE_FILE).is_file():
        raise InputError(f"{folder}: its runs are at {remembered_address(folder) or 'no store yet: start its sweep'}")
    _check_store(folder)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"--port {port}: cannot be used ({error.strerror}); choose another one") from error
    artifacts = (folder.absolute() / ARTIFACT_FOLDER).as_uri()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", local_store(folder), "--artifacts-destination", artifacts]
    # Without PYTHONSAFEPATH a file of the working folder could stand in for a module that the server imports.
    environment = {
        **QUIET,
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
        **os.environ,
    }
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # In a session of its own, Ctrl-C reaches us alone and the server is ended without a word.
    server = subprocess.Popen(  # noqa: S603 - fixed arguments
        [sys.executable, "-m", _GUARD, *command, *store, "--uvicorn-opts", "--log-level warning"],
        env=environment,
        stdin=subprocess.PIPE,  # the server ends when it closes, and so with us, however we end
        stdout=subprocess.DEVNULL,  # what goes wrong is said on the other one
        start_new_session=True,
    )
    try:
        while server.poll() is None and not _listens(port):
            time.sleep(0.2)
        if server.poll() is None:
            say(f"{folder}: http://127.0.0.1:{port}{_runs_table(folder)} (Ctrl-C ends it)")
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        _end(server)
    raise typer.Exit(code)


def sync(
    output: Annotated[Path, typer.Argument(help="A study's output folder.")],
    tracking_uri: Annotated[
        str | None,
        typer.Option(envvar="MLFLOW_TRACKING_URI", help="MLflow server. Default: the one the sweep had."),
    ] = None,
    patience: Annotated[float, typer.Option(help="Give up after so many seconds.", min=0, max=_LONGEST)] = 3600.0,
) -> None:
    """Tell an MLflow server what it has not been told of a study: after it was down, or because it is another one."""
    tracker = Tracker(output, None, tracking_uri or remembered_address(output))
    lost = (
        f"{counted(tracker.damaged, 'record')} in {output / 'tracking'} {agreeing(tracker.damaged, 'is', 'are')} damaged"
        if tracker.damaged
        else ""
    )
    if (output / STUDY_FILE).is_file():
        # Optuna and torch take seconds, and only what a sweep began has a ledger.
        from crescendo.platform.tracking.catching_up import tell_from_ledger

        try:
            tell_from_ledger(output, tracker)
            lost += "; what the ledger knows of them was sent again" if lost else ""
        except InputError as problem:
            say(f"what its ledger knows is not sent: {problem}", err=True)
    left = tracker.close(patience)
    if lost:
        say(lost)
    say(f"{tracker.destination}: {counted(left.sent, 'record')} sent, {counted(left.waiting, 'waits', 'wait')}")
    if left.refused:
        say(
            f"{counted(left.refused, 'was', 'were')} refused: {output / 'tracking' / 'refused.jsonl'} holds them and the reasons"
        )
    if left.waiting:
        raise InputError(f"{tracker.destination}: {left.error or 'too slow'}; nothing is lost, run the command again")


def _newest(results: Path) -> Path:
    stores = sorted(results.glob(f"*/{STORE_FILE}"), key=lambda store: store.stat().st_mtime)
    if not stores:
        raise InputError(f"{results}: holds no study with a local MLflow store; name the output folder of a sweep")
    return stores[-1].parent


def _check_store(folder: Path) -> None:
    """Refuse a store that MLflow's server could not open, which it would say in a traceback: a damaged one, an older one."""
    file = folder / STORE_FILE
    check_sqlite(file)
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as store:
            store.execute("SELECT * FROM experiments LIMIT 1").fetchone()  # MLflow makes the tables that a file lacks
    except sqlite3.Error as error:
        raise InputError(
            f"{file}: is damaged, or no store of runs ({error}); restore it from a copy, or make one anew with "
            "`crescendo sync OUTPUT --tracking-uri sqlite:///NEW.db`"
        ) from None
    StoreReader(local_store(folder), str(folder)).search_experiments(max_results=1)


def _runs_table(folder: Path) -> str:
    """Return the page of the experiment that holds the study's runs; the front page if the store cannot tell."""
    try:
        with sqlite3.connect(f"{(folder / STORE_FILE).absolute().as_uri()}?mode=ro", uri=True) as store:
            row = store.execute(
                "SELECT max(experiment_id) FROM experiments WHERE lifecycle_stage = 'active'"
            ).fetchone()
    except sqlite3.Error:
        return ""
    # Without the last part MLflow may open its page for language models instead.
    return f"/#/experiments/{row[0]}/runs?workflowType=machine_learning" if row and row[0] else ""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.stdin is not None:
        server.stdin.close()
    server.wait()
