"""Pages written by hand with parts that a script makes, each between two marks: `<!-- NAME -->`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_file


def fill(pages: Mapping[Path, Mapping[str, str]]) -> None:
    """Put the parts of each page, by name, between their two marks, in the place of what was there; all of them, or none.

    Raises
    ------
    InputError
        If a page does not have exactly two marks of a part's name.
    """
    texts = {page: _filled(page, parts) for page, parts in pages.items()}
    for page, text in texts.items():
        with atomic_file(page) as partial:
            partial.write_text(text, encoding="utf-8")


def _filled(page: Path, parts: Mapping[str, str]) -> str:
    text = page.read_text(encoding="utf-8")
    for name, content in parts.items():
        mark = f"<!-- {name} -->"
        if text.count(mark) != 2:
            raise InputError(
                f"{page}: has the mark {mark} {text.count(mark)} times; there must be two, with the part between"
            )
        before, _, after = text.split(mark)
        text = f"{before}{mark}\n\n{content.strip()}\n\n{mark}{after}"
    return text
