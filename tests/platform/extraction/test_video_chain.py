"""From a folder of videos to mAP through the commands, with a network that was fine-tuned on the way and one that was not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crescendo.trainables.data.dataset import Dataset

pytestmark = pytest.mark.ray

CRESCENDO = (sys.executable, "-c", "from crescendo.platform.cli import main; main()")
BACKBONE = ("--backbone", "alexnet")
SHARED = ("threads=1", "device=cpu", "merge_gap=3", "fractions=[0.5, 1.0]", "iou=[0.3, 0.5, 0.7]")
TUNE = (
    "backbone=alexnet", "weights=none", "optimizer=adam", "learning_rate=3e-4", "learning_rate_step=0",
    "gradient_clip=5", "iterations=240", "evaluate_every=240",
)  # fmt: skip
DETECT = (
    "fc7=from_checkpoint", "variant=score", "lambda_r=1", "hidden_size=64", "dropout=0.3", "sequences=8",
    "sequence_length=30", "learning_rate=3e-3", "iterations=60", "evaluate_every=60",
)  # fmt: skip


def crescendo(*words: object) -> str:
    done = subprocess.run([*CRESCENDO, *map(str, words)], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def train(dataset: Path, output: Path, settings: tuple[str, ...], *options: str) -> dict:
    crescendo("train", dataset, "--output", output, *options, *(word for one in settings for word in ("--set", one)))
    return json.loads((output / "metrics.json").read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Videos of three activities, and their frames as a data set of pixels."""
    folder = tmp_path_factory.mktemp("chain")
    videos, pixels = folder / "videos", folder / "pixels"
    crescendo("data", "synthesize", videos, "--videos", "--recordings", 16, "--labels", 3, "--size", 72)
    crescendo("data", "extract", videos, pixels, *BACKBONE, *annotated(videos), "--layer", "pixels", "--size", 64)
    return videos, pixels


def annotated(videos: Path) -> tuple[object, ...]:
    return "--annotations", videos / "annotations.json"


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_network_fine_tuned_on_frames_makes_better_features(made: tuple[Path, Path], tmp_path: Path) -> None:
    """Videos, pixels, fine-tuning, fc6 with its checkpoint, LSTM with fc7 training along, detections, mAP.

    The same is done with a network of random weights, as fine-tuning began with: everything after it is the same.
    """
    videos, pixels = made
    source = ("data", "extract", videos, *annotated(videos), *BACKBONE)
    tuned = train(pixels, tmp_path / "tuned", (*TUNE, *SHARED), "--config", "vgg19")
    found = {}
    for name, weights in {"tuned": (tmp_path / "tuned",), "untuned": ("none", "--size", 64)}.items():
        data, output = tmp_path / f"fc6 {name}", tmp_path / f"lstm {name}"
        crescendo(*source, data, "--layer", "fc6", "--weights", *weights)
        dataset = Dataset(data)
        layer = dataset.fc7()
        assert layer is not None
        assert (dataset.feature_dim, tuple(layer[0].shape)) == (4096, (4096, 4096))
        train(data, output, (*DETECT, *SHARED))
        scored = crescendo(
            "evaluate", "--ground-truth", videos / "annotations.json", "--detections", output / "detections.json",
            "--subset", "test", "--iou", 0.3, "--iou", 0.5, "--iou", 0.7, "--json",
        )  # fmt: skip
        found[name] = json.loads(scored)["mAP_mean"]
        assert found[name] == pytest.approx(
            json.loads((output / "metrics.json").read_text())["test"]["mAP_mean"], abs=1e-9
        )
    print(f"mean test mAP: CNN row of the tuned network {tuned['test']['mAP_mean']:.3f}, LSTM {found}")
    assert found["tuned"] > 0.7
    assert found["tuned"] > found["untuned"] + 0.2


STUDY = """
name: tuning
dataset: {pixels}
trainable: vgg19
base:
  config: vgg19
  backbone: shufflenet_v2_x0_5
  weights: none
  iterations: 4
  evaluate_every: 2
  fractions: [1.0]
ablate:
  learning_rate: [0.01, 0.05]
search: {{trials: 1}}
confirm: {{seeds: [0]}}
resources: {{cpus: 1, concurrent: 1}}
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_fine_tuning_is_a_study_whose_trials_extract(made: tuple[Path, Path], tmp_path: Path) -> None:
    videos, pixels = made
    (tmp_path / "study.yaml").write_text(STUDY.format(pixels=pixels))
    crescendo("sweep", tmp_path / "study.yaml", "--output", tmp_path / "results")
    trials = [
        folder for folder in (tmp_path / "results" / "trials").iterdir() if list(folder.glob("checkpoints/iteration-*"))
    ]
    assert len(trials) == 2
    crescendo(
        "data", "extract", videos, tmp_path / "pooled", *annotated(videos), "--backbone", "shufflenet_v2_x0_5",
        "--layer", "pooled", "--weights", trials[0],
    )  # fmt: skip
    dataset = Dataset(tmp_path / "pooled")
    assert dataset.feature_dim == 1024
    assert dataset.fc7() is None
