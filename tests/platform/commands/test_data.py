"""`crescendo data`, as typed."""

import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from crescendo.platform.commands.data import data
from crescendo.trainables.data.dataset import Dataset

COMMAND = [sys.executable, "-c", "from crescendo.platform.cli import main; main()", "data"]
DOCS = Path(__file__).parents[3] / "docs" / "data.md"


def in_a_process(*arguments: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, **options)


def directory(root: Path, frames: int = 40) -> Path:
    (root / "features").mkdir(parents=True)
    database = {}
    for name, subset in {"a": "training", "b": "validation", "c": "test"}.items():
        np.save(root / f"features/{name}.npy", np.ones((frames, 3), np.float32))
        database[name] = {
            "duration": frames / 4,
            "subset": subset,
            "annotations": [{"segment": [1.0, 4.0], "label": "run"}],
        }
    (root / "annotations.json").write_text(json.dumps({"version": "1", "database": database}))
    return root


def test_synthesize_then_describe(tmp_path: Path) -> None:
    made = in_a_process("synthesize", tmp_path / "d", "--recordings", 10, "--labels", 3, "--feature-dim", 4)
    assert made.returncode == 0, made.stderr
    assert f"{tmp_path / 'd'}: 20 recordings" in made.stdout
    assert "generating: 20 of 20" in made.stderr
    shown = CliRunner().invoke(data, ["describe", str(tmp_path / "d")])
    assert shown.exit_code == 0
    for word in ("training", "validation", "test", "background", "overlapping", "too short", "activity_03", "hours"):
        assert word in shown.stdout
    printed = CliRunner().invoke(data, ["describe", str(tmp_path / "d"), "--json"])
    content = json.loads(printed.stdout)
    assert content["all"]["recordings"] == 20
    assert content["subsets"]["training"]["segments"] == 14


def test_every_source_has_its_command_and_its_own_options() -> None:
    for source, option in {
        "hapt": "SOURCE",
        "tug": "--device",
        "gtea": "--fold",
        "activitynet": "--annotations-only",
        "directory": "--fps",
        "frames": "--dry-run",
    }.items():
        shown = CliRunner().invoke(data, ["import", source, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert shown.exit_code == 0
        assert option in re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout).upper() + shown.stdout


def test_a_dry_run_describes_what_would_be_imported_and_writes_nothing(tmp_path: Path, monkeypatch) -> None:
    root = directory(tmp_path / "raw")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    line = ["import", "directory", str(root), str(tmp_path / "out" / "d"), "--fps", "4"]
    tried = CliRunner().invoke(data, [*line, "--dry-run"])
    assert tried.exit_code == 0, tried.output
    assert not (tmp_path / "out").exists()
    assert not any((tmp_path / "temporary").iterdir())
    assert f"path: {tmp_path / 'out' / 'd'}\n" in tried.stdout
    assert f"dry run: nothing was written to {tmp_path / 'out' / 'd'}" in tried.stdout
    assert CliRunner().invoke(data, line).exit_code == 0
    assert f"content_hash: {Dataset(tmp_path / 'out' / 'd').content_hash}" in tried.stdout


def test_options_reach_the_importers(real_data: Path, tmp_path: Path) -> None:
    for source, options in {"tug": ["--device", "sw"], "gtea": ["--fold", "2"]}.items():
        made = CliRunner().invoke(
            data, ["import", source, str(real_data / f"{source}.zip"), str(tmp_path / source), *options]
        )
        assert made.exit_code == 0, made.output
    made = CliRunner().invoke(
        data, ["import", "activitynet", str(real_data / "activitynet"), str(tmp_path / "an"), "--annotations-only"]
    )
    assert made.exit_code == 0, made.output
    names = [Dataset(tmp_path / folder).metadata.name for folder in ("tug", "gtea", "an")]
    assert names == ["tug-sw", "gtea-fold2", "activitynet"]


def _not_a_zip(folder: Path) -> Path:
    (folder / "x.zip").write_bytes(b"junk")
    return folder / "x.zip"


def _climbing_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("../annotations.json", "{}")
    return folder / "x.zip"


def _no_json(folder: Path) -> Path:
    root = directory(folder / "x")
    (root / "annotations.json").write_text("{")
    return root


def _backwards(folder: Path) -> Path:
    root = directory(folder / "x")
    text = (root / "annotations.json").read_text()
    (root / "annotations.json").write_text(text.replace("[1.0, 4.0]", "[4.0, 1.0]"))
    return root


def _nan(folder: Path) -> Path:
    root = directory(folder / "x")
    np.save(root / "features/b.npy", np.full((40, 3), np.nan, np.float32))
    return root


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere", "no such file or folder"),
        (_not_a_zip, "not a zip file"),
        (_climbing_zip, "climbs out"),
        (_no_json, "not valid JSON"),
        (_backwards, "ends before it starts"),
        (_nan, "frame 0 holds NaN"),
    ],
)
def test_bad_input_ends_in_one_line_and_exit_code_2(crescendo, tmp_path: Path, make, message: str) -> None:
    source = make(tmp_path)
    done = crescendo("data", "import", "directory", source, tmp_path / "out" / "d", "--fps", 4)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_describe_takes_the_uri_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = CliRunner().invoke(data, ["synthesize", str(tmp_path / "d"), "--recordings", "3"])
    assert made.exit_code == 0
    shown = [
        CliRunner().invoke(data, ["describe", one, "--json"]) for one in (str(tmp_path / "d"), f"file://{tmp_path}/d")
    ]
    folder, uri = [json.loads(one.stdout) for one in shown]
    assert {**folder, "path": uri["path"]} == uri


