"""`crescendo data extract`: a folder of videos becomes a data set, whatever is wrong with some of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from numbered_frames import read_number
from numbered_videos import make_numbered

from crescendo.platform.extraction.extract import extract
from crescendo.platform.extraction.settings import Extraction, resolve_extraction
from crescendo.platform.tuning.session import ray_session
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.importers.base import SilentReporter
from crescendo.trainables.data.pixels import encode_picture
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import write_json
from crescendo.trainables.video.backbones import Preparation, load_backbone
from crescendo.trainables.video.decoding import sampled_frames
from crescendo.trainables.video.synthetic import synthesize_videos
from crescendo.trainables.video.work import WorkFolder

pytestmark = pytest.mark.ray

COMMAND = [sys.executable, "-c", "from crescendo.platform.cli import main; main()", "data"]
PIXELS = Extraction(fps=6.0, backbone="shufflenet_v2_x0_5", layer="pixels", size=64)
FRAMES = Preparation().at(64)


class Heard(SilentReporter):
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module", autouse=True)
def ray() -> Iterator[None]:
    with ray_session():
        yield


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training videos, one of each other split, four with quirks and three broken ones."""
    folder = tmp_path_factory.mktemp("odd") / "videos"
    synthesize_videos(folder, recordings=2, labels=2, size=48, odd=True)
    return folder


def run(videos: Path, destination: Path, extraction: Extraction = PIXELS, **options: Any) -> tuple[Dataset, list[str]]:
    reporter = Heard()
    dataset = extract(videos, videos / "annotations.json", destination, extraction, reporter=reporter, **options)
    return dataset, reporter.lines


def in_a_process(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300, **more
    )


@pytest.mark.slow
@pytest.mark.tools
def test_features_are_the_networks_and_broken_videos_are_left_out(odd: Path, tmp_path: Path) -> None:
    with_fc7 = Extraction(fps=6.0, backbone="alexnet", layer="fc6", weights="none", size=64)
    dataset, lines = run(odd, tmp_path / "data", with_fc7)
    whole = {path.stem for path in odd.glob("*.mp4")} - {"odd_truncated", "odd_empty", "odd_text"}
    assert set(dataset.annotations.recordings) == whole
    assert dataset.store.dtype == np.float16
    backbone = load_backbone("alexnet", "none", layer="fc6", size=64)
    for name in whole:
        frames = np.stack(list(sampled_frames(odd / f"{name}.mp4", 6, FRAMES)))
        expected = backbone(torch.from_numpy(frames)).numpy()
        np.testing.assert_allclose(dataset.features(name), expected, rtol=2e-3, atol=2e-3)
    stored = dataset.fc7()
    assert stored is not None
    torch.testing.assert_close(stored, backbone.fc7())
    at_the_end = lines[lines.index("warning: 3 of 11 videos are broken and left out:") + 1 :]
    assert [line.split("/")[-1].split(":")[0] for line in at_the_end[:3]] == [
        "odd_truncated.mp4",
        "odd_empty.mp4",
        "odd_text.mp4",
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, list[str]]:
    """Pixels of videos of 70, 5 and 33 frames, more than two batches, less than one, and one frame over; four of 8 frames.

    The split is the paper's; the last video but one lasts longer than its annotation says.
    """
    folder = tmp_path_factory.mktemp("pixels")
    videos = make_numbered(folder / "videos", [70, 5, 33, 8, 8, 8, 8])
    content = json.loads((videos / "annotations.json").read_text())
    for name, one in content["database"].items():
        one["subset"] = "validation" if name == "6" else "training"
    content["database"]["5"]["duration"] = 9.0
    write_json(videos / "annotations.json", content)
    return run(videos, folder / "data", split="paper")


def test_pixels_are_the_frames_in_order(pixels: tuple[Dataset, list[str]]) -> None:
    dataset, _ = pixels
    assert dataset.holds_pixels
    for number, length in enumerate((70, 5, 33)):
        frames = dataset.features(str(number))[:].reshape(-1, 3, 64, 64)
        assert [read_number(frame, FRAMES.resize) for frame in frames] == list(range(length))
        assert dataset.frame_labels(str(number)).sum() == round(length / 2)


def test_a_video_of_another_length_than_annotated_is_left_out(pixels: tuple[Dataset, list[str]]) -> None:
    dataset, lines = pixels
    assert sorted(dataset.annotations.recordings) == ["0", "1", "2", "3", "4", "6"]
    assert any("lasts 1.3 s but its annotation says 9.0 s" in line for line in lines)


def test_split_of_the_paper(pixels: tuple[Dataset, list[str]]) -> None:
    dataset, _ = pixels
    assert [len(dataset.recordings(subset)) for subset in ("training", "validation", "test")] == [4, 1, 1]
    assert dataset.recordings("test") == ("6",)


