"""`crescendo evaluate --online`, as a user calls it."""

import json
import shutil
import sys

import pytest

from crescendo.platform import cli
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.storage.json_files import read_json, write_json


@pytest.fixture
def run(tiny_run):
    return tiny_run[0]


@pytest.fixture
def evaluate(monkeypatch, capsys):
    def called(*options):
        monkeypatch.setattr(sys, "argv", ["crescendo", "evaluate", *map(str, options)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        return stopped.value.code, out, err

    return called


def test_the_runs_own_figures_are_those_computed_anew(evaluate, run, tiny_dataset):
    stored, anew = (evaluate("--online", run, "--json", *more) for more in ((), ("--dataset", tiny_dataset.path)))
    assert stored == anew
    assert stored[0] == 0
    found = json.loads(stored[1])
    assert found["subset"] == "test"
    assert list(found["alarms"]) == ["0.5/h", "1/h", "2/h", "5/h", "10/h", "20/h", "50/h"]
    assert found["frame_mAP"] == read_json(run / "metrics.json")["test"]["online"]["frame_mAP"]


def test_what_thresholds_rest_on_is_said(evaluate, run, tiny_dataset):
    found = json.loads(evaluate("--online", run, "--json")[1])
    hours = read_json(run / "metrics.json")["validation"]["online"]["hours"]
    one = found["alarms"]["1/h"]
    low, high = one["false_alarms_per_hour_interval"]
    assert low <= one["false_alarms_per_hour"] <= high
    calibration = {"validation_hours": hours, "allowed_false_alarms": 0, "calibrated": False, "same_as": "0.5/h"}
    assert one["calibration"] == calibration
    shown = evaluate("--online", run)[1]
    assert "1/h * =" in shown
    assert "* not calibrated; = the thresholds of a lower rate" in shown


def test_the_split_and_the_rates_can_be_chosen(evaluate, run, tiny_dataset):
    options = ("--online", run, "--subset", "validation", "--json")
    code, out, _ = evaluate(*options, "--alarm", "rate=10/h", "--alarm", "rate=1/h")
    assert (code, json.loads(out)["subset"], list(json.loads(out)["alarms"])) == (0, "validation", ["10/h", "1/h"])
    code, out, _ = evaluate(*options, "--alarm", "rate=3/h", "--dataset", tiny_dataset.path)
    assert (code, list(json.loads(out)["alarms"])) == (0, ["3/h"])


def test_tables(evaluate, run):
    code, out, err = evaluate("--online", run)
    assert (code, err) == (0, "")
    assert "cAP" in out
    assert "jump" in out
    assert "50/h" in out
    assert "test split" in out


def test_what_does_not_fit_together_is_refused(evaluate, run, tiny_dataset, tmp_path):
    synthesize(tmp_path / "other", recordings=6, labels=3, feature_dim=6)
    old = tmp_path / "old"
    shutil.copytree(run, old)
    metrics = read_json(old / "metrics.json")
    del metrics["test"]["online"], metrics["validation"]
    write_json(old / "metrics.json", metrics)
    few = tmp_path / "few"
    shutil.copytree(run, few, ignore=shutil.ignore_patterns("scores"))
    for options, said in (
        (("--online", few, "--dataset", tiny_dataset.path), "keeps no frame scores of all "),
        (("--online", run, "--iou", "0.5"), "--iou: belongs to detections in files"),
        (("--online", run, "--detections", "d.json"), "--detections: belongs to detections in files"),
        (("--online", run, "--clip"), "--clip: belongs to detections in files"),
        (("--alarm", "rate=1/h"), "--alarm: belongs to --online"),
        (("--dataset", tiny_dataset.path, "--subset", "test"), "--dataset: belongs to --online"),
        (("--allow-plugin",), "--allow-plugin: belongs to --online"),
        (("--online", run, "--alarm", "rate=3/h"), "has thresholds for 0.5/h, 1/h"),
        (("--online", run, "--alarm", "1"), "expected rate=NUMBER/h"),
        (("--online", run, "--subset", "training"), "was scored on test, validation alone"),
        (("--online", run, "--dataset", tmp_path / "other"), "is not the one"),
        (("--online", tmp_path), "holds no metrics.json"),
        (("--online", old), "pass --dataset to compute them now"),
        (("--online", old, "--subset", "validation"), "was scored on test alone"),
    ):
        code, out, err = evaluate(*options)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert said in err
        assert len(err.splitlines()) == 1


def test_a_run_of_an_older_version_is_computed_from_its_scores(evaluate, run, tiny_dataset, tmp_path):
    shutil.copytree(run, tmp_path / "old")
    metrics = read_json(tmp_path / "old" / "metrics.json")
    del metrics["test"]["online"], metrics["validation"]["online"], metrics["alarms"]
    write_json(tmp_path / "old" / "metrics.json", metrics)
    code, out, _ = evaluate("--online", tmp_path / "old", "--dataset", tiny_dataset.path, "--json")
    assert code == 0
    assert out == evaluate("--online", run, "--json")[1]


def test_a_runs_own_matching_rule_is_imported_only_where_that_is_allowed(
    evaluate, run, tiny_dataset, tmp_path, monkeypatch
):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    metrics = read_json(copy / "metrics.json")
    write_json(copy / "metrics.json", {**metrics, "config": {**metrics["config"], "protocol": "rules_of_the_run:RULE"}})
    (tmp_path / "rules_of_the_run.py").write_text(
        "from crescendo.trainables.evaluation.protocols import DEFAULT_RULE as RULE\nopen('it ran', 'w').close()\n"
    )
    monkeypatch.chdir(tmp_path)
    options = ("--online", copy, "--json")
    assert evaluate(*options)[0] == 0
    code, out, err = evaluate(*options, "--dataset", tiny_dataset.path)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "metrics.json: protocol: names rules_of_the_run:RULE, code that does not come with Crescendo" in err
    assert "pass --allow-plugin" in err
    assert not (tmp_path / "it ran").exists()
    code, out, _ = evaluate(*options, "--dataset", tiny_dataset.path, "--allow-plugin")
    assert code == 0
    assert out == evaluate("--online", run, "--json")[1]
