"""A sweep's console, which may be lost, and its file of what was said."""

import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from crescendo.platform.studies.screen import Screen

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d (.*)")


def opened(kind: str, folder: Path) -> io.TextIOBase:
    """A stream that cannot be written, or cannot any more."""
    if kind == "full":
        return Path("/dev/full").open("w", encoding="utf-8")
    if kind == "read only":
        (folder / "file").touch()
        return (folder / "file").open(encoding="utf-8")
    if kind == "terminal":
        controller, terminal = os.openpty()
        os.close(controller)
        return os.fdopen(terminal, "w", encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("kind", ["full", "pipe", "terminal", "read only"])
def test_a_console_that_cannot_be_written_is_given_up_and_the_file_has_it_all(tmp_path, kind, terminal):
    file = tmp_path / "sweep.log"
    stream = opened(kind, tmp_path)
    screen = Screen(Console(file=stream, force_terminal=terminal), file)
    table = Table("arm")
    table.add_row("[red]none")
    for part in ("first [bold]line", table, "ä last"):
        screen.show(part, style="red")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert LINE.fullmatch(lines[0])[1] == "first [bold]line"
    assert LINE.fullmatch(lines[-1])[1] == "ä last"
    assert any("none" in line for line in lines[1:-1])
    stream.close()  # nothing is left in it that would fail now


def test_a_file_that_cannot_be_written_costs_nothing_but_its_lines(tmp_path):
    shown = io.StringIO()
    screen = Screen(Console(file=shown, width=40), tmp_path / "gone" / "sweep.log")
    screen.show("a line that is wider than the console, which is not to break it")
    assert shown.getvalue() == "a line that is wider than the console, which is not to break it\n"
    (tmp_path / "gone").mkdir()
    screen.note("again")
    assert (tmp_path / "gone" / "sweep.log").read_text().endswith(" again\n")
