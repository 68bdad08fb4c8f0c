"""Numbers of things in sentences."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number of things: `1 arm`, `3 arms`, `1,200 arms`.

    `one` is what follows the number 1, `several` what follows any other; default: `one` with an s.
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"
