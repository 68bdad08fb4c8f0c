"""How a command of Crescendo meets whoever started it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from crescendo.platform.terminal_text import prepare_streams, whole_output
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import user_path
from crescendo.trainables.storage.reading import reason
from crescendo.trainables.text import visible

INTERRUPTED = 130  # exit code of what Ctrl-C ended
_LONGEST = 900  # characters of a line of an error
# `~/x`, and `--output=~/x`, `dataset=~/x`, which a shell passes on as they stand.
_HOME = re.compile(r"((?:--)?(?:[\w.-]+=){0,2})(~(?:[\w.-]*/.*)?)", re.DOTALL)


def guarded(command: Callable[[], object]) -> None:
    """Run `command`; input that cannot be used ends in its message alone and exit code 2.

    `command` is one of Typer's outside its standalone mode: it returns its exit code, or None, and raises what is wrong
    with the command line. What the system says of a file or of memory, wherever that is, is said in one line, too.
    """
    prepare_streams()
    sys.argv[1:] = with_home(sys.argv[1:])
    try:
        with whole_output():
            code = command()
    except InputError as error:
        _end(str(error))
    except OSError as error:
        _end(f"{error.filename}: {reason(error)}" if error.filename else reason(error))
    except MemoryError as error:
        _end(f"there is not enough memory ({str(error) or 'none is left'}); ask for less at once")
    except Exception as error:
        if not hasattr(error, "format_message"):  # what Typer says of a wrong command line
            raise
        _end(_usage(error))
    else:
        sys.exit(code if isinstance(code, int) else 0)


def with_home(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command with the home folder in place of a leading `~`, after `KEY=` as well."""
    return [_with_home(argument) for argument in arguments]


def _with_home(argument: str) -> str:
    found = _HOME.fullmatch(argument)
    return argument if found is None else f"{found.group(1)}{user_path(found.group(2))}"


def _usage(error: Any) -> str:
    """Return what is wrong with the command line; nothing where it was empty, and the help has been shown."""
    message, context = " ".join(error.format_message().split()), getattr(error, "ctx", None)
    if not message or context is None:
        return message
    return f"{message.rstrip('.')}; see `{context.command_path} --help`"


def _shortened(line: str) -> str:
    """Return a line without its middle where it repeats what somebody wrote without end."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 3 :]}"


def _end(message: str) -> None:
    try:
        for line in message.splitlines():
            print(f"error: {_shortened(visible(line))}", file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        # Nobody can be told; Python would try once more as it ends, and end with another code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    sys.exit(2)
