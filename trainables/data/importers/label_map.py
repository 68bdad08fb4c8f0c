"""A file of changes to labels: which are renamed, merged under one name, or dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from crescendo.trainables.data.annotations import Annotations, label_text, listed
from crescendo.trainables.data.frames import BACKGROUND
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.reading import read_text
from crescendo.trainables.storage.yaml_values import LARGEST, yaml_value

HELP = "YAML file of labels to rename or merge (OLD: NEW) or drop (OLD: null)."
Changes = Mapping[str, str | None]
"""Label -> what it is called from now on; None: it is dropped. Labels that are not here stay as they are."""


def read_changes(path: Path | str | None) -> Changes:
    """Return the changes that the YAML file `path` holds; none without a file.

    Raises
    ------
    InputError
        If it is no mapping of labels to labels or null.
    """
    if path is None:
        return {}
    content = yaml_value(read_text(Path(path), LARGEST), str(path))
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: must hold a line OLD: NEW for each label to rename, and OLD: null for each to drop")
    changes: dict[str, str | None] = {}
    for old, new in content.items():
        text = label_text(new)
        if new is not None and text is None:
            raise InputError(
                f"{path}: {old!r:.80} becomes {new!r:.80}; it must be the name of a label, or null to drop it"
            )
        changes[old.strip()] = None if text is None or text.strip() == BACKGROUND else text.strip()
    return changes


def changed(counts: Mapping[str, int], changes: Changes, where: object, unit: str) -> list[str]:
    """Return, in lines, what `changes`, those of the file `where`, do.

    `counts` says of each label how many there are, `unit` of what.

    Raises
    ------
    InputError
        If a label to change is none of them.
    """
    unknown = sorted(set(changes) - set(counts))
    if unknown:
        raise InputError(
            f"{where}: {unknown[0]!r:.80} is no label of the data; there are {', '.join(sorted(counts)):.200}"
        )
    if not changes:
        return []
    renamed = [f"{old!r} to {new!r}" for old, new in changes.items() if new is not None and new != old]
    dropped = [f"{old!r} ({counted(counts[old], unit)})" for old, new in changes.items() if new is None]
    kept = sorted(label for label in counts if changes.get(label, label) == label)
    return [
        *([f"labels renamed: {', '.join(renamed)}"] if renamed else []),
        *([f"labels dropped: {', '.join(dropped)}"] if dropped else []),
        *([f"labels that stay as they are: {listed(list(map(repr, kept)))}"] if kept else []),
    ]


def relabelled(annotations: Annotations, changes: Changes, where: object) -> tuple[Annotations, list[str]]:
    """Return `annotations` after the changes of the file `where`, and what was done, in lines.

    Segments that come to have the same label stay apart.

    Raises
    ------
    InputError
        If a label to change is in no segment.
    """
    counts = Counter(segment.label for one in annotations.recordings.values() for segment in one.segments)
    notes = changed(counts, changes, where, "segment")
    recordings = {
        name: replace(
            one,
            segments=tuple(
                replace(segment, label=label)
                for segment in one.segments
                if (label := changes.get(segment.label, segment.label)) is not None
            ),
        )
        for name, one in annotations.recordings.items()
    }
    return replace(annotations, recordings=recordings), notes
