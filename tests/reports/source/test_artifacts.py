"""What a run left is read whole, and each damaged file of it is named and left out."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_formats import STORED

from crescendo.reports.source.artifacts import read_artifacts

ROW = {"recording": pa.array(["a"]), "label": pa.array(["run"]), "start": pa.array([0.0]), "end": pa.array([1.0])}


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({**ROW, "score": pa.array([0.5])}, None),
        (ROW, "a column score of double"),
        ({**ROW, "score": pa.array([1])}, "a column score of double"),
        ({**ROW, "score": pa.array([None], pa.float64())}, "without nulls"),
        ({**ROW, "score": pa.array([0.5]), "label": pa.array([b"run"])}, "a column label of string"),
        ({**ROW, "score": pa.array([0.5]), "start": pa.array([[0.0]])}, "a column start of double"),
        ({}, "a column recording of string"),
    ],
)
def test_the_columns_of_a_table_are_those_that_were_written(tmp_path, columns, fault):
    pq.write_table(pa.table(columns), tmp_path / "detections.parquet")
    artifacts, faults = read_artifacts(tmp_path)
    assert (artifacts.detections is None) == (fault is not None)
    assert [fault in one for one in faults] == [True] * (fault is not None)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PAR1" + bytes(50) + b"PAR1"])
def test_a_file_that_is_no_parquet_is_named(tmp_path, content):
    for name in ("detections.parquet", "early_ground_truth.parquet"):
        (tmp_path / name).write_bytes(content)
    artifacts, faults = read_artifacts(tmp_path)
    assert artifacts.detections is artifacts.early_truth is None
    assert [one.split()[0] for one in faults] == ["detections.parquet", "early_ground_truth.parquet"]


@pytest.mark.parametrize("content", ["[]", "null", '{"test": 5}', '{"test": {"mAP": {}, "AP": []}}', "x"])
@pytest.mark.parametrize("name", ["metrics.json", "snapshots.json"])
def test_json_of_another_shape_is_named(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    artifacts, faults = read_artifacts(tmp_path)
    assert artifacts.metrics is None
    assert artifacts.snapshots == {}
    assert [one.split()[0] for one in faults] == ([] if (name, content) == ("snapshots.json", "[]") else [name])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("early", "mAP", "0.30", "0.40"), 0.5),
        (("progression", "score"), [0.5]),
        (("progression", "violations", "margin", "depth"), [0.5]),
        (("online", "alarms", "1/h", "false_alarms"), "few"),
        (("AP", "activity_01"), {"0.30": 1.0}),
    ],
)
def test_figures_that_do_not_fit_together_are_named(tmp_path, path, value):
    content = json.loads((STORED / "training" / "metrics.json").read_text())
    inner = content["test"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    artifacts, faults = read_artifacts(tmp_path)
    assert artifacts.metrics is None
    assert [one.split()[0] for one in faults] == ["metrics.json"]


def test_where_nothing_was_tested_the_figures_are_of_validation(tmp_path):
    content = json.loads((STORED / "training" / "metrics.json").read_text())
    del content["test"]
    (tmp_path / "metrics.json").write_text(json.dumps({**content, "untested": "there is no test part"}))
    artifacts, faults = read_artifacts(tmp_path)
    assert faults == []
    assert artifacts.untested == "there is no test part"
    assert artifacts.metrics is not None
    assert artifacts.metrics.evaluation.to_json()["mAP"] == content["validation"]["mAP"]
