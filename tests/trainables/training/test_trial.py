"""A trial goes on from its folder, whenever it was cut off, and says what it would have said."""

import json
import sys
from dataclasses import replace

import pytest
import torch

from crescendo.trainables.errors import InputError
from crescendo.trainables.training import scored_subset
from crescendo.trainables.training.checkpoint_folders import newest
from crescendo.trainables.training.job import Job, outputs
from crescendo.trainables.training.step import TrainingStep
from crescendo.trainables.training.trial import Trial
from crescendo.trainables.training.validation_report import ValidationReport, last_report, metric_value

SETTINGS = {
    "hidden_size": 8,
    "sequences": 4,
    "sequence_length": 20,
    "bptt": 10,
    "iterations": 5,
    "evaluate_every": 2,
    "threads": 1,
    "variant": "margin",
    "iou": [0.3, 0.5],
    "fractions": [0.5, 1.0],
}


def job(dataset, folder, phase="search", decode=None, **settings) -> Job:
    return Job("t", phase, str(dataset.path), {**SETTINGS, **settings}, str(folder), "mAP/iou_0.50", decode)


def said(report: ValidationReport) -> dict:
    """What a report says of the model, without how long it took."""
    plain = replace(report, seconds=0.0, frames_per_second=0.0)
    return json.loads(json.dumps(plain.to_json()))


def play(one: Trial) -> list[ValidationReport]:
    reports = [one.step()]
    while not reports[-1].done:
        reports.append(one.step())
    return reports


@pytest.fixture(scope="module")
def undisturbed(tiny_dataset, tmp_path_factory):
    return [said(one) for one in play(Trial(job(tiny_dataset, tmp_path_factory.mktemp("calm")), tiny_dataset))]


def test_it_reports_at_every_validation_and_at_the_end(undisturbed):
    assert [one["iteration"] for one in undisturbed] == [2, 4, 5]
    assert [one["done"] for one in undisturbed] == [False, False, True]


@pytest.mark.parametrize("heard", [0, 1, 2, 3])
def test_cut_off_after_any_report_it_repeats_that_one_and_goes_on_the_same(tiny_dataset, undisturbed, tmp_path, heard):
    first = Trial(job(tiny_dataset, tmp_path), tiny_dataset)
    for _ in range(heard):
        first.step()
    resumed = [said(one) for one in play(Trial(job(tiny_dataset, tmp_path), tiny_dataset))]
    assert resumed == undisturbed[max(heard - 1, 0) :]


@pytest.mark.parametrize(("trained", "checkpoint"), [(3, "iteration-000000003"), (4, "iteration-000000004")])
def test_cut_off_between_reports_it_goes_on_from_the_last_checkpoint(
    tiny_dataset, undisturbed, tmp_path, monkeypatch, trained, checkpoint
):
    often = replace(job(tiny_dataset, tmp_path), checkpoint_seconds=-1.0)
    first = Trial(often, tiny_dataset)
    first.step()

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    def prepare(step, iteration, original=TrainingStep.prepare):
        return killed() if iteration == trained else original(step, iteration)

    monkeypatch.setattr(TrainingStep, "prepare", prepare)
    monkeypatch.setattr(scored_subset, "evaluate_decoded", killed)
    with pytest.raises(KeyboardInterrupt):
        first.step()
    monkeypatch.undo()
    assert newest(tmp_path).name == checkpoint
    assert last_report(tmp_path).iteration == 2
    resumed = play(Trial(often, tiny_dataset))
    assert [said(one) for one in resumed] == undisturbed


def test_a_trial_of_an_older_version_goes_on_from_where_that_kept_its_checkpoint(tiny_dataset, undisturbed, tmp_path):
    first = Trial(job(tiny_dataset, tmp_path), tiny_dataset)
    first.step()
    [checkpoint] = (tmp_path / "checkpoints").iterdir()
    checkpoint.rename(tmp_path / checkpoint.name)
    metadata = json.loads((tmp_path / checkpoint.name / "checkpoint.json").read_text())
    del metadata["losses"]
    (tmp_path / checkpoint.name / "checkpoint.json").write_text(json.dumps(metadata))
    (tmp_path / "checkpoints").rmdir()
    assert newest(tmp_path) == tmp_path / "iteration-000000002"
    assert [said(one) for one in play(Trial(job(tiny_dataset, tmp_path), tiny_dataset))] == undisturbed
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "report.json"}
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["iteration-000000005"]


