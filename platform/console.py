"""How a command of Crescendo meets whoever started it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

from crescendo.platform.terminal_text import prepare_streams, terminal_text, whole_output
from crescendo.trainables.errors import InputError
from crescendo.trainables.files import user_path

# `~/x`, and `--output=~/x`, `dataset=~/x`, which a shell passes on as they stand.
_HOME = re.compile(r"((?:--)?(?:[\w.-]+=){0,2})(~(?:[\w.-]*/.*)?)", re.DOTALL)


def guarded(command: Callable[[], object]) -> None:
    """Run `command`; input that cannot be used ends in its message alone and exit code 2."""
    prepare_streams()
    sys.argv[1:] = with_home(sys.argv[1:])
    try:
        with whole_output():
            command()
    except InputError as error:
        for line in str(error).splitlines():
            print(f"error: {terminal_text(line)}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def with_home(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command with the home folder in place of a leading `~`, after `KEY=` as well."""
    return [_with_home(argument) for argument in arguments]


def _with_home(argument: str) -> str:
    found = _HOME.fullmatch(argument)
    return argument if found is None else f"{found.group(1)}{user_path(found.group(2))}"
