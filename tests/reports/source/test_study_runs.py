"""Studies read from MLflow: whole, unfinished, with failures, with artifacts lacking or damaged, from elsewhere."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from stored_study import told
from tracking_servers import Server

from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.page.sentences import sentences
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.reports.tables.table_set import tables
from crescendo.search_spaces.record import STUDY_FILE, StudyRecord
from crescendo.search_spaces.replicates import SEED_STEP
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.bound_error import BoundError, Quartiles
from crescendo.trainables.evaluation.diagnosis import BINS, Bins, Diagnosis, OutcomeCounts
from crescendo.trainables.evaluation.frame_calibration import FrameCalibration
from crescendo.trainables.evaluation.online import OnlineDetection
from crescendo.trainables.evaluation.outcomes import KINDS
from crescendo.trainables.evaluation.per_frame import FramePrecision
from crescendo.trainables.evaluation.repaired import MISSED
from crescendo.trainables.evaluation.segmental import SegmentalMetrics, SegmentScores
from crescendo.trainables.evaluation.start_detection import StartDetection
from crescendo.trainables.evaluation.warning_summary import Quantiles, WarningSummary

ARMS = ["variant=none", "variant=score", "variant=margin"]


def test_a_finished_study_is_read_whole(golden_runs):
    assert (golden_runs.name, golden_runs.status, golden_runs.baseline) == ("golden", "finished", ARMS[0])
    assert [arm.name for arm in golden_runs.arms] == ARMS
    assert (golden_runs.missing, golden_runs.notes) == ((), ())
    assert golden_runs.study.search.space["lambda_r"].when == {"variant": ("score", "margin")}
    assert set(golden_runs.provenance) >= {"git.commit", "version.torch", "dataset_hash", "device"}
    for arm in golden_runs.arms:
        assert [run.number for run in arm.search] == [0, 1, 2, 3, 4]
        assert {run.state for run in arm.search} == {"finished", "pruned"}
        assert [run.seed for run in arm.confirmed] == list(arm.artifacts) == [0, 1, 2]
        assert [gap for gap, _ in arm.gap_curve] == list(range(13))
        assert arm.best is not None
        assert max(value for _, value in arm.gap_curve) == pytest.approx(arm.best.objective)


def test_an_experiment_is_found_by_name(golden, golden_runs):
    found = read_study_runs("golden", f"sqlite:///{golden / 'mlflow.db'}")
    assert [arm.confirmed for arm in found.arms] == [arm.confirmed for arm in golden_runs.arms]


def test_a_folder_that_was_moved_is_read(golden, tmp_path, golden_model):
    moved = tmp_path / "elsewhere"
    shutil.copytree(golden, moved)
    hidden = golden.rename(golden.with_name("hidden"))
    try:
        found = summarise([read_study_runs(moved)], resamples=200)
    finally:
        hidden.rename(golden)
    assert found.missing == golden_model.missing
    assert found.arms[1].difference == golden_model.arms[1].difference


def test_a_study_made_before_there_were_online_metrics_says_so_and_lacks_nothing_else(golden_model):
    assert golden_model.missing == (
        "9 of 9 confirmed runs are of a version without online metrics: per-frame mAP and early warning are left out for "
        "them.",
    )
    assert not {"online", "segmental", "causes", "by_length_and_place"} & {table.name for table in tables(golden_model)}


def test_online_metrics_are_means_over_seeds_of_what_every_seed_reached(golden_runs):
    def online(seed, median):
        frame = FramePrecision(("run",), np.array([0.5 + 0.1 * seed]), np.array([0.75]))
        seen = Quantiles(median, None)
        return OnlineDetection(frame, {"1/h": WarningSummary(4, 0.5, seen, seen, 8, 2.0 * seed, {})}, 1.0, 0)

    def with_online(arm, median):
        artifacts = {
            seed: replace(one, metrics=replace(one.metrics, online=online(seed, median if seed else 0.25)))
            for seed, one in arm.artifacts.items()
        }
        return replace(arm, artifacts=artifacts)

    first, second, third = golden_runs.arms
    runs = replace(golden_runs, arms=(with_online(first, 0.4), with_online(second, None), third))
    model = summarise([runs], resamples=100)
    none, score, margin = model.arms
    assert none.frame["mAP"].values == pytest.approx((0.5, 0.6, 0.7))
    assert none.alarms["1/h"]["seen_median"].mean == pytest.approx(0.35)
    assert none.alarms["1/h"]["false_alarms_per_hour"].mean == pytest.approx(2.0)
    assert "seen_median" not in score.alarms["1/h"]
    assert (margin.frame, margin.alarms) == ({}, {})
    [said] = model.missing
    assert said.startswith("3 of 9 confirmed runs")
    [table] = [table for table in tables(model) if table.name == "online"]
    assert [row[4].text[:4] for row in table.rows] == ["35.0", "not "]


def test_segmental_measures_are_means_over_seeds_and_confusion_is_of_all_of_them(golden_runs):
    def segmental(seed):
        scores = SegmentScores(0.5 + 0.1 * seed, (0.5, 0.25, 0.0))
        return SegmentalMetrics(("background", "run"), np.array([[6, seed], [1, 3]]), scores, scores)

    first, *others = golden_runs.arms
    artifacts = {
        seed: replace(one, metrics=replace(one.metrics, segmental=segmental(seed)))
        for seed, one in first.artifacts.items()
    }
    model = summarise([replace(golden_runs, arms=(replace(first, artifacts=artifacts), *others))], resamples=100)
    found = model.arms[0].segmental
    assert found.measures["edit"].values == pytest.approx((0.5, 0.6, 0.7))
    assert found.measures["accuracy"].values == pytest.approx((0.9, 9 / 11, 9 / 12))
    assert found.confusion.tolist() == [[18, 3], [3, 9]]
    assert model.arms[1].segmental is None
    assert model.missing[1].startswith("6 of 9 confirmed runs are of a version without segmental measures")
    [table] = [table for table in tables(model) if table.name == "segmental"]
    [row] = table.rows
    assert [cell.text[:4] for cell in row[2:]] == ["60.0", "50.0", "25.0", "0.0 "]
    assert report_json(model)["arms"][0]["segmental"]["confusion"] == [[18, 3], [3, 9]]


def test_causes_are_means_over_seeds_and_differences_are_paired_by_seed(golden_runs):
    def metrics(one, wrong):
        counts = OutcomeCounts(2, dict.fromkeys(KINDS, wrong), 4, 2, 1)
        without = {"double": 0.5 + wrong / 100}
        bins = {
            by: Bins((1.0, 2.0), dict.fromkeys(names, counts), dict.fromkeys(names, without))
            for by, names in BINS.items()
        }
        error = BoundError(Quartiles(-1.0, float(wrong), 3.0), Quartiles(0.0, 1.0, 3.0))
        diagnosis = Diagnosis(0.5, 0.25, counts, dict.fromkeys((*KINDS, MISSED), 0.5), bins, error, None)
        frames = np.array([0] * 12 + [wrong, 0, 2])
        calibration = FrameCalibration(frames, 1.0 * (frames > 0), 0.5 * (frames > 0), 0.75)
        starts = StartDetection(("run",), np.array([[0.25, 0.5, 0.75, 1.0]]))
        seen, late = Quantiles(0.5, None), Quantiles(wrong / 2, None)
        frame = FramePrecision(("run",), np.array([0.5]), np.array([0.75]))
        warnings = {
            "1/h": WarningSummary(4, 0.5, seen, seen, 8, 2.0, {}, None, late, late),
            "10/h": WarningSummary(4, 0.5, seen, seen, 8, 2.0, {}, None, seen, seen),
        }
        online = OnlineDetection(frame, warnings, 1.0, 0)
        found = {"diagnosis": diagnosis, "calibration": calibration, "starts": starts, "online": online}
        return replace(one, metrics=replace(one.metrics, **found))

    first, second, last = golden_runs.arms
    arms = [
        replace(arm, artifacts={seed: metrics(one, start + seed) for seed, one in arm.artifacts.items()})
        for arm, start in ((first, 1), (second, 5))
    ]
    model = summarise([replace(golden_runs, arms=(*arms, last))], resamples=100)
    none, score, margin = (arm.causes for arm in model.arms)
    assert none.iou == "0.50"
    assert none.measures["wrong_label"].values == (0.25, 0.5, 0.75)
    assert none.gain == {}
    assert score.gain["wrong_label"].values == (1.0, 1.0, 1.0)
    assert score.gain["start_error"].mean == 4.0
    assert "end_error" not in score.measures
    theirs, ours = (arm.violations["score/share"].values for arm in model.arms[:2])
    assert score.gain["violations/score/share"].values == pytest.approx(np.subtract(ours, theirs))
    share, depth, shortfall = (model.arms[0].violations[f"score/{of}"].values for of in ("share", "depth", "shortfall"))
    assert shortfall == pytest.approx(np.multiply(share, depth))
    assert none.measures["expected_calibration_error"].mean == 0.5
    assert none.measures["p_mAP/10s"].mean == 1.0
    assert none.bins["place"]["end"]["not_found"].mean == 0.5
    assert none.bins["length"]["long"]["mAP_without/double"].values == pytest.approx((0.51, 0.52, 0.53))
    assert none.bins_gain == {}
    assert score.bins_gain["length"]["short"]["both"].values == (1.0, 1.0, 1.0)
    assert score.bins_gain["place"]["middle"]["mAP_without/double"].values == pytest.approx((0.04, 0.04, 0.04))
    assert none.measures["latency_median"].values == (0.5, 1.0, 1.5)
    assert score.gain["latency_median"].values == (2.0, 2.0, 2.0)
    assert none.reliability[[12, 14]].tolist() == [[6, 1.0, 0.5], [6, 1.0, 0.5]]
    assert margin is None
    assert any(line.startswith("3 of 9 confirmed runs are of a version without diagnosis") for line in model.missing)
    assert "causes" in report_json(model)["arms"][0]
    assert "causes" not in report_json(model)["arms"][2]
    assert {"causes", "by_length_and_place", "mAP_by_length_and_place"} <= {table.name for table in tables(model)}


def test_a_latency_that_a_training_did_not_reach_has_no_mean(golden_runs):
    def metrics(one, late):
        seen = Quantiles(0.5, None)
        frame = FramePrecision(("run",), np.array([0.5]), np.array([0.75]))
        summary = WarningSummary(4, 0.5, seen, seen, 8, 2.0, {}, None, Quantiles(late, None), seen)
        counts = OutcomeCounts(2, dict.fromkeys(KINDS, 1), 4, 2, 1)
        diagnosis = Diagnosis(0.5, 0.25, counts, dict.fromkeys((*KINDS, MISSED), 0.5), {}, None, None)
        online = OnlineDetection(frame, {"2/h": summary}, 1.0, 0)
        return replace(one, metrics=replace(one.metrics, diagnosis=diagnosis, online=online))

    waits = ((1.0, 2.0, 3.0), (1.0, None, 3.0), (4.0, 4.0, 4.0))
    arms = tuple(
        replace(
            arm,
            artifacts={
                seed: metrics(one, late) for (seed, one), late in zip(arm.artifacts.items(), waited, strict=True)
            },
        )
        for arm, waited in zip(golden_runs.arms, waits, strict=True)
    )
    none, score, margin = (arm.causes for arm in summarise([replace(golden_runs, arms=arms)], resamples=50).arms)
    assert none.measures["latency_median"].mean == 2.0
    assert "latency_median" not in score.measures
    assert "latency_median" not in score.gain
    assert margin.gain["latency_median"].values == (3.0, 2.0, 1.0)


def test_folds_and_repeats_are_read_by_their_tags(golden_runs, tmp_path, empty_store):
    def copied(records, fold, repeat):
        for record in records:
            if record["kind"] == "study" or record["identity"] == "study":
                continue
            tags = {**record.get("tags", {}), "crescendo.fold": fold, "crescendo.repeat": str(repeat)}
            if "crescendo.seed" in tags:
                tags |= {"crescendo.seed": str(int(tags["crescendo.seed"]) + SEED_STEP * (repeat - 1))}
            identity = f"{record['identity'][:-2]}{fold}{repeat}"
            own = {"tags": tags | {"crescendo.trial": identity}} if "tags" in record else {}
            yield {**record, "identity": identity, **own}

    def several(records):
        study = [one for one in records if one["kind"] == "study" or one["identity"] == "study"]
        [last] = [one for one in study if one["kind"] == "finish"]
        wanted = [("a", 1), ("b", 1), ("a", 2)]  # the last fold of the second repeat has not begun
        return [
            *(one for one in study if one is not last),
            *(one for fold, repeat in wanted for one in copied(records, fold, repeat)),
            last,
        ]

    output = told(tmp_path / "several", store=empty_store, journal=several)
    study = golden_runs.study.model_copy(update={"folds": ("sets/a", "sets/b"), "repeats": 2})
    record = StudyRecord(study, golden_runs.dataset_hash, {"a": "1", "b": "2"})
    (output / STUDY_FILE).write_text(json.dumps(record.to_json()))
    found = read_study_runs(output)
    assert [one.name for one in found.replicates] == ["fold a", "fold b", "fold a, repeat 2", "fold b, repeat 2"]
    assert [(arm.name, arm.replicate) for arm in found.arms] == [(arm, one) for arm in ARMS for one in found.replicates]
    assert [list(arm.artifacts) for arm in found.arms[:4]] == [[0, 1, 2], [0, 1, 2], [10_000, 10_001, 10_002], []]
    assert (
        "Arm variant=none, fold b, repeat 2: 0 of 3 seeds are confirmed; lacking: 10000, 10001, 10002." in found.missing
    )
    model = summarise([found], resamples=100)
    assert [one.name for one in model.arms[0].replicates] == [one.name for one in found.replicates]
    verdict = model.arms[1].difference["mAP/iou_0.50"].verdict
    assert verdict.unfit is not None


def test_an_unfinished_study_says_what_is_missing(tmp_path, empty_store):
    def cut(records):
        first = next(
            place for place, record in enumerate(records) if "variant=score confirm 1" in record.get("name", "")
        )
        return records[: first + 1]

    model = summarise([read_study_runs(told(tmp_path / "cut", store=empty_store, journal=cut))], resamples=200)
    text = "\n".join(model.missing)
    assert "The study was killed, as far as this machine can tell" in text
    assert "Arm variant=score: 1 of 3 seeds is confirmed; lacking: 1, 2." in text
    assert "Arm variant=margin: 0 of 3 seeds are confirmed; lacking: 0, 1, 2." in text
    assert "Detection of arm variant=score is not compared: it shares fewer than two seeds with the baseline." in text
    assert [len(arm.seeds) for arm in model.arms] == [3, 1, 0]
    assert model.arms[1].detection["0.50"].low is None
    answers = dict(sentences(model))
    assert answers["variant=score"] == "not compared with variant=none: it takes two seeds that both have."
    assert answers["variant=margin"] == "not compared with variant=none: none of its seeds is confirmed yet."
    made = {table.name: table for table in tables(model)}
    assert "differences" not in made
    assert [row[0].text for row in made["ablation"].rows] == ARMS[:2]
    assert [row[0].text for row in made["search"].rows] == ARMS


def test_a_study_of_which_nothing_is_confirmed_has_the_tables_of_its_search(tmp_path, empty_store):
    def cut(records):
        first = next(place for place, record in enumerate(records) if " confirm " in record.get("name", ""))
        return records[:first]

    model = summarise([read_study_runs(told(tmp_path / "cut", store=empty_store, journal=cut))], resamples=200)
    assert "No arm is confirmed yet: there are no results on the test split." in model.missing
    assert [table.name for table in tables(model)] == ["search", "cost", "provenance"]
    assert model.iou == ("0.30", "0.50", "0.70")


def test_failed_trials_are_counted_and_an_interrupted_study_says_so(tmp_path, empty_store):
    def broken(records):
        identities = {record["name"]: record["identity"] for record in records if record["kind"] == "start"}
        fails = {identities["variant=none search 4"], identities["variant=margin confirm 2"]}
        for record in records:
            if record["kind"] == "finish" and record["identity"] in fails:
                record |= {"status": "FAILED", "reason": "DivergedError: the loss is nan"}
            if record["kind"] == "finish" and record["identity"] == "study":
                record |= {"status": "KILLED", "reason": "interrupted; resumable"}
        return records

    found = read_study_runs(told(tmp_path / "broken", store=empty_store, journal=broken))
    model = summarise([found], resamples=200)
    assert model.arms[0].search.counts["failed"] == 1
    assert "Arm variant=none: 1 of 5 trials of the search phase failed: DivergedError: the loss is nan." in model.notes
    assert (
        "Arm variant=margin: 1 of 3 trials of the confirm phase failed: DivergedError: the loss is nan." in model.notes
    )
    assert model.missing[0] == "The study was interrupted: this is what it had come to."
    assert "Arm variant=margin: 2 of 3 seeds are confirmed; lacking: 2." in model.missing
    assert model.arms[2].difference["mAP/iou_0.50"].seeds == (0, 1)


def test_confirmations_of_a_setting_that_is_no_longer_the_best_are_left_out_and_said(tmp_path, empty_store):
    def overtaken(records):
        best = next(one["identity"] for one in records if one.get("name") == "variant=none search 0")
        for record in records:
            if record["kind"] == "finish" and record["identity"] == best:
                record |= {"status": "FAILED", "reason": "lost"}
        return records

    model = summarise([read_study_runs(told(tmp_path / "more", store=empty_store, journal=overtaken))], resamples=100)
    assert "3 finished confirmations are of a setting that is no longer its best" in "\n".join(model.notes)
    assert model.arms[0].seeds == ()
    assert dict(sentences(model))["variant=score"] == (
        "not compared with variant=none: the baseline is not confirmed yet."
    )


def test_what_artifacts_lack_is_left_out_and_said(golden, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(golden, broken)
    places = sorted(broken.glob("mlartifacts/*/artifacts"))
    (places[0] / "detections.parquet").unlink()
    (places[1] / "early_detections.parquet").write_bytes(b"PAR1 no more")
    for place in places:
        (place / "snapshots.json").unlink()
        (place / "scores.arrow").unlink(missing_ok=True)
    model = summarise([read_study_runs(broken)], resamples=200)
    text = "\n".join(model.missing)
    assert "the run's artifacts lack detections.parquet." in text
    assert "early_detections.parquet is damaged" in text
    assert "The runs kept no frame scores" in text
    assert "The runs kept no curves from training" in text
    assert not any(arm.snapshots for arm in model.arms)
    assert any(len(one.seeds) == 2 for arm in model.arms for one in arm.difference.values())


@pytest.mark.parametrize("name", ["golden", "nowhere"])
def test_what_is_no_study_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no such folder; name a study's output folder, or its experiment with"):
        read_study_runs(name)
    with pytest.raises(InputError, match="no study was tracked here"):
        read_study_runs(tmp_path)


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(InputError, match="there is no MLflow store"):
        read_study_runs("golden", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert not list(tmp_path.iterdir())


def test_an_unknown_experiment_is_named(golden):
    with pytest.raises(InputError, match="holds no experiment 'goldem'"):
        read_study_runs("goldem", f"sqlite:///{golden / 'mlflow.db'}")


@pytest.mark.parametrize("uri", ["runs", "file:///tmp/runs"])
def test_a_store_that_mlflow_does_not_take_is_refused(uri):
    with pytest.raises(InputError, match="MLflow keeps runs in a database or on a server"):
        read_study_runs("golden", uri)


def test_a_server_that_is_away_is_said_in_one_line():
    with pytest.raises(InputError, match="cannot be read from") as error:
        read_study_runs("golden", "http://127.0.0.1:9")
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_study_on_a_server_is_read_by_its_folder_and_by_its_name(tmp_path, golden_model):
    (tmp_path / "server").mkdir()
    server = Server(tmp_path / "server")
    server.start()
    try:
        output = told(tmp_path / "golden", uri=server.uri)
        by_folder, by_name = read_study_runs(output), read_study_runs("golden", server.uri)
    finally:
        server.kill()
    for found in (by_folder, by_name):
        model = summarise([found], resamples=200)
        assert model.missing == golden_model.missing
        assert model.arms[1].difference == golden_model.arms[1].difference
        assert model.arms[1].early_difference == golden_model.arms[1].early_difference
