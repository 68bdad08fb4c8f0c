"""`generate-report` on studies that really ran, finished, cut short and damaged."""

import io
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import redirect_stdout
from importlib.metadata import entry_points
from pathlib import Path

import pandas as pd
import pytest

from crescendo.platform.commands.report import main
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.record import record_study
from crescendo.platform.studies.settings import resolve_settings
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tracking.tracker import Tracker
from crescendo.platform.tracking.watcher import StudyWatcher
from crescendo.reports import read_results
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.search_spaces.loading import parse_study
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.trial import Trial

STUDY = """
name: {name}
description: Does the margin help on {{a}} <tiny> set?
dataset: {dataset}
base: {{hidden_size: 8, layers: 1, fc7_size: 0, sequences: 4, sequence_length: 20, bptt: 10, iterations: 4, evaluate_every: 2}}
ablate: {{variant: [none, margin]}}
search:
  trials: 2
  space: {{lambda_r: {{low: 1.0, high: 10.0, log: true, when: {{variant: margin}}}}, learning_rate: [0.01, 0.02]}}
decode: {{merge_gap: {{low: 0, high: 10}}, reset: [memory, none]}}
confirm: {{seeds: [0, 1]}}
resources: {{cpus: 1, concurrent: 2}}
"""


def conducted(output: Path, dataset: Dataset, name: str, trials: int | None = None) -> Path:
    """Run a study in this process, without Ray, or as many trials of it as named."""
    study = parse_study(STUDY.format(dataset=dataset.path, name=name), "study.yaml", (), resolve_settings)
    place, ledger = Workspace(output, str(dataset.path), dataset.content_hash), Ledger(output)
    record_study(study, place, extend=False)
    with Tracker(output, study.name, None) as tracker:
        tracked = StudyWatcher(study, place, tracker)
        run = StudyRun(study, ledger, place, (tracked,))
        tracked.begin(run)
        with tracked.left(run):
            while (trials is None or trials > 0) and (jobs := run.next_jobs()):
                [job] = jobs
                trial = Trial(job, dataset)
                while not run.report(job.identity, trial.step()):
                    pass
                trials = None if trials is None else trials - 1
    ledger.close()
    return output


