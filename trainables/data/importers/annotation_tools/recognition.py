"""Which tool wrote a file of annotations: told by what it holds, not by its name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crescendo.trainables.data.importers.annotation_tools import audacity, boris, elan, label_studio, table
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile, Track
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import parse_json

ACTIVITYNET = "ActivityNet's JSON"
KNOWN = (
    f"{ACTIVITYNET} (an object with 'database'), Label Studio's JSON, ELAN, an Audacity label track, BORIS events, or a table "
    "with the columns recording, start, end, label"
)


@dataclass(frozen=True)
class Marked:
    """What a file holds: `tracks`, or `content` of ActivityNet's form; `tool` says what wrote it.

    `notes` are as those of a track, of what became none.
    """

    tool: str
    tracks: tuple[Track, ...] = ()
    content: Any = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


_TEXTS: dict[str, tuple[Callable[[str], bool], Callable[[MarkedFile], list[Track]]]] = {
    "Audacity": (audacity.is_one, audacity.read),
    "BORIS": (boris.is_one, boris.read),
    "a table": (table.is_one, table.read),
}


def recognised(file: MarkedFile, tiers: Collection[str] = ()) -> Marked:
    """Return what `file` holds; `tiers` are those of ELAN that count.

    Raises
    ------
    InputError
        If it is of no known form, which says what was found; or as the format's reader.
    """
    text = file.text.lstrip()
    if file.name.lower().endswith((".json", ".json.gz")) or text[:1] in ("{", "["):
        return _of_json(file)
    if not text:
        # An empty label track says that nothing happens.
        if file.name.lower().endswith(".txt"):
            return Marked("Audacity", tuple(audacity.read(file)))
        raise InputError(f"{file.where}: is empty; expected {KNOWN}")
    if elan.is_one(text):
        return Marked("ELAN", tuple(elan.read(file, tiers)))
    for tool, (is_one, read) in _TEXTS.items():
        if is_one(file.text):
            return Marked(tool, tuple(read(file)))
    shown = text.splitlines()[0].strip()
    kind = "XML that begins" if text.startswith("<") else "text that begins"
    raise InputError(f"{file.where}: is {kind} {shown!r:.80}, no annotations that are known; expected {KNOWN}")


def may_annotate(name: str, beginning: str) -> bool:
    """Tell whether the file called `name`, whose first lines are `beginning`, seems to hold annotations of some kind."""
    kind = name.lower()
    if kind.endswith((".json.gz", ".textgrid")):
        return True
    if kind.endswith(".json"):
        return any(f'"{key}"' in beginning for key in ("database", "annotations", "annotation_id", "behaviors_conf"))
    # Without a line of names two numbers and a third may as well be features.
    tells = (audacity.is_one,) if kind.endswith(".txt") else ()
    return any(is_one(beginning) for is_one in (elan.is_one, boris.is_one, table.is_headed, *tells))


def _of_json(file: MarkedFile) -> Marked:
    content = parse_json(file.text.encode(), file.where.removesuffix(".gz"))
    if isinstance(content, dict) and "database" in content:
        return Marked(ACTIVITYNET, content=content)
    if label_studio.is_one(content):
        cancelled = label_studio.cancelled(file, content)
        notes = {"left out, annotations that were cancelled": cancelled} if cancelled else {}
        return Marked("Label Studio", tuple(label_studio.read(file, content)), notes=notes)
    if isinstance(content, dict) and "behaviors_conf" in content:
        raise InputError(
            f"{file.where}: is a project of BORIS; export its events as CSV (Observations > Export events)"
        )
    found = f"{content!r:.40}"
    if isinstance(content, list):
        found = f"a list of {len(content)}"
    elif isinstance(content, dict):
        found = f"an object with {', '.join(map(str, content)) or 'nothing'}"
    raise InputError(f"{file.where}: is JSON, {found:.80}, no annotations that are known; expected {KNOWN}")
