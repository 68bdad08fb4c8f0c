"""From labels of frames to segments: what each label means, which are background, and the unbroken runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from crescendo.trainables.data.annotations import Segment, listed
from crescendo.trainables.data.frames import BACKGROUND
from crescendo.trainables.data.importers.label_map import Changes, changed
from crescendo.trainables.data.importers.label_vectors import LabelVector
from crescendo.trainables.data.label_blanks import dropped_blanks
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted

BACKGROUNDS = (BACKGROUND, "bg", "none", "null", "no activity", "no_activity", "sil")
"""Labels that mean that nothing happens, in small letters, where nobody says."""


class Place(NamedTuple):
    """A file that holds a label, and how many frames of all recordings do."""

    file: str
    frames: int


def places_of(vectors: Mapping[str, LabelVector], where: Mapping[str, str]) -> dict[str, Place]:
    """Return label -> where it is; `vectors` and `where` map recordings to their labels and to the files of these."""
    places: dict[str, Place] = {}
    for recording, vector in vectors.items():
        counts = np.bincount(vector.codes, minlength=len(vector.names)).tolist()
        for label, count in zip(vector.names, counts, strict=True):
            file, before = places.get(label) or (where[recording], 0)
            places[label] = Place(file, before + count)
    return places


@dataclass(frozen=True)
class Meanings:
    """What the labels in files mean: `of` maps each to an activity, None to background; `notes` says what was decided."""

    of: Mapping[str, str | None]
    notes: tuple[str, ...]


def meanings(
    found: Mapping[str, Place],
    mapping: Mapping[str, str],
    background: Sequence[str] | None,
    changes: Changes,
    mapped_in: str = "",
    changed_in: object = "",
) -> Meanings:
    """Return what labels mean.

    Parameters
    ----------
    found
        Label -> where it is.
    mapping
        Number -> label, `mapped_in` a file; empty: labels are what they are.
    background
        The labels that mean that nothing happens; None: those of `BACKGROUNDS` that there are.
    changes
        Labels, as mapped, that are called otherwise or dropped, which makes them background; `changed_in` a file.

    Raises
    ------
    InputError
        If the mapping lacks a label, or one of `background` or `changes` is none; if a frame has no label.
    """
    mapped = {raw: _mapped(raw.strip(), mapping, one.file, mapped_in) for raw, one in found.items()}
    counts = Counter[str]()
    for raw, name in mapped.items():
        counts[name] += found[raw].frames
    notes = changed(counts, changes, changed_in, "frame")
    names = {raw: changes.get(name, name) for raw, name in mapped.items()}
    wanted = _wanted(background, {*found, *mapped.values(), *mapping.values(), *names.values()}, counts)
    of: dict[str, str | None] = {}
    for raw, meant in names.items():
        nothing = meant is None or _is_nothing({raw.strip(), mapped[raw], meant}, meant, wanted)
        if not meant and not nothing:
            raise InputError(
                f"{found[raw].file}: has a frame without a label; write one, or pass --background '' if it means none"
            )
        of[raw] = None if nothing else meant
    blanks = dropped_blanks({raw: one.frames for raw, one in found.items()}, "frame")
    return Meanings(of, (*notes, *_notes(mapped, of, mapping), *blanks))


def _wanted(background: Sequence[str] | None, known: Collection[str | None], there: Collection[str]) -> set[str] | None:
    if background is None:
        return None
    wanted = {one.strip() for one in background}
    unknown = sorted(wanted.difference(known))
    if unknown:
        raise InputError(f"--background: {unknown[0]!r:.80} is no label; there are {', '.join(sorted(there)):.200}")
    return wanted


def _is_nothing(called: set[str], name: str, wanted: set[str] | None) -> bool:
    return name.lower() in BACKGROUNDS if wanted is None else bool(called & wanted) or name.lower() == BACKGROUND


def _mapped(label: str, mapping: Mapping[str, str], where: str, mapped_in: str) -> str:
    if not mapping or not label:
        return label
    if label in mapping.values():
        if mapping.get(label, label) != label:
            raise InputError(
                f"{mapped_in}: {label!r:.80} is the number of one label and the name of another; rename it"
            )
        return label
    if label in mapping:
        return mapping[label]
    raise InputError(
        f"{where}: label {label!r:.80} is not in {mapped_in}, which has {', '.join(mapping.values()):.120}"
    )


def _notes(names: Mapping[str, str], of: Mapping[str, str | None], mapping: Mapping[str, str]) -> list[str]:
    notes = []
    nothing = sorted({names[raw] for raw, name in of.items() if name is None})
    activities = sorted({name for name in of.values() if name is not None})
    if nothing:
        notes.append(f"background: {', '.join(map(repr, nothing))}")
    else:
        notes.append(
            "no label means background, every frame is of an activity; if one of "
            f"{listed(list(map(repr, activities)))} means that nothing happens, pass --background LABEL"
        )
    unused = [label for label in mapping.values() if label not in names.values() and label.lower() not in BACKGROUNDS]
    if unused:
        notes.append(
            f"{len(unused)} of {counted(len(mapping), 'label')} of the mapping {agreeing(len(unused), 'occurs', 'occur')} in no "
            f"recording: {listed(unused)}"
        )
    return notes


def runs(vector: LabelVector, frames: int, fps: float, of: Mapping[str, str | None]) -> tuple[Segment, ...]:
    """Return a segment for each unbroken run of an activity among the first `frames` labels, in seconds."""
    activities = sorted({name for name in of.values() if name is not None})
    number: dict[str | None, int] = {None: -1, **{name: index for index, name in enumerate(activities)}}
    codes = np.asarray([number[of[raw]] for raw in vector.names], dtype=np.int64)[vector.codes[:frames]]
    bounds = np.r_[0, np.flatnonzero(np.diff(codes)) + 1, len(codes)].tolist()
    return tuple(
        Segment(activities[codes[first]], first / fps, last / fps)
        for first, last in pairwise(bounds)
        if first < last and codes[first] >= 0
    )


def label_order(segments: Collection[Segment], mapping: Mapping[str, str], changes: Changes) -> tuple[str, ...]:
    """Return the labels of `segments` in the order of the mapping, after `changes`.

    Those that it lacks come after them, sorted, numbers by size.
    """
    there = {one.label for one in segments}
    mapped = [label for old in mapping.values() if (label := changes.get(old, old)) in there]
    return (
        *dict.fromkeys(mapped),
        *sorted(there - set(mapped), key=lambda one: (int(one), "") if one.isdecimal() else (-1, one)),
    )
