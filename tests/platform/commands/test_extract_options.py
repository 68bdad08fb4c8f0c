"""`crescendo data extract` and `data synthesize`: what they refuse and what they show, without a Ray."""

import inspect
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from numbered_videos import make_numbered

from crescendo.platform.commands import extract as command
from crescendo.platform.extraction.extract import extract
from crescendo.platform.extraction.settings import Extraction
from crescendo.trainables.data.importers.base import SilentReporter
from crescendo.trainables.errors import InputError

SMALL = Extraction(fps=6.0, backbone="shufflenet_v2_x0_5", layer="pooled", weights="none", size=64)

# The command where PyAV is not, and then where torchvision is not.
LACKING = """
import sys
from crescendo.platform.cli import main
codes = []
for package in ("av", "torchvision"):
    sys.modules[package] = None
    try:
        main()
    except SystemExit as ended:
        codes.append(ended.code)
    del sys.modules[package]
print(codes)
"""


def test_what_the_command_takes_where_it_is_not_told_is_what_an_extraction_does():
    """Its help is shown without torch, so it has the values by itself."""
    options = inspect.signature(command.extract).parameters
    assert {name: options[name].default for name in asdict(Extraction())} == asdict(Extraction())


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_numbered(tmp_path_factory.mktemp("numbered") / "videos", [8, 8, 8])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": 0.0}, "fps must be a positive number"),
        ({"backbone": "vgg91"}, "must be the name of a torchvision network"),
        ({"layer": "fc8"}, "layer: must be"),
        ({"weights": "nowhere.pth"}, "nowhere.pth"),
    ],
)
def test_settings_that_cannot_be(videos: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        extract(
            videos, videos / "annotations.json", tmp_path / "data", replace(SMALL, **change), reporter=SilentReporter()
        )
    assert not any(tmp_path.iterdir())


def test_missing_packages_are_named(videos: Path, tmp_path: Path) -> None:
    words = [
        "data",
        "extract",
        videos,
        "--annotations",
        videos / "annotations.json",
        "--weights",
        "none",
        tmp_path / "d",
    ]
    done = subprocess.run(
        [sys.executable, "-c", LACKING, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[2, 2]\n")
    first, second = done.stderr.splitlines()
    remedy = "is not installed; video needs it: pip install 'crescendo-ablation[video]'"
    assert (first, second) == (f"error: PyAV {remedy}", f"error: torchvision {remedy}")


def test_annotations_must_be_named(crescendo, videos: Path, tmp_path: Path) -> None:
    done = crescendo("data", "extract", videos, tmp_path / "data")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --annotations is missing")


def test_preview_draws_a_sheet_a_video(crescendo, tmp_path: Path) -> None:
    videos = make_numbered(tmp_path / "videos", [8, 8, 8, 8])
    (videos / "1.mp4").write_text("broken")
    (videos / "3.mp4").write_bytes(b"")
    content = json.loads((videos / "annotations.json").read_text())
    name = next(iter(content["database"]))
    content["database"][name]["annotations"] = [{"segment": [0.0, 99.0], "label": "run "}]
    (videos / "annotations.json").write_text(json.dumps(content))
    done = crescendo(
        "data",
        "extract",
        "--preview",
        videos,
        "--annotations",
        videos / "annotations.json",
        "--clip",
        "--size",
        64,
        tmp_path / "s",
    )
    assert done.returncode == 0, done.stderr
    assert "2 contact sheets" in done.stdout
    assert len(list((tmp_path / "s").glob("*.png"))) == 2
    assert done.stderr.count("left out: ") == 2
    assert f"segments that were cut to their recording: 1: {name} [0, 99] run" in done.stderr
    assert "1 label had blanks at the ends, which were dropped: 'run ' (1 segment)" in done.stderr


def test_synthesize_videos_on_the_command_line(crescendo, tmp_path: Path) -> None:
    done = crescendo("data", "synthesize", "--videos", "--recordings", 1, "--labels", 2, "--size", 24, tmp_path / "v")
    assert done.returncode == 0, done.stderr
    assert "3 videos of 2 activities" in done.stdout
    assert crescendo("data", "synthesize", "--odd", tmp_path / "w").returncode == 2