def test_a_description_fits_80_columns_and_says_what_figures_mean(tmp_path: Path) -> None:
    root = directory(tmp_path / "raw")
    content = json.loads((root / "annotations.json").read_text())
    content["groups_are"] = "people"
    for name, one in content["database"].items():
        one["group"] = f"person {name}"
        one["annotations"] += [{"segment": [0.3, 0.35], "label": "stumble " * 12}] if name == "a" else []
    (root / "annotations.json").write_text(json.dumps(content))
    assert (
        CliRunner().invoke(data, ["import", "directory", str(root), str(tmp_path / "d"), "--fps", "4"]).exit_code == 0
    )
    shown = CliRunner().invoke(data, ["describe", str(tmp_path / "d")], env={"COLUMNS": "80"})
    tables = [line for line in shown.stdout.splitlines() if line[:1] in "┏┃┡│└+|"]
    assert len(tables) > 25
    assert max(map(len, tables)) <= 80
    for line in (
        "people of training: person a",
        "too short: 1 segment covers no frame's centre, of 4: between the centres of two frames, 0.25 s apart at 4 frames a "
        "second, or after the last frame; nobody can detect such a segment, and it counts as missed",
        f"validation has no segment of: {('stumble ' * 12).strip()}",
        f"test has no segment of: {('stumble ' * 12).strip()}",
    ):
        assert f"{line}\n" in shown.stdout
    assert not re.search("training has no segment", shown.stdout)


@pytest.mark.parametrize("kind", ["png", "SVG", "pdf"])
def test_a_description_is_drawn(tmp_path: Path, kind: str) -> None:
    CliRunner().invoke(data, ["synthesize", str(tmp_path / "d"), "--recordings", "3"])
    file = tmp_path / "new" / f"plot.{kind}"
    shown = CliRunner().invoke(data, ["describe", str(tmp_path / "d"), "--plot", str(file)])
    assert shown.exit_code == 0, shown.output
    assert file.stat().st_size > 5000


