import json
import shutil
import signal
import subprocess
import sys

import finished_runs
import pyarrow as pa
import pytest

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.store import FrameStore

SETTINGS = ("hidden_size=8", "sequences=4", "sequence_length=30", "iterations=30", "evaluate_every=10", "threads=1")
# The command in a process of its own, killed in the moment when its second checkpoint would come to be.
KILLED = """
import os, signal, sys

def killed(event, arguments):
    if event == "os.rename" and "iteration-000000020" in str(arguments[1]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(killed)
from crescendo.platform.cli import main
main()
"""
FULL = (*SETTINGS, "learning_rate=0.02", "merge_gap=3", "fractions=[0.3, 1.0]", "iou=[0.3, 0.5]", "device=cpu")


def command(dataset, output, *options, settings=FULL):
    assignments = [word for setting in settings for word in ("--set", setting)]
    return ["train", str(dataset), "--output", str(output), *assignments, *options]


@pytest.fixture(scope="module")
def finished(tiny_dataset, tmp_path_factory):
    output = tmp_path_factory.mktemp("train") / "run"
    return output, finished_runs.command(*command(tiny_dataset.path, output))


@pytest.fixture
def run(crescendo):
    """`crescendo train` with the settings of these tests, in this process."""
    return lambda *arguments, **settings: crescendo(*command(*arguments, **settings))


def test_a_run_says_how_it_goes_and_what_came_out(finished, tiny_dataset):
    output, done = finished
    assert done.exit_code == 0, done.stderr
    assert "iteration 10/30: loss" in done.stderr
    assert "validation mAP" in done.stderr
    assert "frames/s" in done.stderr
    assert "left" in done.stderr
    assert "test: mAP (%) against the IoU threshold" in done.stdout
    assert str(output) in done.stdout


def test_a_configuration_may_follow_from_the_data_set(crescendo, tiny_dataset, tmp_path):
    output = tmp_path / "run"
    done = crescendo(
        *command(
            tiny_dataset.path,
            output,
            "--config",
            "auto",
            settings=("iterations=1", "device=cpu", "bptt=7", "threads=1"),
        )
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("auto: ")]
    assert [line.split()[1] for line in told] == ["sequence_length", "merge_gap"]
    used = json.loads((output / "configuration.json").read_text())
    assert {line.split()[1]: int(line.split()[2]) for line in told}.items() <= used.items()
    assert used["bptt"] == 7


def test_scores_are_a_distribution_over_labels_for_every_frame_of_validation_and_test(finished, tiny_dataset):
    output, _ = finished
    for subset in ("validation", "test"):
        store = FrameStore([output / "scores" / f"{subset}.arrow"])
        assert set(store.recordings) == set(tiny_dataset.recordings(subset))
        assert store.metadata["labels"] == list(tiny_dataset.labels)
        for recording in store.recordings:
            assert store[recording].shape == (tiny_dataset.frames(recording), 4)
            assert store[recording].sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    with pa.memory_map(str(output / "scores" / "test.arrow")) as source:
        assert pa.ipc.open_file(source).schema.names == ["scores"]


def test_metrics_hold_configuration_history_and_every_score(finished, tiny_dataset):
    metrics = json.loads((finished[0] / "metrics.json").read_text())
    assert metrics["config"]["learning_rate"] == 0.02
    assert metrics["dataset"]["content_hash"] == tiny_dataset.content_hash
    assert [row["iteration"] for row in metrics["history"]] == [10, 20, 30]
    for subset in ("validation", "test"):
        assert set(metrics[subset]["mAP"]) == {"0.30", "0.50"}
        assert set(metrics[subset]["AP"]) == {"jump", "run", "walk"}
        assert set(metrics[subset]["early"]["mAP"]) == {"0.30", "1.00"}
        assert set(metrics[subset]["early"]["mAP"]["0.30"]) == {"0.30", "0.50"}
        assert len(metrics[subset]["progression"]["margin"]) == 20


def test_the_detections_score_what_the_metrics_say(crescendo, finished, tiny_dataset):
    output, _ = finished
    ground_truth = ["--ground-truth", str(tiny_dataset.path / "annotations.json"), "--subset", "test"]
    thresholds = ["--iou", "0.3", "--iou", "0.5"]
    detections = ["--detections", output / "detections.json"]
    found = json.loads(crescendo("evaluate", *ground_truth, *detections, *thresholds, "--json").stdout)
    expected = json.loads((output / "metrics.json").read_text())["test"]
    assert found["mAP"] == pytest.approx(expected["mAP"], abs=1e-9)


