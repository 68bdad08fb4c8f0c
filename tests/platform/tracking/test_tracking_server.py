"""A real `mlflow server`: down at the start, killed in the middle, away at the end, slow, wrong; nothing is lost or doubled."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from tracked_runs import history, runs, small_study
from tracking_servers import Proxy, Server, free_port
from typer.testing import CliRunner

from crescendo.platform.cli import app
from crescendo.platform.tracking import sender
from crescendo.platform.tracking.mlflow_store import STUDY
from crescendo.platform.tracking.sender import Backlog
from crescendo.platform.tracking.tracker import Tracker


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a store that failed again soon, however often it has."""
    monkeypatch.setattr(sender, "_LONGEST_PAUSE", 0.5)


@pytest.fixture(scope="module")
def stopped_server(tmp_path_factory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


@pytest.fixture
def server(stopped_server) -> Server:
    stopped_server.start()
    return stopped_server


@pytest.fixture
def proxy(server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def until(condition: Callable[[], Any], seconds: float = 300) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.05)


def assert_whole(uri: str, experiment: str, trials: int = 2, steps: int = 3) -> None:
    found = runs(uri, experiment)
    assert found.keys() == {STUDY, *(f"t{number}" for number in range(trials))}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    points = history(uri, experiment)
    assert {step_list(points[f"t{number}", "loss"]) for number in range(trials)} == {tuple(range(steps))}


def step_list(points: list[tuple[int, int, float]]) -> tuple[int, ...]:
    return tuple(step for step, _, _ in points)


def test_down_at_the_start_and_killed_in_the_middle(stopped_server, tmp_path):
    server = stopped_server
    tracker = Tracker(tmp_path, "killed", server.uri)
    tracker.start_study("study", {}, {})
    tracker.start_trial("t0", "trial 0", {}, {"lambda_r": 0})
    until(lambda: tracker.backlog().error)
    server.start()
    for step in range(3):
        tracker.report("t0", {"loss": step / 10}, step)
    until(lambda: tracker.backlog().waiting == 0)
    server.kill()
    tracker.finish("t0")
    tracker.start_trial("t1", "trial 1", {}, {"lambda_r": 1})
    for step in range(3):
        tracker.report("t1", {"loss": step / 10}, step)
    until(lambda: tracker.backlog().error)
    server.start()
    tracker.finish("t1")
    tracker.finish(STUDY)
    until(lambda: tracker.backlog().waiting == 0)
    assert tracker.close() == Backlog(0, 0, None)
    assert_whole(server.uri, "killed")


def test_away_at_the_end_and_told_later(proxy, server, tmp_path):
    tracker = Tracker(tmp_path, "later", proxy.uri)
    small_study(tracker)
    until(lambda: tracker.backlog().waiting < 6)
    proxy.fault = lambda path: "error"
    tracker.start_trial("t2", "trial 2", {}, {})
    for step in range(3):
        tracker.report("t2", {"loss": step / 10}, step)
    tracker.finish("t2")
    tracker.finish(STUDY)
    began = time.monotonic()
    left = tracker.close(500)
    assert time.monotonic() - began < 400, "it waited as long as it may, though the store only fails"
    assert left.waiting >= 6
    assert "500" in (left.error or "")
    refused = CliRunner().invoke(app, ["sync", str(tmp_path), "--patience", "5"])
    assert "nothing is lost, run the command again" in str(refused.exception)
    proxy.fault = lambda path: None
    sent = CliRunner().invoke(app, ["sync", str(tmp_path)])
    assert sent.exit_code == 0, sent.output
    assert sent.output == f"{proxy.uri}: {left.waiting} records sent, 0 wait\n"
    assert_whole(server.uri, "later", trials=3)


def test_at_most_one_request_a_report(server, proxy, tmp_path):
    with Tracker(tmp_path, "requests", proxy.uri) as tracker:
        tracker.start_study("study", {"a": "b"}, {"c": 1})
        tracker.start_trial("t0", "trial", {"a": "b"}, {"c": 1})
        until(lambda: tracker.backlog().waiting == 0)
        before = len(proxy.requests)
        for step in range(10):
            tracker.report("t0", {f"validation/mAP/iou_{threshold}": 0.5 for threshold in range(12)}, step)
        until(lambda: tracker.backlog().waiting == 0)
        told = proxy.requests[before:]
        assert set(told) == {"/api/2.0/mlflow/runs/log-batch"}
        assert len(told) <= 10


def test_errors_and_lost_answers_and_slow_ones(server, proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    faults: dict[int, str | float] = {0: "error", 4: "cut", 6: "error", 9: "cut", 11: 2.0, 14: "cut", 17: "error"}
    proxy.fault = lambda path: faults.get(len(proxy.requests) - 1)
    with Tracker(tmp_path, "faults", proxy.uri) as tracker:
        small_study(tracker)
        until(lambda: tracker.backlog().waiting == 0)
    assert len(proxy.requests) > max(faults)
    assert_whole(server.uri, "faults")


@pytest.mark.parametrize("fault", ["cut", 2.0])
def test_run_whose_creation_was_never_answered_is_not_made_twice(server, proxy, tmp_path, monkeypatch, fault):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    created: list[str] = []

    def once(path: str) -> str | float | None:
        if path.endswith("runs/create"):
            created.append(path)
            return fault if len(created) % 2 else None
        return None

    proxy.fault = once
    experiment = f"unanswered {fault}"
    with Tracker(tmp_path, experiment, proxy.uri) as tracker:
        small_study(tracker)
        until(lambda: tracker.backlog().waiting == 0)
    assert_whole(server.uri, experiment)


def test_study_is_sent_whole_to_a_second_store(server, tmp_path, empty_store):
    with Tracker(tmp_path / "study", "second", server.uri) as tracker:
        small_study(tracker)
    second = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'second.db')}"
    sent = CliRunner().invoke(app, ["sync", str(tmp_path / "study"), "--tracking-uri", second])
    assert sent.exit_code == 0, sent.output
    assert_whole(second, "second")
    assert history(second, "second") == history(server.uri, "second")


