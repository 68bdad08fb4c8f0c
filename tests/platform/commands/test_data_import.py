"""`crescendo data import`: the table of importers, and anyone's own named as module:function."""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crescendo.platform.commands.data import data
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.importers.base import IMPORTERS, find_importer

OWN = '''
"""Importers of a test."""

from typing import Annotated, Literal

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.errors import InputError


def fields(
    source: Annotated[object, "A folder of [nothing]."],
    destination,
    *,
    seconds: Annotated[float, "Length of the one recording."],
    who: Literal["me", "you"] = "me",
    shout: bool = False,
    quiet: bool = True,
    reporter=None,
):
    """Make a recording of [nothing] at all.

    What else there is to say.
    """
    reporter.say(f"{source.name} {seconds:g} {who} {shout} {quiet}")
    annotations = Annotations({"a": Recording("training", seconds, (Segment("run", 0.0, 1.0),))})
    return write_dataset(destination, DatasetMetadata("own", 2.0, "none", str(source), "none"), annotations)


def plain(source, destination):
    return fields(source, destination, seconds=2.0, reporter=Quiet())


class Quiet:
    def say(self, line):
        pass


def refuses(source, destination):
    raise InputError(f"{source}: is empty; fill it")


def breaks(source, destination):
    return source.missing


def forgets(source, destination):
    pass


def one_path(source):
    pass


def anything(source, destination, **options):
    pass


number = 3
'''


@pytest.fixture
def crescendo(tmp_path, monkeypatch):
    """Runs in a folder with a module of importers; each test has a module of its own name."""
    module = f"importers_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = "from crescendo.platform.cli import main; main()"

    def run(function, *arguments):
        command = [sys.executable, "-c", code, "data", "import", f"{module}:{function}", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "150", "NO_COLOR": "1", "TERM": "dumb"}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    return run


def test_every_importer_of_the_table_takes_what_the_command_gives_it():
    for name in IMPORTERS:
        parameters = inspect.signature(find_importer(name)).parameters
        assert list(parameters)[:2] == ["source", "destination"]
        assert "reporter" in parameters


def test_the_parameters_of_ones_own_importer_are_its_options(crescendo, tmp_path):
    shown = re.sub(r"\s+", " ", crescendo("fields", "--help").stdout.replace("│", " "))
    for text in (
        "Make a recording of [nothing] at all.",
        "A folder of [nothing].",
        "--seconds",
        "Length of the one recording.",
        "--who",
        "me|you",
        "--shout",
        "--quiet --no-quiet",
    ):
        assert text in shown
    assert "--no-shout" not in shown
    done = crescendo("fields", tmp_path, tmp_path / "made", "--seconds", 3, "--who", "you", "--shout", "--no-quiet")
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path.name} 3 you True False" in done.stderr
    assert "1 recording, 6 frames at 2 a second" in done.stdout
    assert Dataset(tmp_path / "made").metadata.name == "own"
    assert crescendo("fields", tmp_path, tmp_path / "more").returncode == 2  # --seconds has no default


def test_an_importer_needs_neither_options_nor_a_reporter(crescendo, tmp_path):
    done = crescendo("plain", tmp_path, tmp_path / "made")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "made" / "dataset.json").read_text())["name"] == "own"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("refuses", ": is empty; fill it"),
        ("breaks", ":breaks failed (AttributeError: 'PosixPath' object has no attribute 'missing'; "),
        ("forgets", ":forgets must return the Dataset that write_dataset makes but returned None"),
        ("one_path", ":one_path: its parameters cannot be read (it must take the source and the destination first)"),
        ("anything", ":anything: its parameters cannot be read (**options has no options of its own"),
        ("number", ":number: must be a function"),
        ("missing", " has no missing"),
    ],
)
def test_an_importer_that_cannot_be_used_is_one_line(crescendo, tmp_path, function, message):
    done = crescendo(function, tmp_path, tmp_path / "made")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "hapd",
            "importer: must be one of hapt, tug, gtea, activitynet, directory, frames, or MODULE:ATTRIBUTE for your own",
        ),
        ("no_such_module:it", "importer: no_such_module:it: the module no_such_module cannot be imported"),
    ],
)
def test_an_unknown_importer_is_named(name, message):
    result = CliRunner().invoke(data, ["import", name, "a", "b"])
    assert message in str(result.exception)


def test_the_list_of_importers_says_how_to_name_ones_own():
    shown = CliRunner().invoke(data, ["import", "--help"], env={"COLUMNS": "150"}).stdout
    assert "MODULE:FUNCTION" in shown
    for name, spec in IMPORTERS.items():
        assert name in shown
        assert Path(spec.target.partition(":")[0].replace(".", "/")).name == name
