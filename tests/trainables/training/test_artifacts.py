"""What a confirmed trial leaves beside its metrics: snapshots of progression and some frame scores."""

import json
from dataclasses import replace

import numpy as np
import pytest

from crescendo.reports.source.artifacts import read_artifacts
from crescendo.trainables.data.dataset import write_dataset
from crescendo.trainables.data.groups import Groups
from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.evaluation.result_format import in_seconds
from crescendo.trainables.inference.decoding import decode
from crescendo.trainables.training.job import Job, outputs
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
    grouped = write_dataset(
        tmp_path / "grouped",
        tiny_dataset.metadata,
        replace(tiny_dataset.annotations, recordings=people, groups_are="people"),
        frames={name: tiny_dataset.frames(name) for name in recordings},
        features=(tiny_dataset.features(name) for name in recordings),
        feature_dim=tiny_dataset.feature_dim,
        labels=tiny_dataset.labels[1:],
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
