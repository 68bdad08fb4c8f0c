"""Everything that commands show stands on the terminal as it was written, whatever the terminal is."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.table import Table

from crescendo.platform import terminal_text as subject
from crescendo.platform.console import guarded, with_home
from crescendo.platform.terminal_text import (
    json_text,
    literal,
    prepare_streams,
    require_standard_output,
    say,
    terminal_console,
)
from crescendo.trainables.errors import InputError
from crescendo.trainables.text import visible

NASTY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PACKAGE = Path(subject.__file__).parents[1]


def streams(encoding: str, monkeypatch) -> io.BytesIO:
    """Give the test standard streams of `encoding`; return what comes out of both."""
    written = io.BytesIO()
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(written, encoding=encoding, errors="strict", write_through=True, newline="\n")
        monkeypatch.setattr(sys, name, stream)
    prepare_streams()
    return written


def test_notes_are_broken_between_words_on_a_terminal_and_whole_in_a_pipe():
    text = "labels that were dropped: " + ", ".join(f"label_{number}" for number in range(30))
    code = f"from crescendo.platform.terminal_text import say_note; say_note({text!r})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", f"note: {text}\n")
    controller, terminal = os.openpty()
    subprocess.run(command, stderr=terminal, env={**os.environ, "COLUMNS": "60", "TERM": "xterm"}, check=True)
    os.close(terminal)
    shown = os.read(controller, 4096).decode().splitlines()
    os.close(controller)
    assert max(map(len, shown)) <= 60
    assert " ".join(line.strip() for line in shown) == f"note: {text}"


@given(NASTY)
@example("[red]x[/blue]")
@example(":smile: [link=file:///x]y[/]")
@example("\x1b]0;title\x07\x9b31m")
def test_text_is_shown_literally_by_the_console_in_tables_and_by_anyones_console(text):
    shown = visible(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    console = terminal_console()
    console.file = io.StringIO()
    # One line high: line breaks and tabs are for the table to lay out.
    line = shown.replace("\n", " ").replace("\t", " ")
    with console.capture() as capture:
        console.print(text, soft_wrap=True)
    assert capture.get().split() == shown.split()
    assert literal(text).plain == shown
    # Rich lays out by width, and drops what has none by itself, as an accent or the skin of an emoji.
    line = "".join(one for one in line if one < "\u0250" and one != "\xad")
    table = Table(line, title=line)
    table.add_row(line)
    console.width = 1000
    with console.capture() as capture:
        console.print(table)
    assert capture.get().count(line.strip()) >= 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@given(text=NASTY)
@example(text="mean ± 1 … naïve 中 𝄞 \x9b31m\u202e")
def test_every_terminal_shows_something_readable_of_every_text(encoding, text):
    with pytest.MonkeyPatch.context() as monkeypatch:
        written = streams(encoding, monkeypatch)
        console = terminal_console()
        table = Table(text)
        table.add_row(text)
        for shown in (text, table):
            console.print(shown)
        say(text)
        say(text, err=True)
        say(json_text({"label": text}))
        shown = written.getvalue().decode(encoding)
    assert json.loads(shown.split("\n")[-2]) == {"label": text}


def test_what_a_terminal_lacks_is_written_plainly(monkeypatch):
    written = streams("ascii", monkeypatch)
    say("0.5 ± 0.1 … é 中 𝄞")
    assert written.getvalue() == b"0.5 +/- 0.1 ... \\xe9 \\u4e2d \\U0001d11e\n"


def test_an_undecodable_path_is_shown(monkeypatch):
    written = streams("utf-8", monkeypatch)
    say("caf\udce9: no such file")
    assert written.getvalue() == b"caf\\udce9: no such file\n"


def test_only_one_place_makes_consoles_and_prints():
    for file in (PACKAGE / "platform").rglob("*.py"):
        text = file.read_text()
        if file.name != "terminal_text.py":
            assert not re.search(r"(?<!_)\bConsole\(", text), file
            assert set(re.findall(r"typer\.echo\((.*)\)", text)) <= {
                "text, nl=False",
                "json.dumps(study_schema(), indent=2)",
            }


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--output=~/x", "--output=HOME/x"),
        ("--set=dataset=~/x", "--set=dataset=HOME/x"),
        ("dataset=~/a b", "dataset=HOME/a b"),
        ("~/x", "HOME/x"),
        ("~", "HOME"),
        ("--output=~", "--output=HOME"),
        ("--output=~nobody-of-that-name/x", "--output=~nobody-of-that-name/x"),
        ("--output=./~/x", "--output=./~/x"),
        ("x~", "x~"),
        ("a label = ~/x", "a label = ~/x"),
        ("--set", "--set"),
        ("", ""),
    ],
)
def test_a_leading_tilde_is_the_home_folder_in_every_argument(argument, expected, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert with_home([argument]) == [expected.replace("HOME", str(tmp_path))]


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_standard_output_ends_in_one_line(size):
    code = f"""
from crescendo.platform.console import guarded
guarded(lambda: print("x" * {size}))
"""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "error: standard output: cannot be written (No space left on device); choose another place"
    ]


def test_a_full_or_closed_standard_output_is_found_out_before_any_work(monkeypatch, tmp_path):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(InputError, match="standard output: cannot be written"):
            require_standard_output()
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(InputError, match="standard output: is closed"):
        require_standard_output()
    with (tmp_path / "file").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        require_standard_output()
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    require_standard_output()
    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.parametrize(
    ("closed", "said", "code"),
    [
        (">&-", "error: standard output: cannot be written (it is closed); choose another place\n", 2),
        ("2>&-", "", 0),
        ("2>/dev/full", "", 0),
        ("<&- >&- 2>&-", "", 2),
        (">/dev/full 2>/dev/full", "", 2),
        ("<&-", "", 0),
    ],
)
def test_no_file_gets_the_number_of_a_standard_stream_that_is_closed(closed, said, code, tmp_path):
    program = """
import os, sys
from pathlib import Path
from crescendo.platform.console import guarded
def command():
    with open("file", "w") as file:
        os.system("echo of a child; echo of a child >&2; cat")
    print("of work", file=sys.stderr, flush=True)  # which does not end where nobody can be told
    print("shown")
guarded(command)
"""
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (ended.returncode, (tmp_path / "file").read_text()) == (code, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_faults_of_other_files_are_not_taken_for_those_of_standard_output(capsys):
    def fail():
        raise OSError(5, "Input/output error", "/some/file")

    with pytest.raises(SystemExit, match="2"):
        guarded(fail)
    assert capsys.readouterr().err == "error: /some/file: Input/output error\n"


def test_an_error_is_shown_without_what_would_move_the_cursor(capsys):
    def fail():
        raise InputError("a\x1b[2Jb: is [red]wrong[/blue]")

    with pytest.raises(SystemExit, match="2"):
        guarded(fail)
    assert capsys.readouterr().err == "error: a\\x1b[2Jb: is [red]wrong[/blue]\n"
