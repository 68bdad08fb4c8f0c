"""Annotations in ActivityNet's JSON format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crescendo.trainables.data.groups import GROUPS, Groups
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.json_files import can_be_written, is_number, parse_json, read_json

# Annotation tools round: ActivityNet 1.3 has 221 segments that end up to 0.85 s after their video does.
OVERHANG_SECONDS = 1.0

LONGEST = 1e9
"""Seconds that a recording lasts at most: thirty years."""

_LISTED = 5
_KEYS = ("duration", "subset", "annotations", "group")


@dataclass(frozen=True, slots=True)
class Segment:
    """An annotated activity: `label` from `start` to `end`, in seconds."""

    label: str
    start: float
    end: float


def placed(recording: str, segment: Segment) -> str:
    """Return where a segment is, as notes list it."""
    return f"{recording} [{segment.start:g}, {segment.end:g}] {segment.label}"


def listed(names: Sequence[str]) -> str:
    """Return the first of `names`, as notes list them, and how many more there are."""
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording's annotation: `duration` in seconds, its split (`subset`), its segments in file order.

    `group` names what it shares with others that are therefore not independent of it: its person, session or camera; None:
    it stands alone. `extra` holds the keys of the JSON object that Crescendo does not know; they are kept.
    """

    subset: str
    duration: float
    segments: tuple[Segment, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)
    group: str | None = None


