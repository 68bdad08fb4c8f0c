"""Blanks at the ends of labels: they tell no two labels apart, and nobody sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from crescendo.trainables.data.annotations import Annotations, listed
from crescendo.trainables.plurals import counted


def trimmed(annotations: Annotations) -> tuple[Annotations, list[str]]:
    """Return `annotations` with no blanks at the ends of labels, and what was done, in lines: they tell no two labels apart."""
    counts = Counter(segment.label for one in annotations.recordings.values() for segment in one.segments)
    notes = dropped_blanks(counts, "segment")
    if not notes:
        return annotations, []
    recordings = {
        name: replace(one, segments=tuple(replace(segment, label=segment.label.strip()) for segment in one.segments))
        for name, one in annotations.recordings.items()
    }
    return replace(annotations, recordings=recordings), notes


def dropped_blanks(counts: Mapping[str, int], unit: str) -> list[str]:
    """Return a line on the labels that have blanks at their ends, if any do; `counts` says how many `unit`s have each."""
    found = [f"{label!r} ({counted(counts[label], unit)})" for label in sorted(counts) if label != label.strip()]
    if not found:
        return []
    return [f"{counted(len(found), 'label')} had blanks at the ends, which were dropped: {listed(found)}"]
