"""Runs the server that its arguments name, until that ends or standard input does: `python -m ...server_guard COMMAND`.

Whoever starts it holds the other end of standard input, which closes however that process ends, SIGKILL included.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

_PATIENCE = 10.0  # seconds that the server has to end by itself


def main() -> None:
    """Run the server; exit with its code, when all of its processes have ended."""
    # In a session of its own, the server and its workers can be ended together.
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - ours
    threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
    code = server.wait()
    _signal(server, signal.SIGKILL)
    sys.exit(code)


def _end_with_input(server: subprocess.Popen[bytes]) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    _signal(server, signal.SIGTERM)
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        _signal(server, signal.SIGKILL)


def _signal(server: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, number)


if __name__ == "__main__":
    main()
