"""Fonts for labels of any script: those that are installed here, and the packages of those that are not."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text

FIRST = "DejaVu Sans"
"""The charts' font, which comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew, symbols."""
LAST = "sans-serif"
# Of fonts that have a letter, these come first; all others by name.
_PREFERRED = ("Noto Sans", "Noto Serif", "Source Han Sans", "Droid Sans Fallback", "Unifont")
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH")


def families_for(text: str) -> list[str]:
    """Return the charts' font families: the usual one, and as many installed ones as it takes to draw all of `text`."""
    missing = _lacking(text, FIRST)
    added = []
    for family in _installed() if missing else ():
        if has := {letter for letter in missing if _has(family, letter)}:
            added.append(family)
            missing -= has
        if not missing:
            break
    return [FIRST, *added, LAST]


def lacking_letters(figures: Iterable[Figure]) -> str:
    """Return what the figures write that none of their fonts can draw: boxes stand for it in PDF and PNG."""
    lacking: set[str] = set()
    for figure in figures:
        for text in figure.findobj(Text):
            lacking |= _lacking(text.get_text(), *(one for one in text.get_fontfamily() if one != LAST))
    return "".join(sorted(lacking))


def packages_for(letters: str) -> list[str]:
    """Return the Debian packages whose fonts have `letters`, most of them."""
    found = dict.fromkeys(map(_package, letters))
    return list(found)


def _package(letter: str) -> str:
    if unicodedata.name(letter, "").startswith(_CJK):
        return "fonts-noto-cjk"
    return "fonts-symbola" if unicodedata.category(letter).startswith("S") else "fonts-noto-core"


def _lacking(text: str, *families: str) -> set[str]:
    """Return the printable letters of `text` that no font of `families` has."""
    letters = {letter for letter in text if letter.isprintable()}
    for family in families:
        letters = {letter for letter in letters if not _has(family, letter)} if letters else letters
    return letters


@cache
def _has(family: str, letter: str) -> bool:
    try:
        return get_font(findfont(family, fallback_to_default=False)).get_char_index(ord(letter)) != 0
    except (OSError, RuntimeError, ValueError):  # a font that is damaged, or was removed
        return False


def _installed() -> list[str]:
    """Return the families that charts can be drawn with, in the order in which they are tried; coloured pictures are none."""
    names = {entry.name for entry in fontManager.ttflist if entry.style == "normal"}
    return sorted((one for one in names if "Emoji" not in one and one != "Last Resort"), key=_order)


def _order(family: str) -> tuple[int, str]:
    rank = next((place for place, name in enumerate(_PREFERRED) if family.startswith(name)), len(_PREFERRED))
    return rank, family
