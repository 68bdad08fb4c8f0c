"""What users wrote, as the commands show it: whatever it is, and on terminals of any kind."""

import io
import json
import sys

import numpy as np
import pytest

from crescendo.platform.cli import main
from crescendo.platform.studies.settings import load_study
from crescendo.trainables.config_files import read_settings
from crescendo.trainables.data.annotations import read_annotations
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.text import visible

LABELS = ("[red]x[/blue]", "[/]", ":smile:", "naïve ± …", "中文", "\x1b[31mred", "=1+1", "<b>", "a|b", "\u202ex")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with annotations, detections, a data set and a study, all with such labels and names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    segments = [{"segment": [number, number + 1], "label": label} for number, label in enumerate(LABELS)]
    database = {
        f"{subset} [bold]": {"subset": subset, "duration": 20.0, "annotations": segments}
        for subset in ("training", "validation", "test")
    }
    (tmp_path / "truth.json").write_text(json.dumps({"version": "1", "taxonomy": [], "database": database}))
    found = {name: [{**one, "score": 1.0} for one in segments] for name in database}
    (tmp_path / "found.json").write_text(json.dumps({"version": "1", "results": found, "external_data": {}}))
    annotations = read_annotations(tmp_path / "truth.json")
    frames = dict.fromkeys(annotations.recordings, 40)
    write_dataset(
        tmp_path / "data [x]",
        DatasetMetadata(name="[red]", fps=2.0, features="[b]", source="[/blue]", licence="[/]"),
        annotations, frames=frames,
        features=(np.zeros((40, 2), np.float32) for _ in frames), feature_dim=2,
    )  # fmt: skip
    (tmp_path / "study.yaml").write_text("name: one\ndescription: '[/red] ± 中'\ndataset: 'data [x]'\n")
    return tmp_path


def shown(encoding, monkeypatch, *arguments) -> str:
    """Run a command; return what it said on a terminal of `encoding`."""
    written = io.BytesIO()
    streams = [io.TextIOWrapper(written, encoding=encoding, write_through=True) for _ in range(2)]
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", streams[0])
        context.setattr(sys, "stderr", streams[1])
        context.setattr(sys, "argv", ["crescendo", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        text = written.getvalue().decode(encoding)
    assert not end.value.code, text
    return text


EVALUATE = ("evaluate", "--ground-truth", "truth.json", "--detections", "found.json", "--subset", "test")
COMMANDS = (("data", "describe", "data [x]"), EVALUATE)


@pytest.mark.parametrize("command", COMMANDS, ids=["describe", "evaluate"])
def test_labels_stand_in_tables_and_json_as_they_are(place, command, monkeypatch):
    table = shown("utf-8", monkeypatch, *command)
    assert all(visible(label) in table for label in LABELS)
    assert not {"\x1b", "\u202e"} & set(table)
    plain = shown("ascii", monkeypatch, *command)
    assert all(label in plain for label in LABELS if label.isascii() and label.isprintable())
    assert "na\\xefve +/- ..." in plain
    for encoding in ("utf-8", "ascii", "latin-1"):
        content = shown(encoding, monkeypatch, *command, "--json")
        assert set(LABELS) <= {
            label
            for part in json.loads(content[content.index("{") :]).values()
            if isinstance(part, dict | list)
            for label in part
        }


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_study_is_described_anywhere(place, encoding, monkeypatch):
    said = shown(encoding, monkeypatch, "study", "validate", "study.yaml")
    assert ("[/red] ± 中" if encoding == "utf-8" else "[/red] +/- \\u4e2d") in said
    assert "data [x]" in said


def test_the_home_folder_in_a_study_and_in_the_name_of_a_configuration(place, monkeypatch):
    monkeypatch.setenv("HOME", str(place))
    (place / "study.yaml").write_text("name: one\ndataset: ~/data\nbase: {config: ~/own.yaml}\n")
    (place / "own.yaml").write_text("layers: 2\n")
    study = load_study("study.yaml")
    assert study.dataset == str(place / "data")
    assert study.base["layers"] == 2
    assert load_study("study.yaml", dataset="~/other").dataset == str(place / "other")
    assert load_study("study.yaml", dataset="s3://bucket/~/x").dataset == "s3://bucket/~/x"
    assert read_settings("~/own.yaml") == {"layers": 2}
    with pytest.raises(InputError, match="~nobody-of-that-name/x"):
        read_settings("~nobody-of-that-name/x")
