"""The local store: what a study leaves in it, whatever happened to the process that wrote it."""

import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from tracked_runs import history, runs, small_study

from crescendo.platform.tracking.mlflow_store import STUDY, VERDICT
from crescendo.platform.tracking.sender import Backlog
from crescendo.platform.tracking.tracker import Tracker
from crescendo.reports.source.store_address import local_store, remembered_address
from crescendo.trainables.errors import InputError


def test_runs_of_a_study(output):
    with Tracker(output, "quick") as tracker:
        small_study(tracker)
    found = runs(local_store(output))
    assert found.keys() == {STUDY, "t0", "t1"}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    trial, parent = found["t1"], found[STUDY]
    assert trial.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert trial.data.tags["crescendo.arm"] == "none"
    assert trial.data.params == {"lambda_r": "0.5"}
    assert parent.data.params == {"search.trials": "2"}
    assert parent.data.tags["crescendo.phase"] == "study"
    assert trial.data.metrics == {"validation/mAP/mean": 1.2, "loss": 1 / 3}
    [experiment] = [one for one in MlflowClient(local_store(output)).search_experiments() if one.name == "quick"]
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert experiment.artifact_location == (output / "mlartifacts").as_uri()


def test_many_metrics_parameters_and_odd_values_arrive(output):
    params = {f"p{number}": number for number in range(250)} | {
        "list": [1, 2],
        "none": None,
        "nested": {"a": {"b": "x"}},
    }
    tags = {f"tag{number}": "x" * 9000 for number in range(120)}
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", tags, params)
        tracker.report(STUDY, {f"m{number}": float(number) for number in range(2500)} | {"nan": math.nan}, 0)
        tracker.rows(STUDY, [("AP@0.5 of 'run/jump'", 10, 0.5)])
        tracker.finish(STUDY)
    assert tracker.backlog().refused == 0
    run = runs(local_store(output))[STUDY]
    assert len(run.data.metrics) == 2502
    assert math.isnan(run.data.metrics["nan"])
    assert run.data.params["list"] == "[1, 2]"
    assert run.data.params["none"] == "none"
    assert run.data.params["nested.a.b"] == "x"
    assert len(run.data.params) == 253
    assert run.data.metrics["AP_0.5 of _run/jump_"] == 0.5


def test_tags_of_a_verdict_are_told_once_and_go_when_the_study_is_opened_again(output):
    verdict = {VERDICT: "Two arms are undecided.", f"{VERDICT}.variant=score": "undecided", "empty": ""}
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        assert not tracker.tagged(STUDY, "verdict")
        tracker.finish(STUDY)
        tracker.tag(STUDY, verdict)
        told = (output / "tracking" / "journal.jsonl").read_bytes()
        tracker.tag(STUDY, verdict)
        tracker.tag(STUDY, {"empty": ""})
    run = runs(local_store(output))[STUDY]
    assert (output / "tracking" / "journal.jsonl").read_bytes() == told
    assert run.info.status == "FINISHED"
    expected = {"crescendo.verdict": "Two arms are undecided.", "crescendo.verdict.variant_score": "undecided"}
    assert {name: text for name, text in run.data.tags.items() if "verdict" in name} == expected
    with Tracker(output, "quick") as tracker:
        assert tracker.tagged(STUDY, "verdict")
        tracker.start_study("quick", {}, {})
        assert not tracker.tagged(STUDY, "verdict")
    assert not any("verdict" in name for name in runs(local_store(output))[STUDY].data.tags)


def test_more_tags_than_mlflow_takes_at_once_arrive(output):
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        tracker.tag(STUDY, {f"{VERDICT}.arm{number}": "better" for number in range(150)})
    assert tracker.backlog().refused == 0
    assert sum("verdict.arm" in name for name in runs(local_store(output))[STUDY].data.tags) == 150


