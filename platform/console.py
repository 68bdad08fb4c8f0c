"""How a command of Crescendo meets whoever started it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from crescendo.trainables.errors import InputError


def guarded(command: Callable[[], object]) -> None:
    """Run `command`; input that cannot be used ends in its message alone and exit code 2."""
    try:
        command()
    except InputError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
