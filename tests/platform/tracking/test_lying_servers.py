"""Servers that are no MLflow, or lie: they answer anything, and nothing is lost, believed, or written elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crescendo.platform.tracking.model_registry import read_run_model
from crescendo.platform.tracking.tracker import Tracker
from crescendo.reports.source.store_address import remembered
from crescendo.trainables.errors import InputError

ANSWERS = {
    "an empty yes": (200, b"{}"),
    "nothing": (200, b""),
    "a list": (200, b"[]"),
    "a page": (200, b"<html><body>Welcome</body></html>"),
    "an experiment without an id": (200, b'{"experiment": {"name": "quick"}, "experiments": []}'),
    "a run that is a number": (200, b'{"experiment": {"experiment_id": "1"}, "run": 5, "runs": 5}'),
    "a no without a reason": (403, b""),
    "an error that is no JSON": (500, b"\xff\xfe"),
}


@contextmanager
def answering(status: int, body: bytes, asked: list[str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_DELETE = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_is_none_takes_nothing_from_a_study(tmp_path, answer):
    asked: list[str] = []
    with answering(*ANSWERS[answer], asked) as uri:
        tracker = Tracker(tmp_path, "quick", uri)
        tracker.start_study("quick", {}, {})
        left = tracker.close(60.0)  # less where it fails
    assert asked
    assert (left.waiting, left.refused) == (1, 0)  # the run that begins
    assert left.error
    assert not remembered(tmp_path)["worked"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_model_is_read_from_a_server_that_is_none(answer):
    asked: list[str] = []
    with answering(*ANSWERS[answer], asked) as uri, pytest.raises(InputError) as fault:
        read_run_model("a" * 32, uri)
    assert asked
    assert len(str(fault.value).splitlines()) == 1
