"""Annotations of ELAN (`.eaf`), read with pympi: tiers of labels, a file per recording."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Any

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile, Track, moment, solid
from crescendo.trainables.errors import InputError

_ROOT = "<ANNOTATION_DOCUMENT"


def is_one(text: str) -> bool:
    """Tell whether `text` is an ELAN document."""
    return text.lstrip().startswith("<") and _ROOT in text


def read(file: MarkedFile, tiers: Collection[str] = ()) -> list[Track]:
    """Return the one track of `file`: what its `tiers` hold; none named: all that have times of their own.

    The label of an annotation is its text, or the name of its tier where it has none.

    Raises
    ------
    InputError
        If pympi is not there, the document is damaged, a tier is not in it or has no times, or several annotators made it.
    """
    document = _parsed(file)
    unknown = [tier for tier in tiers if tier not in document.tiers]
    if unknown:
        raise InputError(
            f"{file.where}: has no tier {unknown[0]!r:.80} (--tier); it has {', '.join(document.tiers):.120}"
        )
    timed = {name: _segments(document, name) for name in tiers or document.tiers}
    wrong = next((name for name, found in timed.items() if found is None and name in tiers), None)
    if wrong is not None:
        raise InputError(f"{file.where}: tier {wrong!r:.80} has no times of its own (--tier); name the tier above it")
    kept = {name: found for name, found in timed.items() if found}
    by = {name: document.tiers[name][2].get("ANNOTATOR", "") for name in kept}
    if len(set(by.values()) - {""}) > 1 and not tiers:
        told = "; ".join(f"{name} by {who or 'nobody'}" for name, who in by.items())
        raise InputError(
            f"{file.where}: its tiers are of several annotators ({told:.120}), and ELAN does not say which is newest; name those "
            "that count with --tier"
        )
    segments, points = solid([one for found in kept.values() for one in found], file.where)
    people = {document.tiers[name][2].get("PARTICIPANT", "") for name in kept} - {""}
    media = [PurePosixPath(one.get("MEDIA_URL", "").replace("\\", "/")).stem for one in document.media_descriptors]
    named = [
        f"{document.timeslots[first] / 1000:g} s {tier}"
        for tier in kept
        for first, _, text, _ in document.tiers[tier][0].values()
        if not text.strip()
    ]
    untimed = [name for name, found in timed.items() if found is None]
    return [
        Track(
            (file.stem, *media),
            segments,
            moment(document.adocument.get("DATE", ""), file.written),
            file.name,
            file.name,
            {"participant": people.pop()} if len(people) == 1 else {},
            {
                **points,
                **({"left out, tiers without times of their own": untimed} if untimed else {}),
                **({"annotations without text, called as their tier": named} if named else {}),
            },
        )
    ]


def _segments(document: Any, tier: str) -> list[Segment] | None:
    """Return the annotations of `tier` that are aligned in time; None if it has annotations, and not all of them are."""
    aligned, others = document.tiers[tier][:2]
    if others:
        return None
    slots = document.timeslots
    times = [(slots[first], slots[last], text) for first, last, text, _ in aligned.values()]
    if any(start is None or end is None for start, end, _ in times):
        return None
    return [Segment(text if text.strip() else tier, start / 1000, end / 1000) for start, end, text in times]


def _parsed(file: MarkedFile) -> Any:
    try:
        # Of all the formats this one takes a package that few need.
        from pympi.Elan import Eaf
    except ImportError:
        raise InputError(
            f"{file.where}: is an ELAN document, which takes pympi: pip install 'crescendo-ablation[elan]'"
        ) from None
    if "<!DOCTYPE" in file.text or "<!ENTITY" in file.text:
        raise InputError(f"{file.where}: declares entities, which no ELAN document does; save it in ELAN again")
    with tempfile.TemporaryDirectory(prefix="crescendo-") as folder:
        copy = Path(folder) / "document.eaf"
        copy.write_bytes(file.text.encode())
        try:
            return Eaf(str(copy), suppress_version_warning=True)
        except Exception as error:  # noqa: BLE001  # pympi raises it as such
            raise InputError(
                f"{file.where}: is a damaged ELAN document ({' '.join(str(error).split()):.120}); save it in ELAN again"
            ) from None
