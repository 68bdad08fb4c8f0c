import shlex
from pathlib import Path

import pytest

from crescendo.platform.cli import app
from crescendo.platform.commands.sweep import again
from crescendo.platform.console import guarded


def test_an_output_folder_in_a_ray_jobs_copy_of_the_working_directory_is_refused(tmp_path, monkeypatch, capsys):
    copy = tmp_path / "working_dir_files" / "job"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    with pytest.raises(SystemExit, match="2"):
        guarded(lambda: app(["sweep", "quick"], standalone_mode=False))
    error = capsys.readouterr().err
    assert "--output results/quick" in error
    assert "absolute path" in error
    assert list(copy.iterdir()) == []


def test_the_command_that_goes_on_has_all_that_the_study_was_begun_with_and_no_secret():
    command = again(
        "loss_ablation",
        Path("my results/it's"),
        ["search.trials=4", "confirm.seeds=[0, 1]", "dataset=s3://me:hidden@bucket/d", "folds=[s3://me:hidden@b/1]"],
        dataset="data/mine",
        tracking_uri="https://me:hidden@host/path",
        join=True,
    )
    assert shlex.split(command) == [
        "crescendo", "sweep", "loss_ablation", "--output", "my results/it's", "--dataset", "data/mine",
        "--set", "search.trials=4", "--set", "confirm.seeds=[0, 1]", "--set", "dataset=s3://bucket/d",
        "--set", "folds=...", "--tracking-uri", "https://host/path", "--join",
    ]  # fmt: skip
    assert again("quick", Path("results/quick")) == "crescendo sweep quick --output results/quick"
