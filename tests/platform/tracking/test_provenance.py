import subprocess
import sys
from importlib.metadata import version

import pytest

from crescendo.platform.tracking.provenance import git_state, provenance


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "checkout"
    (root / "platform").mkdir(parents=True)
    (root / "platform" / "code.py").write_text("")
    (root / ".gitignore").write_text("environment\n")
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--message", "m"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_commit_and_dirty_flag_of_a_checkout(checkout):
    commit, dirty = git_state(checkout)
    assert len(commit) == 40
    assert dirty == "false"
    (checkout / "notes.txt").write_text("not code")
    assert git_state(checkout) == (commit, "false")
    (checkout / "platform" / "new.py").write_text("")
    assert git_state(checkout) == (commit, "true")


def test_code_installed_inside_somebody_elses_checkout_has_no_commit(checkout):
    (checkout / "environment").mkdir()
    assert git_state(checkout / "environment") == ("unknown", "unknown")


def test_folder_without_git_has_no_commit(tmp_path):
    assert git_state(tmp_path) == ("unknown", "unknown")


def test_tags_name_versions_and_device():
    tags = provenance()
    assert tags["crescendo.version.torch"] == version("torch")
    assert tags["crescendo.version.python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"crescendo.version.ray", "crescendo.version.mlflow", "crescendo.version.optuna"} <= tags.keys()
    assert tags["crescendo.version.crescendo"] == version("crescendo-ablation")
    assert tags["crescendo.device"]
