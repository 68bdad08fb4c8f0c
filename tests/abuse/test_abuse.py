"""Every command with bad input, in one process: one line that says what to mend, exit code 2, and nothing half-written."""

import hashlib
import io
import os
import re
import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from abuse_cases import CASES, Case

from crescendo.platform.cli import main

ROOT = Path(__file__).parents[2]


def tree(folder: Path) -> dict[str, str]:
    """Everything below `folder`: path -> what it is and holds. Files that are locked stay, as the systems' own do."""
    found = {}
    for path in folder.rglob("*"):
        if path.name in ("lock", ".lock", "sweep.lock"):
            continue
        if path.is_symlink():
            content = f"link to {path.readlink()}"
        elif path.is_dir():
            content = "folder"
        elif path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest() if os.access(path, os.R_OK) else "locked"
        else:
            content = "special"
        found[str(path.relative_to(folder))] = content
    return found


def write(folder: Path, case: Case) -> None:
    for name, content in case.written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def largest_file(limit: int | None) -> Iterator[None]:
    """Let no file of this process grow beyond `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if limit is None else limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class _Stdin(io.TextIOWrapper):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BufferedReader(io.BytesIO(content)))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if case.ordinary and os.geteuid() == 0:
        pytest.skip("an administrator may read and write everything")
    write(tmp_path, case)
    before = tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["crescendo", *shlex.split(case.line)])
    monkeypatch.setattr(sys, "stdin", _Stdin(case.stdin))

    with pytest.raises(SystemExit) as ended, largest_file(case.disk):
        main()

    said = capsys.readouterr()
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert (ended.value.code, said.out) == (2, ""), said
    assert "Traceback" not in said.err
    assert errors == said.err.splitlines()[-len(errors) :], said.err
    assert case.lines in (None, len(errors)), said.err
    assert re.search(case.says, said.err), said.err
    assert all(len(line) < 1000 for line in errors), said.err
    assert {name: what for name, what in tree(tmp_path).items() if name not in case.leaves} == before


def test_rows_have_names_of_their_own() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["-c", "from crescendo.platform.cli import main; main()", "data", "describe", "pipe"], "no dataset.json"),
        (["-c", "from crescendo.platform.commands.report import main; main()", "nothing"], "no such folder"),
        ([str(ROOT / "platform" / "sweep.py"), "pipe"], "pipe: must be a file"),
    ],
)
def test_bad_input_of_a_process_of_its_own(command: list[str], says: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert says in line
