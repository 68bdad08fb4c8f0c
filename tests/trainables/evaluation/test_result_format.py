"""ActivityNet's result format, read and written."""

import gzip
import json

import pytest

from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import Detection, in_seconds, read_detections, write_detections
from crescendo.trainables.inference.decoding import decode


def test_what_is_written_is_read_again(tmp_path):
    found = {"a": [Detection("run", 0.25, 1.5, 0.875), Detection("walk", 0.1, 0.3, 1 / 3)], "empty": []}
    write_detections(tmp_path / "found.json", found)
    assert read_detections(tmp_path / "found.json") == found
    content = json.loads((tmp_path / "found.json").read_text())
    assert set(content) == {"version", "results", "external_data"}
    assert content["results"]["a"][0] == {"segment": [0.25, 1.5], "label": "run", "score": 0.875}


def test_reads_gzip(tmp_path):
    content = {"results": {"a": [{"segment": [0, 1], "label": "run", "score": 1}]}}
    (tmp_path / "found.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    assert read_detections(tmp_path / "found.json.gz") == {"a": [Detection("run", 0.0, 1.0, 1.0)]}


def test_spans_are_given_in_seconds():
    spans = decode([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.9, 0.1]], 0)
    assert in_seconds(spans, ("background", "run"), 4.0) == [Detection("run", 0.25, 0.75, pytest.approx(0.7))]


def entry(**changes):
    return {"segment": [0.0, 1.0], "label": "run", "score": 0.5, **changes}


def without(key):
    return {name: value for name, value in entry().items() if name != key}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "'results'"),
        ({"database": {}}, "'results'"),
        ({"results": {"a": {}}}, "must be a list"),
        ({"results": {"a": ["x"]}}, "no object"),
        ({"results": {"a": [without("score")]}}, "lacks the key 'score'"),
        ({"results": {"a": [without("segment")]}}, "lacks the key 'segment'"),
        ({"results": {"a": [entry(segment=[1.0])]}}, "segment"),
        ({"results": {"a": [entry(segment=[2.0, 1.0])]}}, "ends before it starts"),
        ({"results": {"a": [entry(score=float("nan"))]}}, "score nan"),
        ({"results": {"a": [entry(score="high")]}}, "score 'high'"),
        ({"results": {"a": [entry(score=True)]}}, "score True"),
        ({"results": {"a": [entry(label="fly")]}}, "'fly'"),
        ({"results": {"a": [entry(label=["run"])]}}, "label"),
        ({"results": {"a": [entry(), entry(label="fly"), entry(score=None)]}}, r"detection 1 .*1 more fault"),
    ],
)
def test_faults_name_the_file_and_the_detection(tmp_path, content, message):
    path = tmp_path / "found.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(InputError, match=message) as caught:
        read_detections(path, {"run"})
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.json"):
        read_detections(tmp_path / "none.json")