def test_resumed_trial_repeats_steps_and_curves_without_a_second_point(output):
    for attempt in range(2):
        with Tracker(output, "quick") as tracker:
            tracker.start_study("quick", {}, {})
            tracker.start_trial("t", "trial", {}, {"lambda_r": 6})
            for step in range(attempt, 3 + attempt):
                tracker.report("t", {"loss": step / 10}, step)
            tracker.rows("t", [("curve", 10, 0.1), ("curve", 20, 0.2)])
            tracker.finish("t", "KILLED", "interrupted; resumable") if attempt == 0 else tracker.finish("t")
            tracker.finish(STUDY)
    points = history(local_store(output))
    assert [(step, value) for step, _, value in points["t", "loss"]] == [
        (0, 0.0),
        (1, 0.1),
        (2, 0.2),
        (3, 0.3),
    ]
    assert [(step, value) for step, _, value in points["t", "curve"]] == [(10, 0.1), (20, 0.2)]
    assert runs(local_store(output))["t"].info.status == "FINISHED"


def test_status_and_reason_of_trials_that_did_not_finish(output):
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        for identity, status, reason in (("a", "FAILED", "loss is NaN at step 7"), ("b", "KILLED", "pruned at step 2")):
            tracker.start_trial(identity, identity, {}, {})
            tracker.finish(identity, status, reason)
        tracker.start_trial("c", "c", {}, {})
        assert tracker.open_trials() == {"c"}
    with Tracker(output, "quick") as tracker:
        assert tracker.open_trials() == {"c"}
        tracker.finish("c")
        assert tracker.open_trials() == frozenset()
    found = runs(local_store(output))
    assert found["a"].info.status == "FAILED"
    assert found["a"].data.tags["crescendo.reason"] == "loss is NaN at step 7"
    assert found["b"].info.status == "KILLED"
    assert found["c"].info.status == "FINISHED"


def test_everything_told_twice_changes_nothing(output):
    with Tracker(output, "quick") as tracker:
        small_study(tracker)
    before = history(local_store(output)), {k: r.to_dictionary() for k, r in runs(local_store(output)).items()}
    (output / "tracking" / "sent.json").unlink()
    with Tracker(output, "quick") as tracker:
        assert tracker.backlog().waiting > 0
    assert (
        history(local_store(output)),
        {k: r.to_dictionary() for k, r in runs(local_store(output)).items()},
    ) == before


def test_artifacts_of_a_run(output):
    folder = output / "trials" / "t"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{}")
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        tracker.start_trial("t", "t", {}, {})
        tracker.artifacts("t", folder)
        tracker.artifacts("t", output / "trials" / "gone")
        tracker.artifact("t", folder / "gone.json")
        tracker.finish("t")
    run = runs(local_store(output))["t"]
    assert [one.path for one in MlflowClient(local_store(output)).list_artifacts(run.info.run_id)] == ["metrics.json"]
    assert tracker.backlog().refused == 2
    refused = (output / "tracking" / "refused.jsonl").read_text()
    assert "no such folder any more" in refused
    assert "no such file any more" in refused
    assert run.info.status == "FINISHED"


def test_nothing_is_written_where_a_store_wants_it_among_files_of_somebody_else(output, tmp_path):
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with closing(sqlite3.connect(output / "mlflow.db")) as store, store:
        store.execute("UPDATE runs SET artifact_uri = ?", (elsewhere.as_uri(),))
    (output / "note.txt").write_text("x")
    with Tracker(output, "quick") as tracker:
        tracker.artifact(STUDY, output / "note.txt")
        backlog = tracker.close()
    assert (backlog.refused, backlog.waiting, list(elsewhere.iterdir())) == (1, 0, [])


def test_a_file_that_is_told_again_replaces_what_the_run_had(output):
    output.mkdir(exist_ok=True)
    for trials in (2, 3):
        (output / "study.json").write_text(str(trials))
        with Tracker(output, "quick") as tracker:
            tracker.start_study("quick", {}, {})
            tracker.artifact(STUDY, output / "study.json")
    run = runs(local_store(output))[STUDY]
    assert list(output.glob("mlartifacts/*/artifacts/*")) == [
        output / "mlartifacts" / run.info.run_id / "artifacts" / "study.json"
    ]
    assert (output / "mlartifacts" / run.info.run_id / "artifacts" / "study.json").read_text() == "3"


