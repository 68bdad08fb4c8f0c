"""`crescendo study plan`: what it says and refuses, in one process."""

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from crescendo.platform.cli import app
from crescendo.reports.planning.clock import hours_text
from crescendo.reports.planning.sources import Hours, Settings, Sources, Spread

SETTINGS = Settings((-8.0, -4.0, -2.5, -1.5, -0.5, 0.0, 0.5, 0.9, 1.2, 1.4, 1.5), (0.8, 0.4, 1.0, 0.6, 0.7), 1.1)
FOLDED = Sources(
    study="folded", dataset="hapt", dataset_hash="", measure="mAP/iou_0.50", primary="detection", groups=(6,) * 5,
    groups_are="people", repeats=1, seeds=2, compared=4, trials=3, finalists=1, finalist_seeds=0,
    spread=Spread(group=2.2, seed=1.2, together=1.7, search=1.1), settings=SETTINGS,
    hours=Hours(0.02, 0.03, 1, 0, 1000), split=(9, 5),
)  # fmt: skip


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Call the command with a report of `FOLDED`, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str, sources: Sources = FOLDED, study: str = "loss_ablation") -> tuple[int, str]:
        (tmp_path / "report.json").write_text(json.dumps({"sources": sources.to_json()}), encoding="utf-8")
        measured = () if "--from" in arguments else ("--from", "report.json")
        done = CliRunner().invoke(app, ["study", "plan", study, *measured, *arguments])
        return done.exit_code, done.stdout + (str(done.exception) if done.exception else "")

    return called


def test_trainings_hours_and_what_they_show(plan, tmp_path):
    code, said = plan("--json", "plan.json", "--detect", "2.5")
    assert code == 0, said
    assert all(len(line) <= 80 for line in said.splitlines())
    words = " ".join(said.split())
    assert "as written 125 trainings: 75 trials, 50 confirmations; 3 h, one after the other." in words
    written = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert written["written"]["trainings"] == 125
    assert written["reaching"]["outlook"]["detectable"] <= 2.5 < written["written"]["outlook"]["detectable"]
    assert written["half"]["trainings"] <= 62
    assert written["sources"] == FOLDED.to_json()
    assert f"Shows a difference of {written['written']['outlook']['detectable']:.1f} points" in words
    assert "--set repeats=" in words


def test_hours_are_said_as_people_say_them():
    shown = [hours_text(seconds / 3600) for seconds in (5, 99, 100, 5400, 6000, 19_200, 36_000, 111_600)]
    assert shown == ["5 s", "99 s", "2 min", "90 min", "1 h 40 min", "5 h 20 min", "10 h", "31 h"]


def test_hours_are_those_of_a_few_timed_steps_of_every_arm(tmp_path, tiny_dataset):
    tiny = "{hidden_size: 8, sequences: 8, sequence_length: 30, iterations: 30, evaluate_every: 15}"
    study = tmp_path / "tiny.yaml"
    study.write_text(f"name: tiny\ndataset: {tiny_dataset.path}\nbase: {tiny}\nablate: {{variant: [none, score]}}\n")
    done = CliRunner().invoke(app, ["study", "validate", str(study), "--set", "budget={hours: 0.5}"])
    assert done.exit_code == 0, done.output
    [line] = [line for line in done.stdout.splitlines() if line.startswith("  hours")]
    assert re.search(
        r"about \d+ s of training, one after the other.*by 10 steps of each of 2 arms and a little scoring; "
        r"as it is written, with a budget of 0.5 h$",
        line,
    )
    sources = replace(FOLDED, hours=None).to_json()
    (tmp_path / "report.json").write_text(json.dumps({"sources": sources}), encoding="utf-8")
    done = CliRunner().invoke(app, ["study", "plan", str(study), "--from", str(tmp_path / "report.json")])
    assert "Hours are those of 10 iterations of each arm, timed here" in done.output, done.exception


def test_recordings_that_are_the_limit_are_said_in_one_sentence(plan):
    _, said = plan()
    words = " ".join(said.split())
    assert "1 point No number of trainings shows them: the recordings are the limit." in words
    assert "on these 30 people; it takes about" in words


def test_without_folds_the_groups_of_the_split_count(plan):
    code, said = plan("--set", "folds=null", "--set", "search.trials=20", "--set", "confirm.seeds=[0, 1, 2]")
    assert code == 0, said
    words = " ".join(said.split())
    assert "as written 115 trainings" in words
    assert "since one search does not show its own luck" in words
    _, refused = plan("--set", "folds=null", "--set", "confirm.seeds=[0, 1]")
    assert "No answer would come of it: 2 seeds are too few, it takes 3." in " ".join(refused.split())
    _, unknown = plan("--set", "folds=null", sources=replace(FOLDED, split=None))
    assert "What it would show is not known" in " ".join(unknown.split())


def test_until_decided_counts_with_all_the_seeds_it_may_take(plan):
    code, said = plan("--set", "confirm={until: decided, seeds: 3, at_most: 6}", "--detect", "2.5")
    assert code == 0, said
    assert "as written 225 trainings: 75 trials, 150 confirmations" in " ".join(said.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--detect", "0"], "--detect: must be more than 0 points"),
        (
            ["--set", "primary=early"],
            "asks about mAP/iou_0.50 in early, but report.json measured mAP/iou_0.50 in detection",
        ),
        (["--set", "folds=own"], "its data set is not here"),
        (["--from", "nowhere"], "nowhere: no such folder"),
        (["--from", "nowhere.json"], "nowhere.json"),
    ],
)
def test_what_cannot_be_planned_is_said(plan, arguments, said):
    code, found = plan(*arguments)
    assert code != 0
    assert said in found


def shipped_plan(study, *arguments):
    done = CliRunner().invoke(app, ["study", "plan", study, *arguments])
    assert done.exit_code == 0, done.exception
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("study", "by", "trainings", "untold"),
    [
        ("findings_hapt", "by findings_hapt on hapt: 5 folds, 30 people tested", 275, None),
        (
            "findings_tug",
            "by findings_tug on tug-sp: 5 folds, 23 people tested",
            275,
            "what the 23 people vary by themselves was estimated as 0, which may be luck: it may take more people",
        ),
        (
            "findings_gtea",
            "by findings_gtea on gtea: 4 folds, 4 people tested",
            220,
            "each fold tests one of the 4 people, so what these vary is not told from what seeds and searches do",
        ),
    ],
)
def test_the_studies_of_the_findings_are_planned_without_their_data(
    tmp_path, monkeypatch, study, by, trainings, untold
):
    monkeypatch.chdir(tmp_path)
    said = shipped_plan(study, "--json", "plan.json")
    assert by in said
    assert f"as written {trainings} trainings" in said
    assert "hours not known; name --dataset or --from" in said
    found = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert (found["untold"] is None) == (untold is None)
    if untold is not None:
        assert untold in said
        assert said.endswith("1 point No design is named: it would rest on what is not told.")
        assert found["reaching"] is found["limit"] is found["wanted"] is None
    else:
        assert "not told" not in said


def test_what_groups_vary_is_told_where_it_was_measured(plan):
    _, said = plan("--detect", "2.5")
    assert "not told" not in said
    assert "hours not known" not in " ".join(said.split())
    alone = replace(FOLDED, groups=(1,) * 5)
    _, said = plan("--detect", "2.5", sources=alone)
    assert "each fold tests one of the 5 people" in " ".join(said.split())


def test_a_data_set_without_figures(plan, tmp_path):
    done = CliRunner().invoke(app, ["study", "plan", "quick"])
    assert "synthetic: no figures of this data set ship" in str(done.exception)