def test_artifacts_go_through_the_server(server, tmp_path):
    (tmp_path / "study" / "run").mkdir(parents=True)
    (tmp_path / "study" / "run" / "metrics.json").write_text("{}")
    with Tracker(tmp_path / "study", "artifacts", server.uri) as tracker:
        tracker.start_study("study", {}, {})
        tracker.artifacts(STUDY, tmp_path / "study" / "run", "confirm")
    client = MlflowClient(server.uri)
    run = runs(server.uri, "artifacts")[STUDY]
    assert [one.path for one in client.list_artifacts(run.info.run_id, "confirm")] == ["confirm/metrics.json"]


def test_user_interface_on_the_local_store(output):
    with Tracker(output, "shown") as tracker:
        small_study(tracker, trials=1)
    port = free_port()
    command = [Path(sys.executable).parent / "crescendo", "ui", output, "--port", str(port)]
    window = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert window.stdout is not None
        line = window.stdout.readline()
        assert f"http://127.0.0.1:{port}/#/experiments/" in line
        until(lambda: answers(f"http://127.0.0.1:{port}/health"))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as page:
            assert b"MLflow" in page.read()
        assert runs(f"http://127.0.0.1:{port}", "shown").keys() == {STUDY, "t0"}
        busy = subprocess.run(command, capture_output=True, text=True, check=False)
        assert busy.returncode == 2
        assert "choose another one" in busy.stderr
    finally:
        window.send_signal(signal.SIGINT)
        _, errors = window.communicate(timeout=200)
    assert window.returncode == 0
    assert "Traceback" not in errors
    assert not answers(f"http://127.0.0.1:{port}/health")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGTERM, 0, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, -signal.SIGHUP, marks=pytest.mark.slow),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
    ids=["SIGTERM", "SIGHUP", "SIGKILL"],
)
def test_however_the_user_interface_ends_its_server_does(output, number, code):
    with Tracker(output, "shown") as tracker:
        small_study(tracker, trials=1)
    port = free_port()
    command = [Path(sys.executable).parent / "crescendo", "ui", output, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as window:
        line = window.stdout.readline()
        assert f"http://127.0.0.1:{port}/" in line, window.stderr.read()
        window.send_signal(number)
        # The server has the same standard error: it is at its end when the last of its processes is.
        _, errors = window.communicate(timeout=200)
    assert window.returncode == code
    assert "Traceback" not in errors
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def test_user_interface_says_where_runs_are_that_it_cannot_show(tmp_path):
    tracker = Tracker(tmp_path, "elsewhere", "http://127.0.0.1:9")
    tracker.close(0)
    shown = CliRunner().invoke(app, ["ui", str(tmp_path)])
    assert "its runs are at http://127.0.0.1:9" in str(shown.exception)
    missing = CliRunner().invoke(app, ["sync", str(tmp_path / "nothing")])
    assert "no study was tracked here" in str(missing.exception)
    assert not (tmp_path / "nothing").exists()
    assert os.environ.get("MLFLOW_TRACKING_URI") is None