@pytest.fixture(scope="module")
def finished(tiny_dataset, empty_store, tmp_path_factory):
    output = tmp_path_factory.mktemp("report") / "finished"
    output.mkdir()
    shutil.copy(empty_store, output / "mlflow.db")
    return conducted(output, tiny_dataset, "finished")


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `generate-report` in this process; return what it said, on stdout and on stderr."""

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["generate-report", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert (end.value.code or 0) == code, said.err
        return said

    return run


@pytest.fixture(scope="module")
def reported(finished):
    """The report of the finished study, and what the command printed."""
    [script] = entry_points(group="console_scripts", name="generate-report")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setattr(sys, "argv", ["generate-report", str(finished)])
        with pytest.raises(SystemExit) as end:
            script.load()()
    assert not end.value.code
    return finished / "report", printed.getvalue()


def files(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_finished_study_gives_the_whole_folder(reported):
    folder, printed = reported
    found = files(folder)
    assert {"report.html", "report.md", "report.json"} <= set(found)
    for name in (
        "ablation",
        "early_detection",
        "observed_fraction",
        "online",
        "segmental",
        "causes",
        "by_length_and_place",
        "search",
        "per_label",
        "cost",
        "provenance",
    ):
        assert {f"tables/{name}.{ending}" for ending in ("csv", "tex", "md")} <= set(found)
    for name in (
        "difference_to_baseline",
        "mAP_against_iou",
        "time_to_detection",
        "confusion_matrix",
        "false_positives",
        "mAP_without",
        "reliability",
        "progression_while_training",
        "mAP_against_lambda_r",
        "timeline_3",
    ):
        assert {f"figures/{name}.{ending}" for ending in ("svg", "pdf", "png", "csv")} <= set(found)
    assert "is left out" not in found["report.html"].decode()
    assert "Does the margin help on {a} &lt;tiny&gt; set?" in found["report.html"].decode()
    assert f"open {(folder / 'report.html').as_uri()}" in printed
    assert "variant=margin: " in printed
    figures = json.loads(found["report.json"])["figures"]
    assert len(figures["mAP_against_iou"]["rows"]) == 8


def test_online_metrics_of_confirmed_runs_are_in_mlflow_with_a_curve_over_rates(finished):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{finished / 'mlflow.db'}")
    [experiment] = [one for one in client.search_experiments() if one.name == "finished"]
    runs = client.search_runs([experiment.experiment_id], "tags.`crescendo.phase` = 'confirm'")
    assert len(runs) == 4
    for run in runs:
        metrics = run.data.metrics
        assert {"test/frame_mAP", "test/frame_cAP", "test/online/detected/1_per_hour"} <= set(metrics)
        curve = client.get_metric_history(run.info.run_id, "test/curve/online/detected")
        assert [point.step for point in curve] == [5, 10, 20, 50, 100, 200, 500]
        assert curve[1].value == metrics["test/online/detected/1_per_hour"]
        assert not any(name.startswith("validation/online") for name in metrics)


def test_the_study_is_read_from_its_folder_from_its_run_and_from_parameters_alike(finished, tiny_dataset, tmp_path):
    study = parse_study(STUDY.format(dataset=tiny_dataset.path, name="finished"), "study.yaml", (), resolve_settings)
    store = f"sqlite:///{finished / 'mlflow.db'}"
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy, ignore=shutil.ignore_patterns("report", "study.json"))
    assert read_study_runs(finished).study == study
    assert list(finished.glob("mlartifacts/*/artifacts/study.json")) != []
    assert read_study_runs("finished", store).study == study
    assert list(copy.rglob("study.json")) == []
    with sqlite3.connect(copy / "mlflow.db") as database:
        database.execute("UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?)", (str(finished), str(copy)))
    assert read_study_runs(copy).study == study


@pytest.mark.parametrize("damage", ["[]", '{"study": {"name": "a"}, "dataset_hash": "b"}', "no json"])
def test_a_study_that_cannot_be_read_is_said_in_a_line(command, finished, tmp_path, damage):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy, ignore=shutil.ignore_patterns("report", "mlartifacts"))
    (copy / "study.json").write_text(damage)
    said = command(copy, code=2)
    assert said.err.startswith(f"error: {copy / 'study.json'}: ")
    assert said.err.count("\n") == 1


@pytest.fixture
def study_of_another(finished, tmp_path, monkeypatch):
    """A finished study whose matching rule is in a module of its author's, and the folder it came in, now the working folder."""
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "theirs"
    shutil.copytree(finished, output, ignore=shutil.ignore_patterns("report"))
    content = json.loads((output / "study.json").read_text())
    content["study"]["base"]["protocol"] = f"rules_{tmp_path.name}:RULE"
    (output / "study.json").write_text(json.dumps(content))
    (tmp_path / f"rules_{tmp_path.name}.py").write_text(
        "from crescendo.trainables.evaluation.protocols import DEFAULT_RULE as RULE\nopen('it ran', 'w').close()\n"
    )
    return output


def test_a_studys_own_matching_rule_is_not_run_unasked(command, study_of_another, tmp_path):
    said = command(study_of_another, code=2)
    assert said.err.count("\n") == 1
    assert said.err.startswith(
        f"error: finished: protocol: names rules_{tmp_path.name}:RULE, code that does not come with"
    )
    assert "pass --allow-plugin" in said.err
    with pytest.raises(InputError, match="allow_plugin=True"):
        read_results(study_of_another, resamples=50)
    assert not (tmp_path / "it ran").exists()
    assert not (study_of_another / "report").exists()


