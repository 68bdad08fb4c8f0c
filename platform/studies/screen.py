"""Where a sweep says how it goes: a console, which may be lost at any time, and `sweep.log` in the output folder."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console, RenderableType

from crescendo.platform.terminal_text import literal, terminal_console
from crescendo.trainables.text import visible

LOG = "sweep.log"
_WIDTH = 160


class Screen:
    """Shows what it is given on `console`, and adds it to the file `log`, if there is one to be.

    A console that cannot be written, for its terminal is closed or its disk full, is given up; so is a line of the file.

    """

    def __init__(self, console: Console, log: Path | None = None) -> None:
        self._console, self._log = console, log
        console.on_broken_pipe = _raised  # type: ignore[method-assign]  # Rich would end the process

    def show(self, part: RenderableType, style: str | None = None) -> None:
        """Show a line, or a table, and note it."""
        self.note(part)
        line = isinstance(part, str)
        with self.given_up():
            self._console.print(literal(part) if isinstance(part, str) else part, style=style, soft_wrap=line)

    def note(self, part: RenderableType) -> None:
        """Add a line or a table to the file alone."""
        if self._log is None:
            return
        text = io.StringIO()
        if isinstance(part, str):
            text.write(f"{datetime.now().astimezone().isoformat(sep=' ', timespec='seconds')} {visible(part)}\n")
        else:
            terminal_console(file=text, width=_WIDTH).print(part)
        with suppress(OSError), self._log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text.getvalue())

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Write to the console no more once it fails in the block, nor let Python try to once more as it ends."""
        try:
            yield
            self._console.file.flush()
        except OSError:
            null = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as the console
            with suppress(OSError, ValueError):
                os.dup2(null.fileno(), self._console.file.fileno())
            self._console.file = null


def _raised() -> None:
    """Raise the error that is being handled."""
    raise  # noqa: PLE0704