def test_describe_of_something_else(crescendo, tmp_path: Path) -> None:
    done = crescendo("data", "describe", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a prepared data set" in done.stderr


@pytest.mark.parametrize("limit", [100, 10_000, 600_000])
def test_quota_that_is_used_up_leaves_nothing(tmp_path: Path, limit: int) -> None:
    done = in_a_process(
        "synthesize",
        tmp_path / "out" / "d",
        "--recordings",
        20,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2, done.stderr
    assert "is full" in done.stderr.splitlines()[-1]
    assert not any((tmp_path / "out").iterdir())


def _may_mount() -> bool:
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True, check=False
        ).returncode
    )


@pytest.mark.skipif(not _may_mount(), reason="no small file system can be mounted here to fill it")
def test_disk_that_fills_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    script = 'mount -t tmpfs -o size=1m x disk && "$@"; code=$?; ls -A disk; exit $code'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", *COMMAND, "synthesize", "disk/d", "--recordings", "60"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "error: disk/d/features/features.arrow: the disk or the quota is full" in done.stderr
    assert done.stdout == ""


def test_on_a_terminal_there_is_a_bar(tmp_path: Path) -> None:
    script = f"{' '.join(map(_quoted, [*COMMAND, 'synthesize', str(tmp_path / 'd'), '--recordings', '400']))}"
    if shutil.which("script") is None:
        pytest.skip("the command `script` is needed to stand in for a terminal")
    done = subprocess.run(
        ["script", "-qec", script, "/dev/null"], capture_output=True, text=True, check=True, env=TERMINAL
    )
    assert "800/800" in done.stdout
    assert re.search(r"\d/s", done.stdout)


TERMINAL = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}


def _quoted(argument: str) -> str:
    return "'" + argument + "'"


def _documented() -> dict[str, tuple[str, str]]:
    found = re.findall(r"<!-- test: (\w+) -->\n```(\w+)\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return {name: (language, text) for name, language, text in found}


WAYS = {
    "make": ("import", "prepared"),
    "frames": ("import_frames", "kitchen_prepared"),
    "mat": ("import_mat", "lab_prepared"),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_documented_way_works_as_printed(way: str, crescendo, tmp_path: Path) -> None:
    blocks = _documented()
    assert set(blocks) == {*WAYS, *(commands for commands, _ in WAYS.values()), "read"}
    commands, made = WAYS[way]
    made_by = subprocess.run([sys.executable, "-c", blocks[way][1]], cwd=tmp_path, capture_output=True, check=False)
    assert made_by.returncode == 0, made_by.stderr
    said = ""
    for line in blocks[commands][1].splitlines():
        # A training of one step: the data are what is tried here.
        short = " --set iterations=1 --set sequences=2 --set hidden_size=2" if " train " in line else ""
        done = crescendo(*shlex.split(line + short)[1:], folder=tmp_path)
        assert done.returncode == 0, done.stderr
        said += done.stdout
    dataset = Dataset(tmp_path / made)
    sizes = {"make": [6, 3, 3], "frames": [6, 3, 3], "mat": [10, 2, 4]}
    assert [len(dataset.recordings(subset)) for subset in ("training", "validation", "test")] == sizes[way]
    assert re.findall(r"^auto: (\w+)", said, re.MULTILINE) == ["sequence_length", "bptt", "merge_gap"]
    if way == "make":
        assert (tmp_path / "prepared.png").is_file()
        np.testing.assert_array_equal(np.flatnonzero(dataset.frame_labels("session_00")), np.arange(50, 120))
        read = subprocess.run(
            [sys.executable, "-c", blocks["read"][1]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "session_11 (200, 16) float32" in read.stdout, read.stderr
    if way == "frames":
        labels = (tmp_path / "kitchen/groundTruth/cook_03.txt").read_text().split()
        assert [dataset.labels[one] for one in dataset.frame_labels("cook_03")] == labels
    if way == "mat":
        assert dataset.labels == ("background", "reach", "lift")
        assert {one.group for one in dataset.annotations.recordings.values()} == {
            f"P{number}" for number in range(1, 9)
        }