def test_decode_settings_are_searched_when_it_is_trained_on_validation_alone(tiny_dataset, tmp_path):
    asked = []

    def decode(values):
        asked.append(values("memory", [0, 5, 10]))
        asked.append(values("none", [5]))
        return "none", 5

    reports = play(Trial(job(tiny_dataset, tmp_path, decode=decode), tiny_dataset))
    assert len(asked) == 2
    assert reports[-1].chosen == {"reset": "none", "merge_gap": 5}
    assert reports[-1].objective == asked[1][0]
    assert [(reset, gap) for reset, gap, _ in reports[-1].tried] == [
        ("memory", 0),
        ("memory", 5),
        ("memory", 10),
        ("none", 5),
    ]
    assert reports[0].chosen == {"reset": "memory", "merge_gap": 20}
    assert set(reports[-1].results) == {"validation"}
    assert not outputs(tmp_path).exists()


def test_only_a_confirmed_trial_reads_the_test_split_and_only_when_trained(tiny_dataset, tmp_path, monkeypatch):
    read: set[str] = set()
    features = type(tiny_dataset).features

    def noting(self, recording):
        read.add(self.annotations.recordings[recording].subset)
        return features(self, recording)

    monkeypatch.setattr(type(tiny_dataset), "features", noting)
    play(Trial(job(tiny_dataset, tmp_path / "search"), tiny_dataset))
    assert "test" not in read
    confirm = Trial(job(tiny_dataset, tmp_path / "confirm", phase="confirm"), tiny_dataset)
    confirm.step()
    assert "test" not in read
    last = play(confirm)[-1]
    assert "test" in read
    assert {"mAP", "AP", "early", "progression"} <= set(last.results["test"].to_json())
    names = {path.name for path in outputs(tmp_path / "confirm").iterdir()}
    assert {"detections.parquet", "ground_truth.parquet", "metrics.json", "configuration.json"} <= names


def test_the_objective_is_the_metric_that_was_asked_for(tiny_dataset, tmp_path):
    done = play(Trial(replace(job(tiny_dataset, tmp_path), metric="mAP/mean"), tiny_dataset))[-1]
    assert done.objective == done.results["validation"].evaluation.mean
    with pytest.raises(ValueError, match="not in list"):
        metric_value(
            Trial(job(tiny_dataset, tmp_path / "b"), tiny_dataset)._trainer.evaluate("validation"), "mAP/iou_0.90"
        )


def test_a_setting_that_is_none_is_named_with_the_trial(tiny_dataset, tmp_path):
    with pytest.raises(InputError, match="trial t: hidden_size"):
        Trial(job(tiny_dataset, tmp_path, hidden_size=0), tiny_dataset)


def test_it_uses_the_threads_it_is_told(tiny_dataset, tmp_path):
    before = torch.get_num_threads()
    try:
        Trial(job(tiny_dataset, tmp_path, threads=1), tiny_dataset)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_loss_of_ones_own_is_found_where_the_study_was_begun(tiny_dataset, tmp_path, monkeypatch):
    """A worker works in another folder than the sweep."""
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "loss_of_this_test.py").write_text(
        "def mine(probabilities, labels, *, background, state):\n    return probabilities[..., background], None\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    elsewhere = job(tiny_dataset, tmp_path / "trial", variant="loss_of_this_test:mine")
    with pytest.raises(InputError, match="the module loss_of_this_test cannot be imported"):
        Trial(elsewhere, tiny_dataset)
    found = Trial(replace(elsewhere, plugin_folder=str(tmp_path / "begun")), tiny_dataset)
    assert found.step().losses["ranking"] > 0
