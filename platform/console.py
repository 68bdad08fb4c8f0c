"""How a command of Crescendo meets whoever started it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from crescendo.trainables.errors import InputError
from crescendo.trainables.reading import reason


def guarded(command: Callable[[], object]) -> None:
    """Run `command`; input that cannot be used ends in its message alone and exit code 2.

    `command` is one of Typer's outside its standalone mode: it returns its exit code, or None, and raises what is wrong
    with the command line. What the system says of a file or of memory, wherever that is, is said in one line, too.
    """
    try:
        code = command()
    except InputError as error:
        _end(str(error))
    except BrokenPipeError:
        raise
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


def _usage(error: Any) -> str:
    """Return what is wrong with the command line; nothing where it was empty, and the help has been shown."""
    message, context = " ".join(error.format_message().split()), getattr(error, "ctx", None)
    if not message or context is None:
        return message
    return f"{message.rstrip('.')}; see `{context.command_path} --help`"


def _end(message: str) -> None:
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)  # noqa: T201
    sys.exit(2)
