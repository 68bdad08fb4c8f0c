"""The process beside a sweep that writes its report again and again: `python -m ...report_process FOLDER SECONDS`.

It ends after one last report when its standard input does. The sweep holds the other end, which closes however the sweep
ends, SIGKILL included. What it has to say goes to standard output, a line each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_NICE = 10  # trainings come first


class ReportProcess:
    """Starts the process and ends it; the report is `report/` in `folder`.

    `every` are the seconds between two reports, at least; `tracking_uri` is where the sweep's runs go.
    """

    def __init__(self, folder: Path, every: float, tracking_uri: str | None) -> None:
        self._folder, self._every, self._uri = folder.absolute(), every, tracking_uri
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None

    def begin(self, tell: Callable[[str], None]) -> None:
        """Start it; `tell` is called, in a thread, with every line that it says."""
        # An address may hold a password, which others could read in a command line.
        address = {} if self._uri is None else {"MLFLOW_TRACKING_URI": self._uri}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - fixed arguments
                [sys.executable, "-m", __name__, str(self._folder), str(self._every)],
                env={"PYTHONWARNINGS": "ignore", **os.environ, **address, "PYTHONSAFEPATH": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is for the sweep
            )
        except OSError as error:
            tell(f"no report while the study runs: its process cannot be started ({error.strerror})")
            return
        self._listener = threading.Thread(target=_pass_on, args=(self._process, tell), daemon=True)
        self._listener.start()

    def finish(self) -> None:
        """Ask for the last report."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._listener is None:
            return
        self.finish()
        try:
            self._process.wait()
        except KeyboardInterrupt:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._listener.join()


def _pass_on(process: subprocess.Popen[str], tell: Callable[[str], None]) -> None:
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    with process.stdout:
        for line in process.stdout:
            tell(line.rstrip("\n"))


def main(folder: str, every: str) -> None:
    """Write the report of the study in `folder` until standard input ends, and once more then."""
    # matplotlib and MLflow are for this process alone.
    from crescendo.platform.commands.report_watch import ReportWatch

    os.nice(_NICE)
    ended = threading.Event()
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    # Whoever started the sweep let its own code run.
    watch, faults = (
        ReportWatch([folder], float(every), os.environ.get("MLFLOW_TRACKING_URI"), allow_plugin=True),
        set[str](),
    )
    while True:
        last, begun = ended.is_set(), watch.begun
        try:
            report = watch.look()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is no fault of the sweep's, which goes on
            fault = " ".join(str(error).split()) or type(error).__name__
            # Before MLflow is told of the study there is nothing to report.
            if fault not in faults and (watch.known or last):
                _say(f"the report is not written: {fault}; the study is none the worse for it")
            faults.add(fault)
        else:
            if report is not None and (last or not begun):
                _say(f"report{'' if last else ', written again as trials end'}: {report.page.absolute().as_uri()}")
        if last:
            return
        ended.wait(watch.pause if watch.begun else 1.0)


def _wait_for_end(ended: threading.Event) -> None:
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 1):
            pass
    ended.set()


def _say(line: str) -> None:
    with suppress(OSError):  # the sweep was killed, and nobody listens
        print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
