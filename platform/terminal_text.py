"""Text for terminals: everything is shown as it was written, on any terminal, and does nothing to it."""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from crescendo.trainables.errors import InputError
from crescendo.trainables.text import visible, written_out

_PLAIN = {"±": "+/-", "…": "...", "–": "-", "—": "-", "−": "-", "≤": "<=", "≥": ">=", "×": "x"}
_ERRORS = "crescendo.plain"
# Number -> its name, and how it is opened where it is closed.
_STANDARD = {
    0: ("stdin", os.O_RDONLY, "r"),
    1: ("stdout", os.O_RDONLY, "w"),
    2: ("stderr", os.O_WRONLY, "w"),
}


class _Console(Console):
    """Takes no text for markup, emoji codes or something to colour."""

    def render_str(self, text: str, *arguments: Any, **options: Any) -> Text:
        return super().render_str(visible(text), *arguments, **options)


def terminal_console(*, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> Console:
    """Return the console on which all commands show tables and lines: text is shown as it stands.

    `file` takes what is shown in place of the terminal, `width` characters wide.
    """
    return _Console(stderr=stderr, file=file, width=width, markup=False, emoji=False, highlight=False)


def literal(text: str) -> Text:
    """Return `text` for a console of anyone's, which shows it as it stands."""
    return Text(visible(text))


def say(line: str, *, err: bool = False) -> None:
    """Print a line on standard output, or on standard error."""
    # Not `typer.echo`, which writes UTF-8 to an ASCII terminal.
    print(visible(line), file=sys.stderr if err else sys.stdout, flush=True)


def say_note(text: str) -> None:
    """Print a note on standard error."""
    print_line(terminal_console(stderr=True), f"note: {text}")


def print_line(console: Console, line: str) -> None:
    """Print `line`: on a terminal in whole words, for a person; elsewhere as it is, for what reads a pipe line by line."""
    console.print(line, soft_wrap=not console.is_terminal)


def json_text(content: Any, indent: int | None = None) -> str:
    """Return `content` as JSON for standard output; what that cannot show is written as `\\u...`, which JSON can read."""
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    text = visible(text, lambda control: f"\\u{ord(control):04x}")
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(content, indent=indent, allow_nan=False)
    return text


def prepare_streams() -> None:
    """Let standard output and error write something readable where a terminal lacks a character, rather than fail.

    What standard error cannot take, as on a full disk, is lost: hours of work do not end because nobody can be told of them.
    """
    for number in _STANDARD:
        _open_if_closed(number)
    codecs.register_error(_ERRORS, _readable)
    for stream in (sys.stdout, sys.stderr):
        # A stand-in for a stream, as a notebook has, knows for itself what it can show.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)
    sys.stderr = _unfailing(sys.stderr)


class _Unfailing(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _unfailing(stream: Any) -> Any:
    try:
        if stream.fileno() != 2:
            return stream
    except (AttributeError, OSError, ValueError):
        return stream  # a stand-in
    raw = io.BufferedWriter(_Unfailing(2, "w", closefd=False))
    return io.TextIOWrapper(raw, encoding=stream.encoding, errors=stream.errors, line_buffering=True)


def _open_if_closed(number: int) -> None:
    """Open a closed standard stream, else the next file that is opened gets its number, and what libraries print.

    Nothing comes from it. Standard output cannot be written: what goes there is lost.
    """
    try:
        os.fstat(number)
    except OSError:
        name, flags, mode = _STANDARD[number]
        null = os.open(os.devnull, flags)
        os.dup2(null, number)
        if null != number:
            os.close(null)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def require_standard_output() -> None:
    """Raise `InputError` if what is written to standard output would be lost: it is closed, or on a full device."""
    if sys.stdout is None:
        raise InputError("standard output: is closed; name a file with --out, or leave it open")
    try:
        handle = sys.stdout.fileno()
        os.write(handle, b"")  # a device that is full says so even of nothing
        full = stat.S_ISREG(os.fstat(handle).st_mode) and not os.fstatvfs(handle).f_bavail
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise _unwritable(error) from error
        return  # a stand-in that is no file
    if full:
        raise InputError("standard output: its disk is full; free some space, or choose another place")


@contextmanager
def whole_output() -> Iterator[None]:
    """End in one line where standard output could not take all that the block wrote, in silence if its reader has left.

    Raises
    ------
    InputError
        If it is full, or was closed.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if not (isinstance(error, BrokenPipeError) or _output_is_at_fault()):
            raise
        # Python flushes standard output once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(1)
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> InputError:
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return InputError(f"standard output: cannot be written ({reason}); choose another place")


def _output_is_at_fault() -> bool:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
            require_standard_output()
    except (OSError, InputError):
        return True
    return False


def _readable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(one) or written_out(one) for one in lacking), error.end