def test_a_killed_run_resumes_to_the_same_metrics(run, finished, tiny_dataset, tmp_path):
    output = tmp_path / "run"
    killed = subprocess.run([sys.executable, "-c", KILLED, *command(tiny_dataset.path, output)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in output.glob("checkpoints/iteration-*")] == ["iteration-000000010"]
    assert not (output / "metrics.json").exists()
    refused = run(tiny_dataset.path, output)
    assert refused.returncode == 2
    assert "pass --resume" in refused.stderr
    resumed = run(tiny_dataset.path, output, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    one, other = (json.loads((folder / "metrics.json").read_text()) for folder in (output, finished[0]))
    assert one["test"] == other["test"]
    assert [row["loss"] for row in one["history"]] == [row["loss"] for row in other["history"]]


def test_a_half_written_checkpoint_is_not_picked_up(run, finished, tiny_dataset, tmp_path):
    output = tmp_path / "run"
    (output / "checkpoints" / ".iteration-000000020.partial-x").mkdir(parents=True)
    (output / "checkpoints" / ".iteration-000000020.partial-x" / "model.safetensors").write_bytes(b"half")
    assert run(tiny_dataset.path, output, "--resume").returncode == 0
    assert (
        json.loads((output / "metrics.json").read_text())["test"]
        == json.loads((finished[0] / "metrics.json").read_text())["test"]
    )


def test_a_diverged_run_keeps_its_last_good_checkpoint(run, tiny_dataset, tmp_path):
    output = tmp_path / "run"
    settings = (*FULL, "optimizer=sgd", "gradient_clip=0", "learning_rate=1", "learning_rate_step=10")
    assert run(tiny_dataset.path, output, settings=(*settings, "iterations=10")).returncode == 0
    # The rate explodes in the second stage, after a checkpoint was written.
    (output / "metrics.json").unlink()
    checkpoint = output / "checkpoints" / "iteration-000000010" / "checkpoint.json"
    metadata = json.loads(checkpoint.read_text())
    metadata["config"]["learning_rate"] = 1e30
    checkpoint.write_text(json.dumps(metadata))
    diverged = run(tiny_dataset.path, output, "--resume", settings=(*settings, "learning_rate=1e30", "iterations=40"))
    assert diverged.returncode == 2
    assert "is not finite at learning rate" in diverged.stderr
    assert "recording " in diverged.stderr
    assert "Traceback" not in diverged.stderr
    assert [path.name for path in (output / "checkpoints").iterdir()] == ["iteration-000000010"]
    assert not (output / "metrics.json").exists()


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (
            ["--config", "nowhere"],
            ["nowhere: neither a file nor a shipped configuration (gtea, hapt, paper, synthetic, tug, vgg19)"],
        ),
        (["--set", "variant=rank", "--set", "hiden=3"], ["variant: ", "hiden: unknown key"]),
        (["--set", "variant"], ["--set variant: expected key=value"]),
        (["--set", "device=cuda:9"], ["device: cuda:9 is not on this machine"]),
    ],
)
def test_bad_settings_end_in_one_line_each(run, tiny_dataset, tmp_path, arguments, messages):
    done = run(tiny_dataset.path, tmp_path / "run", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for message in messages:
        assert message in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_data_set_is_refused(run, tmp_path):
    done = run(tmp_path, tmp_path / "run")
    assert done.returncode == 2
    assert f"{tmp_path}: not a prepared data set" in done.stderr


def test_a_data_set_changed_by_hand_is_refused(run, tiny_dataset, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_dataset.path, copy)
    text = (copy / "annotations.json").read_text().replace('"run"', '"walk"', 1)
    (copy / "annotations.json").write_text(text)
    done = run(copy, tmp_path / "run")
    assert done.returncode == 2
    assert "changed after the data set was prepared" in done.stderr
    assert Dataset(tiny_dataset.path).labels == tiny_dataset.labels


def test_every_setting_is_listed_with_its_default(crescendo):
    done = crescendo("train", "--keys")
    for key in ("variant", "lambda_r", "merge_gap", "reset", "seed", "bptt"):
        assert key in done.stdout
