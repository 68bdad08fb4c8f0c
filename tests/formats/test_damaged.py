"""Every JSON file that is read back, with one value of it replaced by any other: it is read, or refused in one line."""

import copy
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_formats import STORED

from crescendo.platform.studies.record import read_record
from crescendo.reports.source.artifacts import read_artifacts
from crescendo.trainables.data.annotations import read_annotations
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector import Detector
from crescendo.trainables.detector.trained import read_trained
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.result_format import read_detections
from crescendo.trainables.training.checkpoints import read_model
from crescendo.trainables.training.validation_report import last_report

OLD = "training/checkpoints/iteration-000000080"
CONFIRMED = "study/trials/60243703d57392b4"
READERS = {
    "data/dataset.json": lambda folder: Dataset(folder / "data"),
    "data/annotations.json": lambda folder: (
        read_annotations(folder / "data/annotations.json"),
        Dataset(folder / "data"),
    ),
    "lstm/detector.json": lambda folder: Detector.load(folder / "lstm"),
    "lstm.detections.json": lambda folder: read_detections(folder / "lstm.detections.json"),
    "training/metrics.json": lambda folder: read_trained(folder / "training"),
    f"{OLD}/checkpoint.json": lambda folder: (read_model(folder / OLD), read_trained(folder / "training")),
    f"{CONFIRMED}/report.json": lambda folder: last_report(folder / CONFIRMED),
    f"{CONFIRMED}/outputs/metrics.json": lambda folder: read_artifacts(folder / CONFIRMED / "outputs"),
    f"{CONFIRMED}/outputs/snapshots.json": lambda folder: read_artifacts(folder / CONFIRMED / "outputs"),
    "study/study.json": lambda folder: read_record(folder / "study"),
}
VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        0.5,
        10**30,
        float("nan"),
        "",
        "x",
        "\n",
        [],
        [1],
        [[]],
        [None, "a"],
        {},
        {"a": 1},
        {"": {}},
        "a:b",
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(STORED, tmp_path_factory.mktemp("damaged") / "stored")


def paths(content, above=()):
    """Every place in a JSON value; of long lists the first few."""
    yield above
    inside = (
        content.items() if isinstance(content, dict) else enumerate(content[:3]) if isinstance(content, list) else ()
    )
    for key, value in inside:
        yield from paths(value, (*above, key))


def replaced(content, path, value, *, removed):
    if not path:
        return value
    changed = copy.deepcopy(content)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if removed:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_another_value_anywhere_is_read_or_refused_in_one_line(folder: Path, name: str, data: st.DataObject) -> None:
    whole = json.loads((STORED / name).read_text())
    path = data.draw(st.sampled_from(list(paths(whole))))
    (folder / name).write_text(json.dumps(replaced(whole, path, data.draw(VALUES), removed=data.draw(st.booleans()))))
    said = lines_said(READERS[name], folder)
    shutil.copy(STORED / name, folder / name)
    assert len(said) <= 1 or name.endswith("checkpoint.json")  # which has a line for each wrong setting


def lines_said(reader, folder):
    try:
        reader(folder)
    except InputError as error:
        return str(error).splitlines()
    return []
