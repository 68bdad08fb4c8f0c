"""Which checkpoints are removed."""

from pathlib import Path

from crescendo.trainables.training.checkpoint_folders import prune


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "weights").write_text("kept or not")
    return folder


def test_all_but_the_one_to_keep_are_removed(tmp_path: Path) -> None:
    kept = made(tmp_path / "checkpoints" / "iteration-000000002")
    gone = [made(tmp_path / "checkpoints" / name) for name in ("iteration-000000001", ".iteration-000000003.partial-1")]
    prune(tmp_path, kept)
    assert kept.is_dir()
    assert not any(one.exists() for one in gone)


def test_nothing_outside_the_run_is_removed(tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "elsewhere" / "iteration-000000001")
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "iteration-000000001").symlink_to(elsewhere)
    prune(run, run / "checkpoints" / "iteration-000000002")
    assert not (run / "checkpoints" / "iteration-000000001").exists()
    (run / "checkpoints").rmdir()
    (run / "checkpoints").symlink_to(elsewhere.parent)
    prune(run, run / "checkpoints" / "iteration-000000002")
    assert (elsewhere / "weights").is_file()
