"""From a run to a model folder, an ONNX step, an MLflow model."""

import json
import shutil

import numpy as np
import pytest
from finished_runs import command, training, trial
from stored_formats import STORED
from tracking_servers import Server

from crescendo.platform.tracking.tracker import Tracker
from crescendo.reports.source.store import mlflow_client
from crescendo.reports.source.store_address import local_store
from crescendo.trainables.detector import Detector
from crescendo.trainables.evaluation.result_format import read_detections
from crescendo.trainables.training.job import outputs
from crescendo.trainables.training.validation_report import last_report


@pytest.fixture(scope="module")
def run(tiny_dataset, tmp_path_factory):
    return training(tiny_dataset, tmp_path_factory.mktemp("export") / "run")


@pytest.fixture(scope="module")
def confirmed(tiny_dataset, tmp_path_factory):
    return trial(tiny_dataset, tmp_path_factory.mktemp("export") / "trial")


def exported(*arguments):
    done = command("export", *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def refused(*arguments) -> str:
    done = command("export", *arguments)
    assert done.exit_code == 1
    message = str(done.exception)
    assert len(message.splitlines()) == 1
    return message


def test_a_training_folder_becomes_a_detector_that_detects_what_the_run_did(run, tiny_dataset, tmp_path):
    said = exported(run, tmp_path / "model")
    assert "lstm, 3 labels, 6 features at 5 frames a second, reset memory, merge gap 3 frames, alarms at 0.5/h" in said
    assert "Not calibrated: 0.5/h, 1/h, " in said
    detector = Detector.load(tmp_path / "model")
    assert detector.detect_dataset(tiny_dataset, "test") == read_detections(run / "detections.json")
    assert detector.metadata.alarms == json.loads((run / "metrics.json").read_text())["alarms"]
    assert detector.metadata.training["settings"]["hidden_size"] == 8


def test_a_confirmed_trial_is_exported_with_the_reset_and_gap_it_was_confirmed_with(confirmed, tiny_dataset, tmp_path):
    exported(confirmed, tmp_path / "model")
    metadata = Detector.load(tmp_path / "model").metadata
    chosen = last_report(confirmed).chosen
    assert (metadata.reset, metadata.merge_gap) == (chosen["reset"], chosen["merge_gap"])
    assert metadata.reset == "state"
    assert metadata.alarms == json.loads((outputs(confirmed) / "metrics.json").read_text())["alarms"]


def test_a_confirmed_trial_leaves_the_same_model_among_its_outputs(confirmed, tmp_path):
    exported(confirmed, tmp_path / "model")
    for name in ("detector.json", "model.safetensors"):
        assert (outputs(confirmed) / "model" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_an_mlflow_run_is_exported_from_its_artifacts(confirmed, output, tmp_path):
    with Tracker(output, "tiny") as tracker:
        tracker.start_study("tiny", {}, {})
        for identity, phase in (("t", "confirm"), ("s", "search")):
            tracker.start_trial(identity, identity, {"crescendo.phase": phase}, {})
        tracker.artifacts("t", shutil.copytree(outputs(confirmed), output / "trials" / "t" / "outputs"))
        assert tracker.close(60).waiting == 0
    client = mlflow_client(local_store(output))
    experiment = client.get_experiment_by_name("tiny")
    runs = {one.data.tags["crescendo.trial"]: one.info.run_id for one in client.search_runs([experiment.experiment_id])}
    exported(runs["t"], tmp_path / "one", "--study", output)
    exported(f"runs:/{runs['t']}", tmp_path / "other", "--tracking-uri", local_store(output))
    for folder in ("one", "other"):
        assert Detector.load(tmp_path / folder).metadata == Detector.load(outputs(confirmed) / "model").metadata
    assert "has no artifact model/ (its phase is search)" in refused(runs["s"], tmp_path / "x", "--study", output)
    assert "cannot be read from" in refused("0" * 32, tmp_path / "x", "--study", output)
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_a_run_on_a_server_is_exported_and_registered_there(confirmed, tmp_path):
    server = Server(tmp_path)
    server.start()
    try:
        with Tracker(tmp_path / "study", "tiny", server.uri) as tracker:
            tracker.start_study("tiny", {}, {})
            tracker.start_trial("t", "t", {"crescendo.phase": "confirm"}, {})
            tracker.artifacts("t", shutil.copytree(outputs(confirmed), tmp_path / "study" / "trials" / "t" / "outputs"))
            assert tracker.close(60).waiting == 0
        client = mlflow_client(server.uri)
        experiment = client.get_experiment_by_name("tiny").experiment_id
        [run] = client.search_runs([experiment], "tags.`crescendo.trial` = 't'")
        there = ("--tracking-uri", server.uri)
        said = exported(run.info.run_id, tmp_path / "model", *there, "--register", "steps")
        assert "registered as models:/steps/1" in said
        assert Detector.load(tmp_path / "model").metadata == Detector.load(outputs(confirmed) / "model").metadata
        exported(run.info.run_id, tmp_path / "again", "--study", tmp_path / "study")
    finally:
        server.kill()
    assert "cannot be read from" in refused(run.info.run_id, tmp_path / "x", *there)


def test_where_registering_fails_nothing_is_left(run, empty_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = shutil.copy(empty_store, tmp_path / "mlflow.db")
    for form in ("folder", "onnx"):
        there = ("--format", form, "--tracking-uri", f"sqlite:///{store}", "--register", "no/name")
        assert refused(run, tmp_path / "out" / "model", *there).startswith("--register no/name: ")
        assert not list((tmp_path / "out").iterdir())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mlflow.db", "out"]


def test_a_study_is_exported_at_its_best_confirmed_run(tmp_path):
    said = exported(STORED / "study", tmp_path / "best")
    assert "of 2 arms, seed 0: best of its 1 confirmed run on the validation split" in said
    exported(STORED / "study", tmp_path / "model", "--arm", "variant=margin")
    training = Detector.load(tmp_path / "model").metadata.training
    assert training["settings"]["variant"] == "margin"


def test_an_export_that_cannot_choose_lists_what_there_is(run, tmp_path):
    assert "there are variant=none: 1 confirmed run;" in refused(STORED / "study", tmp_path / "model", "--arm", "score")
    assert "is no study" in refused(run, tmp_path / "model", "--arm", "score")
    shutil.copytree(run, tmp_path / "results" / "first")
    shutil.copytree(STORED / "study", tmp_path / "results" / "study")
    message = refused(tmp_path / "results", tmp_path / "model")
    assert message.endswith(f"name one: {tmp_path / 'results' / 'first'}, {tmp_path / 'results' / 'study'}")


def test_a_model_folder_is_exported_again_in_another_form(run, tmp_path):
    exported(run, tmp_path / "model")
    exported(tmp_path / "model", tmp_path / "step.onnx", "--format", "onnx")
    assert (tmp_path / "step.onnx").stat().st_size > 1000


def test_an_older_checkpoint_needs_its_data_set(run, tiny_dataset, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(run, older, ignore=shutil.ignore_patterns("model"))
    [checkpoint] = older.glob("checkpoints/*/checkpoint.json")
    content = json.loads(checkpoint.read_text())
    del content["dataset"]
    checkpoint.write_text(json.dumps(content))
    assert "name the data set it was trained on with --dataset" in refused(older, tmp_path / "model")
    exported(older, tmp_path / "model", "--dataset", tiny_dataset.path)
    exported(run, tmp_path / "same")
    assert Detector.load(tmp_path / "model").metadata == Detector.load(tmp_path / "same").metadata


def test_a_network_fine_tuned_on_pixels_is_no_detector(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("model"))
    [checkpoint] = copy.glob("checkpoints/*/checkpoint.json")
    content = json.loads(checkpoint.read_text())
    content["config"]["model"] = "vgg19"
    checkpoint.write_text(json.dumps(content))
    assert "pass the folder to `crescendo data extract --weights`" in refused(copy, tmp_path / "model")


def test_another_data_set_is_refused(run, tiny_dataset, tmp_path):
    copy = tmp_path / "other"
    shutil.copytree(tiny_dataset.path, copy)
    content = json.loads((run / "metrics.json").read_text())
    assert content["dataset"]["content_hash"] == tiny_dataset.content_hash
    done = command("data", "synthesize", tmp_path / "synthetic", "--recordings", "3")
    assert done.exit_code == 0, done.output
    message = refused(run, tmp_path / "model", "--dataset", tmp_path / "synthetic")
    assert "is not the data set that" in message


def test_runs_that_are_not_finished_or_none_are_refused(run, tiny_dataset, tmp_path):
    half = tmp_path / "half"
    shutil.copytree(run, half)
    (half / "metrics.json").unlink()
    assert "the training is not finished" in refused(half, tmp_path / "model")
    searched = trial(tiny_dataset, tmp_path / "searched", phase="search")
    assert "is a trial that was not confirmed" in refused(searched, tmp_path / "model")
    (tmp_path / "empty").mkdir()
    assert "holds no run" in refused(tmp_path / "empty", tmp_path / "model")
    assert "no such folder; for the id of an MLflow run" in refused("abc", tmp_path / "model")
    assert "name the MLflow store" in refused(run, tmp_path / "model", "--register", "name")
    (tmp_path / "there").mkdir()
    assert "exists already" in refused(run, tmp_path / "there")
    assert not (tmp_path / "model").exists()


def test_the_trained_scores_and_those_of_the_exported_detector_are_one(run, tiny_dataset, tmp_path):
    """Standardisation travels with the weights: raw features go in."""
    exported(run, tmp_path / "model")
    weights = Detector.load(tmp_path / "model").model
    assert np.abs(weights.mean.numpy()).max() > 0.01
    assert np.abs(weights.scale.numpy() - 1).max() > 0.01
