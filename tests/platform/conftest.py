"""What the tests of the platform share."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crescendo.platform.cli import main


@pytest.fixture
def output(tmp_path, empty_store) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def crescendo(monkeypatch, capsys) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as typed, from its entry to its exit code, without the seconds that a process of its own imports."""

    def run(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["crescendo", *map(str, words)])
            if folder is not None:
                patch.chdir(folder)
            with pytest.raises(SystemExit) as ended:
                main()
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(words, ended.value.code or 0, printed.out, printed.err)

    return run
