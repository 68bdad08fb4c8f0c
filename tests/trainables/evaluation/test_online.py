"""Online results of a trained model: thresholds come from the validation split, and stand beside the other results."""

import json

import numpy as np
import pytest

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.early_warning import alarm_thresholds, rate_key
from crescendo.trainables.evaluation.online import online_detection
from crescendo.trainables.evaluation.protocols import PROTOCOLS
from crescendo.trainables.evaluation.span_scores import span_scores
from crescendo.trainables.inference.decoded_subset import decode_subset
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.training.job import Job, outputs
from crescendo.trainables.training.trial import Trial


def stored_scores(folder, subset):
    store = FrameStore([folder / "scores" / f"{subset}.arrow"])
    return {name: store[name] for name in store.recordings}


def measured(decoded, alarms, protocol="paper"):
    return online_detection(decoded, span_scores(decoded), alarms, PROTOCOLS[protocol])


def test_a_run_keeps_thresholds_of_validation_and_uses_them_on_test(tiny_run, tiny_dataset):
    folder, metrics = tiny_run
    decoded = {
        subset: decode_subset(tiny_dataset, subset, stored_scores(folder, subset), [3])
        for subset in ("validation", "test")
    }
    thresholds = alarm_thresholds(span_scores(decoded["validation"]))
    assert read_json(folder / "metrics.json")["alarms"] == metrics["alarms"] == thresholds
    assert set(thresholds["1/h"]) == set(tiny_dataset.labels[1:])
    for subset in ("validation", "test"):
        found = measured(decoded[subset], thresholds)
        assert metrics[subset]["online"] == json.loads(json.dumps(found.to_json()))


def test_on_validation_no_label_has_more_false_alarms_than_allowed(tiny_run):
    for rate, found in tiny_run[1]["validation"]["online"]["alarms"].items():
        for label in found["labels"].values():
            assert rate_key(label["false_alarms_per_hour"]) == "0/h" or label["false_alarms_per_hour"] <= float(
                rate[:-2]
            )


def test_a_confirmed_trial_measures_test_with_thresholds_of_validation(tiny_run, tiny_dataset, tiny_settings, tmp_path):
    job = Job("a", "confirm", str(tiny_dataset.path), tiny_settings, str(tmp_path / "trial"), "mAP/mean")
    trial = Trial(job, tiny_dataset)
    while not (report := trial.step()).done:
        assert report.results["validation"].online is None
    kept = read_json(outputs(job.folder) / "metrics.json")
    assert kept["test"]["online"] == json.loads(json.dumps(report.results["test"].online.to_json()))
    # The same settings and seed as the training run: the same model, the same thresholds.
    assert kept["alarms"] == tiny_run[1]["alarms"]
    assert kept["test"]["online"] == tiny_run[1]["test"]["online"]


def small(folder, labels):
    """A data set of one recording of ten frames a second, a second for each label in turn."""
    segments = tuple(Segment(label, float(place), place + 1.0) for place, label in enumerate(labels) if label)
    return write_dataset(
        folder,
        DatasetMetadata("small", 10.0, "nothing", "made for the tests", "MIT"),
        Annotations({"a": Recording("test", float(len(labels)), segments)}),
        frames={"a": 10 * len(labels)},
        features=[np.zeros((10 * len(labels), 1), np.float32)],
        feature_dim=1,
    )


def test_under_thumos14_ambiguous_frames_are_neither_right_nor_wrong(tmp_path):
    dataset = small(tmp_path / "data", ("run", "Ambiguous", ""))
    assert dataset.labels == ("background", "Ambiguous", "run")
    scores = np.repeat(np.array([[0.1, 0.0, 0.8], [0.1, 0.0, 0.9], [0.8, 0.1, 0.1]]), 10, axis=0)
    decoded = decode_subset(dataset, "test", {"a": scores}, [3])
    alarms = {"1/h": {"run": 0.0, "Ambiguous": 0.0}}
    strict = measured(decoded, alarms, "thumos14").frame
    assert (strict.labels, strict.ap.tolist()) == (("run",), [1.0])
    plain = measured(decoded, alarms, "paper").frame
    assert plain.labels == ("Ambiguous", "run")
    assert plain.ap[1] == 0.5


def test_a_subset_without_activities_is_refused(tmp_path):
    dataset = small(tmp_path / "data", ("", ""))
    with pytest.raises(InputError, match="no frame within an activity"):
        measured(decode_subset(dataset, "test", {"a": np.ones((20, 1))}, [3]), {})