@dataclass(frozen=True)
class Annotations:
    """A whole annotation file; `recordings` maps each recording's name to its annotation, in file order.

    `notes` says what was read otherwise than it was written. `groups_are` is the noun, in the plural, for what groups are.
    """

    recordings: Mapping[str, Recording]
    version: str = "crescendo 1"
    taxonomy: tuple[Any, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    groups_are: str = GROUPS

    def groups(self, recordings: Iterable[str] | None = None) -> Groups:
        """Return the groups of `recordings`; None: of all."""
        names = self.recordings if recordings is None else recordings
        found = ((name, self.recordings[name].group) for name in names)
        return Groups({name: group for name, group in found if group is not None}, self.groups_are)

    def subsets(self) -> tuple[str, ...]:
        """Return the names of the subsets, sorted."""
        return tuple(sorted({recording.subset for recording in self.recordings.values()}))

    def of(self, subset: str) -> dict[str, Recording]:
        """Return the recordings of `subset`, in file order.

        Raises
        ------
        InputError
            If no recording belongs to it.
        """
        chosen = {name: one for name, one in self.recordings.items() if one.subset == subset}
        if not chosen:
            raise InputError(f"subset {subset!r} has no recordings; there are: {', '.join(self.subsets()) or 'none'}")
        return chosen

    def labels(self) -> tuple[str, ...]:
        """Return the labels of all segments, sorted."""
        return tuple(sorted({segment.label for one in self.recordings.values() for segment in one.segments}))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `read_annotations` reads."""
        database = {
            name: {
                "duration": float(one.duration),
                "subset": one.subset,
                "annotations": [{"segment": [float(s.start), float(s.end)], "label": s.label} for s in one.segments],
                **({} if one.group is None else {"group": one.group}),
                **one.extra,
            }
            for name, one in self.recordings.items()
        }
        named = {} if self.groups_are == GROUPS else {"groups_are": self.groups_are}
        return {"version": self.version, "taxonomy": list(self.taxonomy), **named, "database": database}


def read_annotations(path: Path | str, *, clip: bool = False) -> Annotations:
    """Read an annotation file in ActivityNet's format (`.json`, or `.json.gz`).

    `clip` cuts segments to their recording and drops those that lie outside it, instead of refusing them.
    What that does is counted in `notes`. A segment may reach up to `OVERHANG_SECONDS` over either end of its recording; one
    without length is kept (nothing matches it).

    Raises
    ------
    InputError
        If the file is no valid JSON, lacks keys, or has a segment with its end before its start or outside the
        recording, or with a label that is no text. The message names the file, the recording and how many more faults there are.
    """
    return annotations_of(read_json(path), str(path), clip)


def parse_annotations(data: bytes, where: str, *, clip: bool = False) -> Annotations:
    """Read annotations from the bytes of a file called `where`; see `read_annotations`."""
    return annotations_of(parse_json(data, where), where, clip)


def annotations_of(content: Any, path: str, clip: bool) -> Annotations:
    """Return the annotations in `content`, an object of JSON; `path` is its file. See `read_annotations`."""
    if not isinstance(content, dict) or not isinstance(content.get("database"), dict):
        raise InputError(f"{path}: lacks the object 'database'; expected ActivityNet's annotation format")
    seen = _Seen()
    recordings = {name: _recording(name, entry, seen, clip) for name, entry in content["database"].items()}
    if seen.faults:
        more = f" (and {counted(len(seen.faults) - 1, 'more fault')})" if len(seen.faults) > 1 else ""
        raise InputError(f"{path}: {seen.faults[0]}{more}")
    taxonomy = content.get("taxonomy") or ()
    if not isinstance(taxonomy, list | tuple):
        raise InputError(f"{path}: 'taxonomy' must be a list but is {taxonomy!r:.80}")
    if not can_be_written(taxonomy):
        raise InputError(f"{path}: 'taxonomy' holds NaN or infinity, which JSON does not have; mend or remove it")
    groups_are = content.get("groups_are", GROUPS)
    if not isinstance(groups_are, str) or not groups_are.strip():
        raise InputError(f"{path}: 'groups_are' is {groups_are!r:.80}; it must be a noun in the plural, such as people")
    return Annotations(recordings, str(content.get("version", "")), tuple(taxonomy), tuple(seen.notes()), groups_are)


@dataclass
class _Seen:
    """What was met while a file was read.

    `faults` are sentences, `numbers` labels that are numbers, `cut` and `dropped` the segments that clipping did that to.
    """

    faults: list[str] = field(default_factory=list)
    numbers: dict[str, None] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def notes(self) -> Iterator[str]:
        """Yield what was read otherwise than it was written."""
        if self.numbers:
            yield f"labels that are numbers were read as text: {', '.join(self.numbers)}"
        if self.cut:
            yield f"segments that were cut to their recording: {len(self.cut):,}: {listed(self.cut)}"
        if self.dropped:
            yield f"segments that were dropped, nothing is left of them: {len(self.dropped):,}: {listed(self.dropped)}"


def label_text(label: Any) -> str | None:
    """Return the label that `label`, a value of JSON, stands for: a text, or a number as text. None if it is no label."""
    if is_number(label):
        return str(label)
    return label if isinstance(label, str) and label.strip() else None


def _recording(name: str, entry: Any, seen: _Seen, clip: bool) -> Recording:
    nothing, faults = Recording("", 0.0, ()), seen.faults
    if not isinstance(entry, dict):
        faults.append(f"recording {name!r} is no object")
        return nothing
    missing = [key for key in ("duration", "subset", "annotations") if key not in entry]
    if missing:
        faults.append(f"recording {name!r} lacks the key {missing[0]!r}")
        return nothing
    duration = entry["duration"]
    if not is_number(duration) or not 0 <= duration <= LONGEST:
        faults.append(
            f"recording {name!r} has duration {duration!r:.80}; it must be a number of seconds, from 0 to {LONGEST:g}"
        )
        return nothing
    if not isinstance(entry["annotations"], list):
        faults.append(f"recording {name!r}: 'annotations' must be a list")
        return nothing
    if not isinstance(entry["subset"], str):
        faults.append(f"recording {name!r} has subset {entry['subset']!r:.80}; it must be a text, such as training")
        return nothing
    found = [_segment(name, number, one, seen) for number, one in enumerate(entry["annotations"])]
    segments = [segment for segment in found if segment is not None]
    if clip:
        segments = list(_clipped(name, segments, duration, seen))
    for segment in segments:
        if segment.end < segment.start:
            faults.append(
                f"recording {name!r}: segment [{segment.start}, {segment.end}] of {segment.label!r} ends before it "
                "starts; mend it or pass --clip to drop it"
            )
        elif segment.start < -OVERHANG_SECONDS or segment.end > duration + OVERHANG_SECONDS:
            faults.append(
                f"recording {name!r}: segment [{segment.start}, {segment.end}] of {segment.label!r} lies outside the "
                f"recording's [0, {duration}] by more than {OVERHANG_SECONDS:g} s; mend it or pass --clip to cut it"
            )
    group = entry.get("group")
    if group is not None and label_text(group) is None:
        faults.append(
            f"recording {name!r} has group {group!r:.80}; it must be a text that names what it shares with others, or left out"
        )
    extra = {key: value for key, value in entry.items() if key not in _KEYS}
    for key, value in extra.items():
        if not can_be_written(value):
            faults.append(
                f"recording {name!r}: {key!r} holds NaN or infinity, which JSON does not have; mend or remove it"
            )
    return Recording(entry["subset"], float(duration), tuple(segments), extra, label_text(group))


def _segment(name: str, number: int, entry: Any, seen: _Seen) -> Segment | None:
    faults = seen.faults
    if not isinstance(entry, dict) or "segment" not in entry or "label" not in entry:
        faults.append(f"recording {name!r}: annotation {number} lacks 'segment' or 'label'")
        return None
    bounds = entry["segment"]
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(is_number(bound) for bound in bounds):
        faults.append(
            f"recording {name!r}: annotation {number} has segment {bounds!r:.80}; expected [start, end] in seconds"
        )
        return None
    label = label_text(entry["label"])
    if label is None:
        faults.append(
            f"recording {name!r}: annotation {number} has label {entry['label']!r:.80}; it must be the name of an activity"
        )
        return None
    if not isinstance(entry["label"], str):
        seen.numbers[label] = None
    return Segment(label, float(bounds[0]), float(bounds[1]))


def _clipped(name: str, segments: Iterable[Segment], duration: float, seen: _Seen) -> Iterator[Segment]:
    for segment in segments:
        cut = replace(segment, start=max(0.0, segment.start), end=min(duration, segment.end))
        if cut.start >= cut.end:
            seen.dropped.append(placed(name, segment))
            continue
        if cut != segment:
            seen.cut.append(placed(name, segment))
        yield cut
