"""Numbers of things in sentences, and the words that agree with them."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number of things: `1 arm`, `3 arms`, `1,200 arms`.

    `one` is what follows the number 1, `several` what follows any other; default: the regular plural of `one`.
    """
    return f"{number:,} {agreeing(number, one, several or _plural(one))}"


def agreeing(number: float, one: str, several: str) -> str:
    """Return the word for 1 or for any other number: `1 of 3 recordings has`, `2 of 3 recordings have`."""
    return one if number == 1 else several


def _plural(noun: str) -> str:
    if noun.endswith(("ch", "s")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


def rate_text(fps: float) -> str:
    """Return a rate of frames: `1 frame a second`, `6.25 frames a second`."""
    return f"{fps:g} {agreeing(fps, 'frame', 'frames')} a second"
