"""`crescendo detect MODEL VIDEO`: a video gives what the data set extracted from it gives."""

import os
import subprocess
import sys

import pytest
from finished_runs import command, training

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector import Detector
from crescendo.trainables.evaluation.result_format import read_detections

CRESCENDO = (sys.executable, "-c", "from crescendo.platform.cli import main; main()")


@pytest.mark.ray
@pytest.mark.slow
def test_a_video_gives_what_the_data_set_made_of_it_gives(tmp_path):
    videos, data = tmp_path / "videos", tmp_path / "data"
    made = command("data", "synthesize", videos, "--videos", "--recordings", "4", "--size", "48")
    assert made.exit_code == 0, made.output
    network = ["--backbone", "resnet18", "--weights", "none", "--layer", "pooled", "--size", "48"]
    [annotations] = videos.glob("*.json")
    done = subprocess.run(
        [*CRESCENDO, "data", "extract", str(videos), str(data), "--annotations", str(annotations), *network],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run, model = training(Dataset(data), tmp_path / "run"), tmp_path / "model"
    assert command("export", run, model).exit_code == 0
    extraction = Detector.load(model).metadata.features.extraction
    assert (extraction.backbone, extraction.layer, extraction.size, extraction.weights) == (
        "resnet18",
        "pooled",
        48,
        "none",
    )
    assert command("detect", model, data, "--subset", "test", "--out", tmp_path / "expected.json").exit_code == 0
    expected, found = read_detections(tmp_path / "expected.json"), 0
    for name, detections in expected.items():
        [video] = (path for path in videos.iterdir() if path.stem == name)
        one = command("detect", model, video, "--out", tmp_path / "found.json")
        assert one.exit_code == 0, one.output
        [mine] = read_detections(tmp_path / "found.json").values()
        assert [detection[:3] for detection in mine] == [detection[:3] for detection in detections]
        assert [detection.score for detection in mine] == pytest.approx([d.score for d in detections], abs=1e-3)
        found += len(mine)
    assert found > 0
    other = command("detect", model, video, "--weights", "nowhere.safetensors")
    assert "nowhere.safetensors: no such file" in str(other.exception)
