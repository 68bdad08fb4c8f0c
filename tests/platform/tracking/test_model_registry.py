"""Detectors as MLflow models: loaded, registered, and served on loopback."""

import functools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from finished_runs import command, training
from tracking_servers import free_port

from crescendo.reports.source.store import QUIET
from crescendo.reports.source.store_address import local_store
from crescendo.trainables.detector.trained import read_trained


@pytest.fixture(scope="module")
def training_of(tiny_dataset, tmp_path_factory):
    """Model -> the folder of a training of it."""
    return functools.cache(lambda model: training(tiny_dataset, tmp_path_factory.mktemp("mlflow") / "run", model=model))


@pytest.fixture(scope="module")
def export_of(training_of, tmp_path_factory):
    """Model -> an MLflow model of its training, moved after it was written."""

    def export(model):
        folder = tmp_path_factory.mktemp("mlflow")
        done = command("export", training_of(model), folder / "written", "--format", "mlflow")
        assert done.exit_code == 0, done.output
        shutil.move(folder / "written", folder / "moved")
        return folder / "moved"

    return functools.cache(export)


@pytest.fixture(scope="module")
def run(training_of):
    return training_of("lstm")


@pytest.fixture(scope="module")
def exported(export_of):
    return export_of("lstm")


@pytest.fixture(scope="module")
def recording(tiny_dataset):
    name = max(tiny_dataset.recordings("test"), key=tiny_dataset.frames)
    return np.array(tiny_dataset.features(name))


def rows(detections):
    return [one._asdict() for one in detections]


@pytest.mark.parametrize("model", ["lstm", "gru"])
def test_it_loads_without_a_pickle_and_detects_the_same(training_of, export_of, recording, model):
    import mlflow

    exported = export_of(model)
    assert not [path for path in exported.rglob("*") if path.suffix in (".pkl", ".pickle", ".pt", ".pth", ".bin")]
    assert sorted(path.name for path in (exported / "artifacts" / "detector").iterdir()) == [
        "detector.json",
        "model.safetensors",
    ]
    loaded = mlflow.pyfunc.load_model(str(exported))
    expected = rows(read_trained(training_of(model)).detect(recording))
    assert loaded.predict(recording).to_dict("records") == expected != []
    recording = recording.copy()
    recording[7] = np.nan
    with pytest.raises(mlflow.exceptions.MlflowException, match="frame 7: holds nan as feature 0"):
        loaded.predict(recording)
    with pytest.raises(mlflow.exceptions.MlflowException, match="shape"):
        loaded.predict(recording[:, :3])


def test_a_tampered_model_folder_in_it_is_refused(exported, tmp_path):
    import mlflow

    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    (copy / "artifacts" / "detector" / "model.safetensors").write_bytes(b"\x80\x04N.")
    with pytest.raises(Exception, match="not a complete safetensors file"):
        mlflow.pyfunc.load_model(str(copy))


def test_it_is_registered_and_loaded_by_its_name(run, output, recording, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)  # where MLflow keeps artifacts of a bare SQLite store
    store = local_store(output)
    done = command("export", run, tmp_path / "model", "--tracking-uri", store, "--register", "steps")
    assert done.exit_code == 0, done.output
    assert "registered as models:/steps/1" in done.output
    again = command("export", tmp_path / "model", tmp_path / "other", "--tracking-uri", store, "--register", "steps")
    assert "registered as models:/steps/2" in again.output
    assert os.environ.get("MLFLOW_TRACKING_URI") is None  # what runs after it goes where it went before
    mlflow.set_tracking_uri(store)
    try:
        loaded = mlflow.pyfunc.load_model("models:/steps/2")
    finally:
        mlflow.set_tracking_uri(None)
    assert loaded.predict(recording).to_dict("records") == rows(read_trained(run).detect(recording))


def test_nothing_is_written_where_a_store_wants_it_among_files_of_somebody_else(run, empty_store, tmp_path):
    store, elsewhere = tmp_path / "mlflow.db", tmp_path / "elsewhere"
    shutil.copy(empty_store, store)
    elsewhere.mkdir()
    there = ("--tracking-uri", f"sqlite:///{store}", "--register", "steps")
    with closing(sqlite3.connect(store)) as connection, connection:
        change = f"UPDATE logged_models SET artifact_location = '{elsewhere.as_uri()}' WHERE model_id = NEW.model_id"
        connection.execute(f"CREATE TRIGGER lie AFTER INSERT ON logged_models BEGIN {change}; END")
    done = command("export", run, tmp_path / "model", *there)
    assert "no folder of its own" in str(done.exception)
    assert (list(elsewhere.iterdir()), (tmp_path / "model").exists()) == ([], False)


@pytest.mark.slow
def test_it_is_served_on_loopback(run, exported, recording):
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(exported), "--port", str(port)]
    # MLflow calls its server by name, as in an activated environment.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--env-manager", "local", "--workers", "1"],
        env={**os.environ, **QUIET, "OMP_NUM_THREADS": "1", "PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process)
        status, answer = post(port, {"inputs": recording.tolist()})
        assert status == 200
        assert answer["predictions"] == rows(read_trained(run).detect(recording))
        broken = recording.tolist()
        broken[3][0] = float("nan")
        status, answer = post(port, {"inputs": broken})
        assert status == 400
        assert "frame 3: holds nan as feature 0" in json.dumps(answer)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(address: str, process) -> None:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        assert process.poll() is None
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(address)


def post(port: int, content):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
