"""`crescendo train` and a confirmed trial are one training: same numbers, same outputs, same restarts."""

import json
import shutil

import pytest

from crescendo.trainables.config import configuration
from crescendo.trainables.detector.detector import Detector
from crescendo.trainables.evaluation.result_format import read_detections
from crescendo.trainables.training import measurement
from crescendo.trainables.training.job import Job, outputs
from crescendo.trainables.training.step import TrainingStep
from crescendo.trainables.training.train import train_detector
from crescendo.trainables.training.trial import Trial

SETTINGS = {
    "hidden_size": 8, "sequences": 4, "sequence_length": 20, "bptt": 10, "iterations": 5, "evaluate_every": 2,
    "learning_rate": 0.02, "merge_gap": 3, "threads": 1, "device": "cpu", "variant": "margin", "iou": [0.3, 0.5],
    "fractions": [0.5, 1.0],
}  # fmt: skip
CONFIG = configuration(SETTINGS)


@pytest.fixture(scope="module")
def trained(tiny_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "run"
    train_detector(CONFIG, tiny_dataset, folder)
    return folder


@pytest.fixture(scope="module")
def confirmed(tiny_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "trial"
    trial = Trial(Job("t", "confirm", str(tiny_dataset.path), SETTINGS, str(folder), "mAP/mean"), tiny_dataset)
    while not trial.step().done:
        pass
    return outputs(folder)


def metrics_of(folder):
    """All of metrics.json but how long it took."""
    content = json.loads((folder / "metrics.json").read_text())
    del content["training_seconds"]
    for row in content["history"]:
        del row["frames_per_second"]
    return content


def files_of(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_training_and_a_confirmation_leave_the_same_but_for_how_many_scores_they_keep(trained, confirmed):
    own = {"report.json", *(f"checkpoints/iteration-000000005/{name}" for name in
           ("model.safetensors", "optimizer.safetensors", "checkpoint.json"))}  # fmt: skip
    assert files_of(trained) - own - files_of(confirmed) == {"scores/validation.arrow", "scores/test.arrow"}
    assert files_of(confirmed) - files_of(trained) == {"scores.arrow"}
    assert metrics_of(trained) == metrics_of(confirmed)
    for name in files_of(confirmed) - {"scores.arrow", "metrics.json"}:
        assert (trained / name).read_bytes() == (confirmed / name).read_bytes(), name


def test_the_metrics_hold_what_was_trained_how_it_went_and_what_came_of_it(confirmed, tiny_dataset):
    metrics = json.loads((confirmed / "metrics.json").read_text())
    assert metrics["dataset"]["content_hash"] == tiny_dataset.content_hash
    assert metrics["config"] == json.loads((confirmed / "configuration.json").read_text())
    assert (metrics["reset"], metrics["merge_gap"], metrics["iterations"]) == ("memory", 3, 5)
    assert [row["iteration"] for row in metrics["history"]] == [2, 4, 5]
    assert metrics["history"][-1]["mAP"] == metrics["validation"]["mAP"]
    for subset in ("validation", "test"):
        measured = {"early", "progression", "online", "segmental", "diagnosis", "calibration", "starts"}
        assert {"mAP", "AP", *measured} <= set(metrics[subset])
    assert metrics["training_seconds"] > 0


def test_both_hold_a_model_folder_that_detects_what_they_did(trained, confirmed, tiny_dataset):
    for folder in (trained, confirmed):
        found = Detector.load(folder / "model").detect_dataset(tiny_dataset, "test")
        assert found == read_detections(folder / "detections.json")


def test_what_a_decode_search_chose_is_what_the_outputs_say_was_used(tiny_dataset, tmp_path):
    job = Job("t", "confirm", str(tiny_dataset.path), SETTINGS, str(tmp_path), "mAP/mean", lambda values: ("none", 7))
    trial = Trial(job, tiny_dataset)
    while not (report := trial.step()).done:
        pass
    assert report.chosen == {"reset": "none", "merge_gap": 7}
    for name in ("metrics.json", "configuration.json"):
        content = json.loads((outputs(tmp_path) / name).read_text())
        assert (content["reset"], content["merge_gap"]) == ("none", 7)


@pytest.mark.parametrize("moment", ["training", "measuring", "writing"])
def test_a_training_that_is_cut_off_anywhere_comes_to_the_same(trained, tiny_dataset, tmp_path, monkeypatch, moment):
    output = tmp_path / "run"

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    def prepare(step, iteration, original=TrainingStep.prepare):
        return killed() if iteration == 3 else original(step, iteration)

    if moment == "training":
        monkeypatch.setattr(TrainingStep, "prepare", prepare)
    else:
        monkeypatch.setattr(measurement, {"measuring": "subset_result", "writing": "write_outputs"}[moment], killed)
    with pytest.raises(KeyboardInterrupt):
        train_detector(CONFIG, tiny_dataset, output)
    monkeypatch.undo()
    assert not (output / "metrics.json").exists()
    train_detector(CONFIG, tiny_dataset, output, resume=True)
    assert metrics_of(output) == metrics_of(trained)
    assert files_of(output) == files_of(trained)


def test_a_training_of_an_older_version_is_taken_up_and_ended(trained, tiny_dataset, tmp_path):
    """Its checkpoint held the last row of the history, and neither report nor losses lay beside it."""
    older = tmp_path / "older"
    shutil.copytree(trained / "checkpoints", older / "checkpoints")
    [file] = older.glob("checkpoints/*/checkpoint.json")
    content = json.loads(file.read_text())
    del content["losses"]
    content["history"] = json.loads((trained / "metrics.json").read_text())["history"]
    file.write_text(json.dumps(content))
    train_detector(CONFIG, tiny_dataset, older, resume=True)
    assert metrics_of(older) == metrics_of(trained)
    assert json.loads((older / "metrics.json").read_text())["training_seconds"] is None


def test_a_finished_training_goes_on_for_longer_where_its_metrics_are_taken_away(trained, tiny_dataset, tmp_path):
    longer = tmp_path / "longer"
    shutil.copytree(trained, longer)
    (longer / "metrics.json").unlink()
    run = train_detector(CONFIG.model_copy(update={"iterations": 7}), tiny_dataset, longer, resume=True)
    assert [row["iteration"] for row in run.history] == [2, 4, 5, 6, 7]
    assert run.iterations == 7
