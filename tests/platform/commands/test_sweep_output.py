import pytest

from crescendo.platform.cli import app
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