def test_parameter_of_an_extended_study_is_kept_as_a_tag(output):
    for trials in (2, 3):
        with Tracker(output, "quick") as tracker:
            tracker.start_study("quick", {}, {"trials": trials})
    run = runs(local_store(output))[STUDY]
    assert run.data.params == {"trials": "2"}
    assert run.data.tags["crescendo.changed.trials"] == "3"


def test_store_that_was_deleted_is_filled_again(output, empty_store):
    with Tracker(output, "quick") as tracker:
        small_study(tracker)
    shutil.copy(empty_store, output / "mlflow.db")
    with Tracker(output, "quick") as tracker:
        tracker.start_trial("t2", "trial 2", {}, {})
        tracker.finish("t2")
    found = runs(local_store(output))
    assert found.keys() == {STUDY, "t0", "t1", "t2"}
    assert found["t1"].data.metrics["validation/mAP/mean"] == 1.2


def test_run_that_a_person_deleted_stays_deleted(output):
    with Tracker(output, "quick") as tracker:
        small_study(tracker)
    client = MlflowClient(local_store(output))
    client.delete_run(runs(local_store(output))["t0"].info.run_id)
    (output / "tracking" / "sent.json").unlink()
    with Tracker(output, "quick"):
        pass
    assert runs(local_store(output)).keys() == {STUDY, "t1"}


def test_a_run_purged_while_the_study_goes_on_doubles_no_other(output):
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        for trial in ("t0", "t1"):
            tracker.start_trial(trial, trial, {}, {})
        while tracker.backlog().waiting:
            time.sleep(0.05)
        store = MlflowClient(local_store(output))._tracking_client.store
        store._hard_delete_run(runs(local_store(output))["t0"].info.run_id)
        tracker.report("t0", {"loss": 0.5}, 1)
        tracker.start_trial("t1", "t1", {}, {})  # tried again
        tracker.finish("t1")
        tracker.finish(STUDY)
    client = MlflowClient(local_store(output))
    [experiment] = [one for one in client.search_experiments() if one.name == "quick"]
    found = [run.data.tags["crescendo.trial"] for run in client.search_runs([experiment.experiment_id])]
    assert sorted(found) == [STUDY, "t1"]


def test_two_studies_of_one_name_share_the_experiment_and_no_run(tmp_path, output):
    for folder in (output, tmp_path / "other"):
        with Tracker(folder, "quick", local_store(output)) as tracker:
            small_study(tracker, trials=1)
    client = MlflowClient(local_store(output))
    [experiment] = [one for one in client.search_experiments() if one.name == "quick"]
    assert len(client.search_runs([experiment.experiment_id])) == 4


KILLED_DRIVER = """
import sys
from pathlib import Path
from crescendo.platform.tracking.mlflow_store import STUDY
from crescendo.platform.tracking.tracker import Tracker
tracker = Tracker(Path(sys.argv[1]), "quick")
tracker.start_study("quick", {}, {})
for trial in range(12):
    tracker.start_trial(f"t{trial}", f"trial {trial}", {}, {"lambda_r": trial})
    for step in range(5):
        tracker.report(f"t{trial}", {"loss": step / 10}, step)
    tracker.finish(f"t{trial}")
tracker.finish(STUDY)
print("said", flush=True)
tracker.close(600)
"""


def test_killed_while_sending_nothing_is_lost_or_doubled(output):
    for sent_enough in (1, 7):
        driver = subprocess.Popen([sys.executable, "-c", KILLED_DRIVER, output], stdout=subprocess.PIPE)
        assert driver.stdout is not None
        driver.stdout.readline()
        give_up = time.monotonic() + 300
        while len(told(output)) < sent_enough and time.monotonic() < give_up:
            time.sleep(0.1)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        driver.stdout.close()
    with Tracker(output, "quick") as tracker:
        pass
    assert tracker.backlog().waiting == 0
    found = runs(local_store(output))
    assert found.keys() == {STUDY, *(f"t{number}" for number in range(12))}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    for points in history(local_store(output)).values():
        assert [step for step, _, _ in points] == [0, 1, 2, 3, 4]


