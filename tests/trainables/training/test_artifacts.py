"""What a confirmed trial leaves beside its metrics: snapshots of progression and some frame scores."""

import json
from dataclasses import replace

import numpy as np
import pytest

from crescendo.reports.source.artifacts import read_artifacts
from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import write_dataset
from crescendo.trainables.data.groups import Groups
from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.detector import Detector
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import in_seconds
from crescendo.trainables.inference.decoding import decode
from crescendo.trainables.training.job import Job, outputs
from crescendo.trainables.training.listeners import SilentListener
from crescendo.trainables.training.train import train_detector
from crescendo.trainables.training.trial import Trial

SETTINGS = {
    "variant": "score", "hidden_size": 8, "layers": 1, "sequences": 4, "sequence_length": 20, "bptt": 10,
    "iterations": 6, "evaluate_every": 2, "optimizer": "adam", "learning_rate": 0.01, "learning_rate_step": 0,
    "fc7_size": 0, "merge_gap": 3, "seed": 0, "threads": 1, "device": "cpu",
}  # fmt: skip


def run(trial):
    while not trial.step().done:
        pass


@pytest.fixture(scope="module")
def confirmed(tiny_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("confirmed") / "trial"
    trial = Trial(Job("a", "confirm", str(tiny_dataset.path), SETTINGS, str(folder), "mAP/mean"), tiny_dataset)
    run(trial)
    return outputs(folder)


def annotated(dataset, annotations, folder, labels=None):
    """The recordings of `annotations` with their features in `dataset`."""
    names = list(annotations.recordings)
    return write_dataset(
        folder,
        dataset.metadata,
        annotations,
        frames={name: dataset.frames(name) for name in names},
        features=(dataset.features(name) for name in names),
        feature_dim=dataset.feature_dim,
        labels=dataset.labels[1:] if labels is None else labels,
    )


def snapshots(folder):
    return json.loads((folder / "snapshots.json").read_text())


def test_a_confirmed_trial_keeps_the_progression_of_validation_at_each_report(confirmed):
    kept = snapshots(confirmed)
    assert [one["iteration"] for one in kept] == [2, 4, 6]
    for one in kept:
        assert np.subtract(one["score"], one["worst_negative"]) == pytest.approx(one["margin"])


def test_taken_up_again_a_trial_leaves_the_same_snapshots(confirmed, tiny_dataset, tmp_path):
    job = Job("a", "confirm", str(tiny_dataset.path), SETTINGS, str(tmp_path / "trial"), "mAP/mean")
    Trial(job, tiny_dataset).step()
    stray = [*snapshots(outputs(job.folder)), {"iteration": 5, "score": []}]
    (outputs(job.folder) / "snapshots.json").write_text(json.dumps(stray))
    run(Trial(job, tiny_dataset))
    assert snapshots(outputs(job.folder)) == snapshots(confirmed)


def test_the_scores_kept_are_those_that_were_decoded(confirmed, tiny_dataset):
    import pyarrow.parquet as pq

    store = FrameStore([confirmed / "scores.arrow"])
    assert list(store.recordings) == sorted(tiny_dataset.recordings("test"))[:3]
    assert store.metadata["labels"] == list(tiny_dataset.labels)
    written = pq.read_table(confirmed / "detections.parquet").to_pylist()
    for recording in store.recordings:
        found = in_seconds(decode(store[recording], SETTINGS["merge_gap"]), tiny_dataset.labels, tiny_dataset.fps)
        assert [tuple(one) for one in found] == [
            (row["label"], row["start"], row["end"], row["score"]) for row in written if row["recording"] == recording
        ]


def test_the_groups_of_test_recordings_are_kept_for_the_report(confirmed, tiny_dataset, tmp_path):
    assert "groups" not in json.loads((confirmed / "metrics.json").read_text())
    recordings = tiny_dataset.annotations.recordings
    people = {name: replace(one, group=f"person {number % 2}") for number, (name, one) in enumerate(recordings.items())}
    grouped = annotated(
        tiny_dataset, replace(tiny_dataset.annotations, recordings=people, groups_are="people"), tmp_path / "grouped"
    )
    assert grouped.content_hash != tiny_dataset.content_hash
    folder = tmp_path / "trial"
    run(Trial(Job("a", "confirm", str(grouped.path), SETTINGS, str(folder), "mAP/mean"), grouped))
    found, faults = read_artifacts(outputs(folder))
    assert not faults
    assert found.groups == Groups({name: people[name].group for name in grouped.recordings("test")}, "people")


def test_a_search_trial_leaves_none(tiny_dataset, tmp_path):
    job = Job("a", "search", str(tiny_dataset.path), SETTINGS, str(tmp_path / "trial"), "mAP/mean")
    run(Trial(job, tiny_dataset))
    assert not outputs(job.folder).exists()


@pytest.mark.parametrize("protocol", ["thumos14", "activitynet"])
def test_a_test_part_of_ambiguous_segments_tests_nothing_where_the_protocol_leaves_them_out(
    tiny_dataset, tmp_path, protocol
):
    recordings = {
        name: replace(one, segments=tuple(replace(segment, label="Ambiguous") for segment in one.segments))
        if one.subset == "test"
        else one
        for name, one in tiny_dataset.annotations.recordings.items()
    }
    annotations = replace(tiny_dataset.annotations, recordings=recordings)
    dataset = annotated(tiny_dataset, annotations, tmp_path / "data", labels=annotations.labels())
    settings = {**SETTINGS, "protocol": protocol}
    finished = train_detector(configuration(settings), dataset, tmp_path / "run")
    run(Trial(Job("a", "confirm", str(dataset.path), settings, str(tmp_path / "trial"), "mAP/mean"), dataset))
    reason = "all test segments are Ambiguous, which the protocol does not score" if protocol == "thumos14" else None
    assert (finished.untested, "test" in finished.results) == (reason, reason is None)
    metrics = json.loads((outputs(tmp_path / "trial") / "metrics.json").read_text())
    assert ("test" in metrics, metrics.get("untested")) == (reason is None, reason)


@pytest.mark.parametrize("part", [True, False])
def test_without_segments_to_test_a_training_is_scored_on_validation_and_says_so(tiny_dataset, tmp_path, part):
    recordings = {
        name: replace(one, segments=() if one.subset == "test" else one.segments)
        for name, one in tiny_dataset.annotations.recordings.items()
        if part or one.subset != "test"
    }
    dataset = annotated(tiny_dataset, replace(tiny_dataset.annotations, recordings=recordings), tmp_path / "data")
    reason = "none of the 4 test recordings has a segment" if part else "there is no test part"
    told, listener = [], SilentListener()
    listener.noted = told.append
    finished = train_detector(configuration(SETTINGS), dataset, tmp_path / "run", listener)
    assert told[0] == f"nothing will be tested: {reason}"
    folder = tmp_path / "trial"
    run(Trial(Job("a", "confirm", str(dataset.path), SETTINGS, str(folder), "mAP/mean"), dataset))
    for place in (tmp_path / "run", outputs(folder)):
        metrics = json.loads((place / "metrics.json").read_text())
        assert ("test" in metrics, metrics["untested"]) == (False, reason)
        assert metrics["validation"]["mAP"] == finished.results["validation"].metrics.to_json()["mAP"]
        assert Detector.load(place / "model").labels == dataset.labels
        found, faults = read_artifacts(place)
        assert (faults, found.untested) == ([], reason)
        assert set(found.truth["recording"].to_pylist()) <= set(dataset.recordings("validation"))


@pytest.mark.parametrize("part", ["training", "validation"])
def test_without_segments_in_a_part_that_is_needed_nothing_begins(tiny_dataset, tmp_path, part):
    recordings = {
        name: replace(one, segments=() if one.subset == part else one.segments)
        for name, one in tiny_dataset.annotations.recordings.items()
    }
    dataset = annotated(tiny_dataset, replace(tiny_dataset.annotations, recordings=recordings), tmp_path / "data")
    with pytest.raises(InputError, match=f"data: none of the 4 {part} recordings has a segment: "):
        train_detector(configuration(SETTINGS), dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()
