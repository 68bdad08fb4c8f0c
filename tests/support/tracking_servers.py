"""A real MLflow server that can be killed and started again, and a proxy before it that misbehaves when told to."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from crescendo.reports.source.store import QUIET


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free, below those that a system gives to whoever names none.

    So nobody is given it before a server listens there, or while a server that was killed is away.
    """
    while True:
        port = random.randrange(20_000, 32_768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """`mlflow server` on a free port of 127.0.0.1, its store in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers; nothing is done where it runs already."""
        if self._process is not None:
            return
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        store = ["--backend-store-uri", f"sqlite:///{self.folder}/server.db", "--workers", "1"]
        artifacts = ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *store, *artifacts],
                env={**os.environ, **QUIET},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        give_up = time.monotonic() + 300
        while time.monotonic() < give_up:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                assert self._process.poll() is None, (self.folder / "server.log").read_text()
                time.sleep(0.1)
        raise TimeoutError((self.folder / "server.log").read_text())

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


class Proxy:
    """Passes requests on to `target`, after asking `fault` what to do with each.

    `fault(path)` returns None (pass it on), "error" (answer 500), "cut" (pass it on and close without an answer), or the
    seconds to wait before it is passed on.
    """

    def __init__(self, target: int) -> None:
        self.fault: Callable[[str], str | float | None] = lambda path: None
        self.requests: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                path = self.path.partition("?")[0]
                proxy.requests.append(path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = proxy.fault(path)
                if fault == "error":
                    self._answer(500, b"the stand-in says no", "text/plain")
                    return
                if isinstance(fault, float):
                    time.sleep(fault)
                try:
                    connection = HTTPConnection("127.0.0.1", target, timeout=30)
                    headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
                    connection.request(self.command, self.path, body, headers)
                    answer = connection.getresponse()
                    content = answer.read()
                    connection.close()
                except (OSError, HTTPException):
                    self._answer(502, b"nobody there", "text/plain")
                    return
                if fault == "cut":
                    self.close_connection = True
                    return
                self._answer(answer.status, content, answer.headers.get("Content-Type", "application/json"))

            def _answer(self, status: int, content: bytes, kind: str) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