def told(output: Path) -> list[Any]:
    client = MlflowClient(local_store(output))
    found = [one for one in client.search_experiments() if one.name == "quick"]
    return list(client.search_runs([one.experiment_id for one in found])) if found else []


def test_output_of_another_study_is_refused(output):
    Tracker(output, "quick").close()
    with pytest.raises(InputError, match="holds the study 'quick', not 'other'"):
        Tracker(output, "other")
    Tracker(output, "quick").close()


@pytest.mark.parametrize("uri", ["results", "file:///results", "/results/mlflow.db"])
def test_uri_that_is_no_store_is_refused_with_the_remedy(tmp_path, uri):
    with pytest.raises(InputError, match=r"write http://HOST:PORT or sqlite:///FILE\.db"):
        Tracker(tmp_path, "quick", uri)


def test_password_in_a_uri_is_neither_shown_nor_kept(tmp_path):
    tracker = Tracker(tmp_path, "quick", "http://me:secret@127.0.0.1:9")
    assert tracker.destination == "http://127.0.0.1:9"
    tracker.start_study("quick", {}, {})
    assert tracker.close(0.1).waiting > 0
    assert "secret" not in str(tracker.backlog().error)
    assert not any(b"secret" in file.read_bytes() for file in (tmp_path / "tracking").iterdir())
    with pytest.raises(InputError, match=r"are at http://127\.0\.0\.1:9, whose user, password or query is not kept"):
        remembered_address(tmp_path)


def test_an_address_is_remembered_once_it_worked(tmp_path, empty_store):
    nobody, somewhere = "http://127.0.0.1:9", f"sqlite:///{tmp_path}/elsewhere/runs.db"
    Tracker(tmp_path / "out", "quick", nobody).close(0.1)
    assert remembered_address(tmp_path / "out") == nobody  # the only one there was
    with Tracker(tmp_path / "out", "quick", somewhere) as tracker:
        tracker.start_study("quick", {}, {})
    assert remembered_address(tmp_path / "out") == somewhere
    Tracker(tmp_path / "out", "quick", nobody).close(0.1)
    assert remembered_address(tmp_path / "out") == somewhere


def test_a_run_that_went_on_has_no_reason_for_its_end(output):
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        tracker.start_trial("a", "a", {}, {})
        for identity in ("a", STUDY):
            tracker.finish(identity, "KILLED", "interrupted; resumable")
    assert {run.data.tags["crescendo.reason"] for run in runs(local_store(output)).values()} == {
        "interrupted; resumable"
    }
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        tracker.start_trial("a", "a", {}, {})
        for identity in ("a", STUDY):
            tracker.finish(identity)
    for run in runs(local_store(output)).values():
        assert run.info.status == "FINISHED"
        assert "crescendo.reason" not in run.data.tags


def damage(output: Path, **having: str) -> None:
    """Overwrite the first record of the journal that has these fields, as a disk does that loses a block."""
    lines = (output / "tracking" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if having.items() <= json.loads(line).items())
    lines[number] = b"\0" * (len(lines[number]) - 1) + b"\n"
    (output / "tracking" / "journal.jsonl").write_bytes(b"".join(lines))
    (output / "tracking" / "sent.json").unlink()


