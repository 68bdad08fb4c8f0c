"""Which file belongs to which recording, by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from crescendo.trainables.errors import InputError


class FileNames:
    """Names of files without their suffixes, to be found by the name of a recording.

    File systems and annotation tools write an accented letter as one character or as a letter and an accent; both are
    the same name.
    """

    def __init__(self, stems: Iterable[str]) -> None:
        self._stems = set(stems)
        self._composed: dict[str, list[str]] = {}
        for stem in sorted(self._stems):
            self._composed.setdefault(_composed(stem), []).append(stem)

    def of(self, recording: str) -> list[str]:
        """Return the stems that stand for `recording`: its name, or `v_` and its name. More than one is a conflict."""
        found: list[str] = []
        for name in (recording, f"v_{recording}"):
            found += [name] if name in self._stems else self._composed.get(_composed(name), [])
        return found


def check_each_its_own(files: Mapping[str, object], what: str) -> None:
    """Raise `InputError` if two recordings have the same file; `files` maps recordings to theirs, `what` says of which kind."""
    owner: dict[object, str] = {}
    for name, file in files.items():
        if (other := owner.setdefault(file, name)) != name:
            raise InputError(
                f"{file}: stands for two recordings, {other!r} and {name!r}; give each a {what} of its own"
            )


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