def test_a_studys_own_matching_rule_that_is_not_there_is_said_in_a_line(command, study_of_another, tmp_path):
    (tmp_path / f"rules_{tmp_path.name}.py").unlink()
    said = command(study_of_another, "--allow-plugin", code=2)
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"error: finished: protocol: rules_{tmp_path.name}:RULE: the module ")
    assert "it must lie in the working folder, on PYTHONPATH, or be installed" in said.err
    assert not (study_of_another / "report").exists()


def test_a_studys_own_matching_rule_is_used_where_that_is_allowed(study_of_another, finished, tmp_path):
    ours, theirs = read_results(finished, resamples=50), read_results(study_of_another, resamples=50, allow_plugin=True)
    pd.testing.assert_frame_equal(theirs.differences, ours.differences)
    assert (tmp_path / "it ran").exists()


@pytest.mark.slow
def test_a_second_report_replaces_the_first_and_is_the_same(command, reported, finished):
    folder, _ = reported
    before = files(folder)
    (folder / "stale.txt").write_text("of an older report")
    command(finished)
    assert files(folder) == before


def test_a_folder_that_is_no_report_is_left_alone(command, finished, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    said = command(finished, "--out", tmp_path, code=2)
    assert said.err == f"error: {tmp_path}: holds something that is no report; choose another folder with --out\n"
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_is_no_study_is_said_in_a_line(command, tmp_path):
    said = command(tmp_path / "nothing", "--out", tmp_path / "report", code=2)
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "report").exists()


def test_an_unfinished_study_is_reported_and_says_what_is_missing(command, tiny_dataset, output, tmp_path):
    conducted(output, tiny_dataset, "unfinished", trials=5)
    said = command(output, "--out", tmp_path / "report")
    assert "missing: " in said.err
    page = (tmp_path / "report" / "report.html").read_text()
    assert (
        page.index("unfinished is stopped")
        < page.index("This report is not complete")
        < page.index('<p class="question">')
    )


@pytest.mark.slow
def test_without_artifacts_the_parts_that_need_them_are_left_out(command, finished, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy, ignore=shutil.ignore_patterns("report", "scores.arrow", "snapshots.json"))
    # The store names the place of its artifacts.
    with sqlite3.connect(copy / "mlflow.db") as store:
        for table, column in (("runs", "artifact_uri"), ("experiments", "artifact_location")):
            store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(finished), str(copy)))
    command(copy)
    page = (copy / "report" / "report.html").read_text()
    assert "Scores along an activity, while training</strong> is left out" in page
    assert "kept no frame scores" in page


@pytest.mark.slow
def test_studies_are_compared_and_each_has_its_own_part(command, finished, tiny_dataset, output, tmp_path):
    conducted(output, tiny_dataset, "other")
    command(finished, output, "--out", tmp_path / "report")
    found = files(tmp_path / "report")
    assert {"tables/ablation.csv", "tables/1-finished-ablation.csv", "tables/2-other-ablation.csv"} <= set(found)
    page = found["report.html"].decode()
    assert page.index("The studies compared") < page.index("The study finished") < page.index("The study other")
    assert "finished: variant=margin" in found["tables/ablation.csv"].decode()


def test_studies_on_different_data_are_refused(command, finished, output, tmp_path):
    from crescendo.trainables.data.synthetic import synthesize

    other = synthesize(tmp_path / "data", recordings=4, labels=3, feature_dim=4)
    conducted(output, other, "elsewhere", trials=1)
    said = command(finished, output, "--out", tmp_path / "report", code=2)
    assert "another data set" in said.err
    assert not (tmp_path / "report").exists()


@pytest.mark.slow
def test_crescendo_report_is_the_same_command(finished, reported, tmp_path):
    crescendo = Path(sys.executable).with_name("crescendo")
    subprocess.run([crescendo, "report", finished, "--out", tmp_path / "report"], check=True, capture_output=True)
    assert files(tmp_path / "report") == files(reported[0])