@pytest.mark.parametrize(
    "lost",
    [
        {"kind": "study"},
        {"kind": "start", "identity": STUDY},
        {"kind": "start", "identity": "t0"},
        {"kind": "finish", "identity": "t0"},
    ],
    ids=lambda lost: " ".join(lost.values()),
)
def test_a_record_that_is_lost_costs_its_own_run_what_it_said_and_no_other_anything(output, empty_store, lost):
    with Tracker(output, "quick") as tracker:
        small_study(tracker)
    before = history(local_store(output))
    damage(output, **lost)
    shutil.copy(empty_store, output / "mlflow.db")
    with Tracker(output, None) as tracker:
        assert tracker.damaged == 1
        assert tracker.begun("t0") == (lost != {"kind": "start", "identity": "t0"})
    assert tracker.backlog() == Backlog(0, 0, None)
    assert history(local_store(output)) == before
    found = runs(local_store(output))
    assert found["t1"].info.run_name == "trial 1"
    assert found["t1"].data.params == {"lambda_r": "0.5"}
    assert {run.data.tags.get("mlflow.parentRunId") for name, run in found.items() if name != STUDY} == {
        found[STUDY].info.run_id
    }
    with Tracker(output, "quick") as tracker:
        tracker.start_trial("t0", "trial 0", {"crescendo.arm": "none"}, {"lambda_r": 0.0})
        tracker.finish("t0")
        tracker.caught_up()
    assert history(local_store(output)) == before
    mended = runs(local_store(output))["t0"]
    assert (mended.info.run_name, mended.data.params, mended.info.status) == (
        "trial 0",
        {"lambda_r": "0.0"},
        "FINISHED",
    )
    with Tracker(output, "quick") as tracker:
        assert tracker.damaged == 0


def test_a_start_that_found_no_room_is_told_when_the_trial_goes_on(output):
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        tracker.finish("t", "KILLED", "interrupted; resumable")  # shorter than its start, it fitted
        tracker.finish(STUDY, "KILLED", "interrupted; resumable")
    assert tracker.backlog() == Backlog(0, 0, None)
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        tracker.start_trial("t", "trial", {}, {"lambda_r": 6})
        tracker.finish("t")
        tracker.finish(STUDY)
    found = runs(local_store(output))
    assert {name: (run.info.status, "crescendo.reason" in run.data.tags) for name, run in found.items()} == {
        STUDY: ("FINISHED", False),
        "t": ("FINISHED", False),
    }
    assert found["t"].info.run_name == "trial"


def test_nothing_outside_the_study_is_sent(output, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("x")
    output.mkdir(exist_ok=True)
    (output / "linked").symlink_to(tmp_path / "secret")
    (output / "holds").mkdir()
    (output / "holds" / "a link").symlink_to(tmp_path / "secret" / "file")
    (output / "pipes").mkdir()
    os.mkfifo(output / "pipes" / "pipe")
    with Tracker(output, "quick") as tracker:
        tracker.start_study("quick", {}, {})
        with pytest.raises(ValueError, match="subpath"):
            tracker.artifact(STUDY, tmp_path / "secret" / "file")
        for name in (str(tmp_path / "secret"), "../secret", "linked", "holds", "pipes"):
            tracker._journal.append({"kind": "folder", "identity": STUDY, "folder": name, "place": "", "time": 1})
        for name in (str(tmp_path / "secret" / "file"), "../secret/file", "linked/file", "pipes/pipe"):
            tracker._journal.append({"kind": "file", "identity": STUDY, "file": name, "time": 1})
        tracker.finish(STUDY)
    assert tracker.backlog().waiting <= 0
    refused = [json.loads(line) for line in (output / "tracking" / "refused.jsonl").read_text().splitlines()]
    assert len(refused) == 9
    assert {"outside" in one["reason"] or "neither" in one["reason"] for one in refused} == {True}
    run = runs(local_store(output))[STUDY]
    assert MlflowClient(local_store(output)).list_artifacts(run.info.run_id) == []


def test_what_was_sent_is_counted_however_soon_it_was(output, tmp_path):
    with Tracker(output, "quick") as tracker:
        small_study(tracker)
    records = len((output / "tracking" / "journal.jsonl").read_text().splitlines())
    other = f"sqlite:///{tmp_path / 'other.db'}"
    tracker = Tracker(output, None, other)
    give_up = time.monotonic() + 300
    while tracker.backlog().waiting and time.monotonic() < give_up:
        time.sleep(0.05)
    assert tracker.close().sent == records
    again = Tracker(output, None, other)
    assert again.close().sent == 0