def test_what_was_finished_when_strict_stopped_is_not_done_again_and_settings_do_not_mix(
    tmp_path: Path,
) -> None:
    videos = make_numbered(tmp_path / "videos", [20, 20, 20])
    (videos / "2.mp4").rename(tmp_path / "kept")
    (videos / "2.mp4").write_text("broken")
    with pytest.raises(InputError, match=r"2\.mp4: broken video: .*finished videos are kept in") as stopped:
        run(videos, tmp_path / "data", strict=True)
    assert not (tmp_path / "data").exists()
    place = Path(str(stopped.value).rsplit(" ", 1)[1])
    done_before = encode_picture(np.full((3, 64, 64), 128, np.uint8))
    WorkFolder(place, None).add("0", videos / "0.mp4", np.arange(20), [done_before] * 20, 20)
    (videos / "2.mp4").unlink()
    (tmp_path / "kept").rename(videos / "2.mp4")
    with FileLock(place / "lock"), pytest.raises(InputError, match="another command is at work there"):
        run(videos, tmp_path / "data")
    slower = replace(PIXELS, fps=3.0)
    elsewhere = WorkFolder(tmp_path / f"data.partial-{resolve_extraction(slower).key}", None)
    for name in "012":
        elsewhere.add(name, videos / f"{name}.mp4", np.arange(10), [done_before] * 10, 10)
    other, lines = run(videos, tmp_path / "data", slower)
    assert any("holds the work of other settings" in line for line in lines)
    assert [other.frames(name) for name in "012"] == [10] * 3
    (tmp_path / "data").rename(tmp_path / "other")
    dataset, lines = run(videos, tmp_path / "data")
    assert any("videos were finished before" in line for line in lines)
    assert (dataset.features("0")[:] == 128).all()
    for name in "12":
        frames = dataset.features(name)[:].reshape(-1, 3, 64, 64)
        assert [read_number(frame, FRAMES.resize) for frame in frames] == list(range(20))
    assert not place.exists()


@pytest.mark.slow
def test_killed_and_started_again(tmp_path: Path) -> None:
    videos = make_numbered(tmp_path / "videos", [300] * 8)
    command = [*COMMAND, "extract", videos, "--annotations", videos / "annotations.json", "--backbone", "vgg11"]
    command += ["--layer", "fc7", "--weights", "none", "--size", "64", tmp_path / "data"]
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    first = subprocess.Popen(
        [str(one) for one in command], env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        give_up = time.monotonic() + 300
        while not (finished := list(tmp_path.glob("data.partial-*/*.arrow"))) and time.monotonic() < give_up:
            assert first.poll() is None
            time.sleep(0.2)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    assert 0 < len(finished) < 8
    changed = {path.name: path.stat().st_mtime_ns for path in finished}
    done = in_a_process(*command[len(COMMAND) :], env=environment)
    assert done.returncode == 0, done.stderr
    assert "of 8 videos were finished before" in done.stderr
    dataset = Dataset(tmp_path / "data")
    assert [dataset.frames(str(number)) for number in range(8)] == [300] * 8
    assert changed
    backbone = load_backbone("vgg11", "none", layer="fc7", size=64)
    frames = np.stack(list(sampled_frames(videos / "0.mp4", 6, FRAMES)))[:40]
    np.testing.assert_allclose(
        dataset.features("0")[:40], backbone(torch.from_numpy(frames)).numpy(), rtol=2e-3, atol=2e-3
    )


@pytest.mark.slow
def test_real_clips_go_through_the_whole_command(real_data: Path, tmp_path: Path) -> None:
    clips = real_data / "videos"
    lengths = {"bikes": 10.0, "carousel1": 14.92, "carousel3": 13.04}
    subsets = ("training", "validation", "test")
    recordings = {
        name: Recording(subset, length, (Segment("scene", 1.0, 5.0),))
        for subset, (name, length) in zip(subsets, lengths.items(), strict=True)
    }
    write_json(tmp_path / "truth.json", Annotations(recordings).to_json())
    done = in_a_process(
        "extract",
        clips,
        "--annotations",
        tmp_path / "truth.json",
        "--weights",
        "none",
        "--layer",
        "fc6",
        tmp_path / "data",
    )
    assert done.returncode == 0, done.stderr
    dataset = Dataset(tmp_path / "data")
    assert {name: dataset.frames(name) for name in lengths} == {"bikes": 60, "carousel1": 90, "carousel3": 78}
    assert dataset.feature_dim == 4096
    backbone = load_backbone("vgg19", "none", layer="fc6")
    frames = np.stack(list(sampled_frames(clips / "bikes.mp4", 6, backbone.preparation)))[:8]
    np.testing.assert_allclose(
        dataset.features("bikes")[:8], backbone(torch.from_numpy(frames)).numpy(), rtol=2e-3, atol=2e-3
    )
