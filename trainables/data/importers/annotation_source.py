"""Annotations of anyone's recordings, whatever tool made them, and the features that they are of."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crescendo.trainables.data.annotations import OVERHANG_SECONDS, Annotations, annotations_of, listed
from crescendo.trainables.data.importers.annotation_tools.gathering import (
    activitynet_content,
    annotation_files,
    gathered,
    newest,
    said_duration,
    unread,
)
from crescendo.trainables.data.importers.annotation_tools.track import Track
from crescendo.trainables.data.importers.external import Features, Matrices, check_present, check_widths
from crescendo.trainables.data.importers.feature_files import features_of
from crescendo.trainables.data.importers.layout import selected
from crescendo.trainables.data.importers.own_data import OwnData
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.data.importers.split_lists import list_files, lists_among, read_lists
from crescendo.trainables.data.importers.splits import SYNONYMS
from crescendo.trainables.data.importers.time_axis import Transposed, time_axes
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted, rate_text

DEFAULT = "annotations.json"
_ELSE = (f"{DEFAULT}.gz", "annotations.csv", "annotations.tsv", "annotations", "labels")
"""Where annotations are looked for, in turn, if nobody says."""


@dataclass(frozen=True)
class FoundAnnotations:
    """`annotations` as the files have them, the `features` that lie with them, and what was decided, in lines.

    `where` names the files of annotations, `unread` are others that seem to hold some. `matrices` are the features with time
    first, as far as that is known.
    """

    annotations: Annotations
    features: Features
    matrices: Matrices
    where: str
    axis_found: bool
    notes: tuple[str, ...]
    unread: tuple[str, ...]


def opened(source: Path | str, given: str) -> RawFiles:
    """Open the folder or zip `source`, whose annotations are at `given`: a file, a folder or a pattern; `InputError`."""
    if Path(given).is_absolute():
        raise InputError(
            f"--annotations {given}: annotations are looked for in SOURCE, by their path there; put them there"
        )
    others = " (or annotations.csv, or a folder annotations or labels)" if given == DEFAULT else ""
    what = f"a data set with {given}{others} and one feature file per recording"
    landmarks = (DEFAULT, *_ELSE) if given == DEFAULT else (glob.escape(given), given)
    return RawFiles(source, landmarks, what, shown=given)


def find(
    files: RawFiles, given: str, tiers: Sequence[str], own: OwnData, clip: bool, apart: Sequence[str]
) -> FoundAnnotations:
    """Return what is annotated at `given` in `files`; `tiers` are those of ELAN that count.

    `apart` are files that hold neither annotations nor features. Where annotations do not say how long a recording is, its
    features do; where they do not say which part it is of, lists do (`train.txt`, as of `frames`).

    Raises
    ------
    InputError
        If annotations are of no known form, damaged or outside their recording, or a recording has no features.
    """
    at = given if given != DEFAULT else next(one for one in (DEFAULT, *_ELSE) if _is_there(files, one))
    names = annotation_files(files, selected(files, at, "--annotations"), at)
    read = gathered(files, names, tiers)
    rest = [name for name in files.names if name not in (*names, *apart)]
    where = files.where(at)
    sought = selected(files, own.features_from, "--features-from") if own.features_from else files.names
    holding = tuple(name for name in sought if name not in (*names, *apart))
    if read.content is not None:
        annotations = annotations_of(read.content, where, clip)
        features = features_of(files, holding, annotations.recordings, own.feature_key)
        check_present(features, annotations.recordings, str(files.path))
        idle = _idle(files, rest, features, annotations.recordings)
        lists = _unread(lists_among(rest), "the annotations say the parts")
        return FoundAnnotations(annotations, features, features, where, False, (*lists, *_others(idle, at)), idle)
    features = features_of(files, holding, [name for track in read.tracks for name in track.names], own.feature_key)
    tracks, others = newest(read.tracks, features.__contains__)
    subsets, left = _subsets(files, rest, tracks)
    kept = {name: track for name, track in tracks.items() if name in subsets}
    if not kept:
        raise InputError(f"{where}: no annotated recording ({listed(list(tracks))}) stands in the lists of parts")
    check_present(features, kept, str(files.path))
    matrices, turned = _time_first(features, kept, own)
    durations = {
        name: matrices.shape(name).frames / own.fps if (said := said_duration(track)) is None else said
        for name, track in kept.items()
    }
    check_widths(matrices, kept)
    if not clip:
        _check_ends(kept, durations, matrices, own.fps, where)
    content = activitynet_content(kept, durations, subsets)
    shortest, longest = min(durations.values()), max(durations.values())
    last = f"{shortest:.4g}{f' to {longest:.4g}' if longest > shortest else ''} s"
    lasting = f"recordings last {last}, by their features at {rate_text(own.fps)} where annotations do not say"
    idle = _idle(files, rest, features, kept)
    notes = (*read.notes, *_others(idle, at), *others, *left, *turned, lasting)
    return FoundAnnotations(annotations_of(content, where, clip), features, matrices, where, True, notes, idle)


def _idle(files: RawFiles, names: Sequence[str], features: Features, recordings: Iterable[str]) -> tuple[str, ...]:
    """Return those of `names` that seem to hold annotations, and are neither features of `recordings` nor lists of parts."""
    used = {features.where(name) for name in recordings}
    lists = set(lists_among(names))
    return tuple(unread(files, [name for name in names if name not in lists and files.where(name) not in used]))


def _others(idle: Sequence[str], at: str) -> list[str]:
    if not idle:
        return []
    return [f"annotations that were not read, as those of {at} count (--annotations): {len(idle)}: {listed(idle)}"]


def _is_there(files: RawFiles, at: str) -> bool:
    return at in files or any(name.startswith(f"{at}/") for name in files.names)


def _subsets(files: RawFiles, names: Sequence[str], tracks: Mapping[str, Track]) -> tuple[dict[str, str], list[str]]:
    """Return recording -> subset, by its track or by lists among `names` if there are any, and what was left out."""
    said = {name: track.keys["subset"].lower() for name, track in tracks.items() if "subset" in track.keys}
    if len(said) == len(tracks):
        return said, _unread(lists_among(names), "the annotations say the parts")
    lists = list_files(names)
    if not lists:
        silent = [name for name in tracks if name not in said]
        say, train = counted(len(silent), "recording says", "recordings say"), agreeing(len(silent), "trains", "train")
        return {**dict.fromkeys(silent, "training"), **said}, (
            [f"{say} no part and {train}: {listed(silent)}"] if said else []
        )
    fold, parts = next(iter(read_lists(files, lists).items()))
    listing = {name: subset for subset, those in parts.items() for name in those}
    subsets = {name: listing[name] for name in tracks if name in listing} | said
    left = [name for name in tracks if name not in subsets]
    unknown = [name for name in listing if name not in tracks]
    others = [name for name, one in said.items() if listing.get(name, one) != SYNONYMS.get(one, one)]
    used = lists[fold].values()
    return subsets, [
        f"parts: as {', '.join(used)} list them{' where annotations do not say' if said else ''}",
        *(
            [f"recordings whose annotations say another part, which counts: {len(others)}: {listed(others)}"]
            if others
            else []
        ),
        *_unread([name for name in lists_among(names) if name not in used], "one division counts"),
        *([f"annotated recordings that stand in no list are left out: {len(left)}: {listed(left)}"] if left else []),
        *(
            [f"listed recordings that nobody annotated are left out: {len(unknown)}: {listed(unknown)}"]
            if unknown
            else []
        ),
    ]


def _unread(lists: Sequence[str], why: str) -> list[str]:
    """Return a line on the `lists` of parts that are not read, if there are any."""
    return [f"lists of parts that were not read, as {why}: {len(lists)}: {listed(lists)}"] if lists else []


def _check_ends(
    tracks: Mapping[str, Track], durations: Mapping[str, float], matrices: Matrices, fps: float, where: str
) -> None:
    """Refuse segments after the end of features that say how long a recording is: the rate, or the axis, may be wrong."""
    for name, track in tracks.items():
        last = max((one.end for one in track.segments), default=0.0)
        if said_duration(track) is None and last > durations[name] + OVERHANG_SECONDS:
            raise InputError(
                f"{where}: recording {name!r:.80} has a segment up to {last:g} s, but its features ({matrices.where(name)}) last "
                f"{durations[name]:g} s, {counted(matrices.shape(name).frames, 'frame')} at {fps:g} a second; check --fps and "
                "--time-axis, else mend the segment or pass --clip to cut it"
            )


def _time_first(features: Features, tracks: Mapping[str, Track], own: OwnData) -> tuple[Matrices, list[str]]:
    """Return the features as (frames, width), and what was decided.

    Rows are frames, unless only columns can be: those whose number differs between recordings, or holds all segments.
    """
    shapes = {name: features.shape(name) for name in tracks}
    last = {name: max((one.end for one in track.segments), default=0.0) * own.fps for name, track in tracks.items()}
    fitting = time_axes(shapes, last, {name: float("inf") for name in tracks})
    holding = [
        axis
        for axis in fitting
        if all((one.frames, one.width)[axis] >= last[name] - own.fps for name, one in shapes.items())
    ]
    found = own.time_axis == "auto" and (holding or list(fitting)) == [1]
    if own.time_axis != "1" and not found:
        return features, []
    how = ", found by the lengths" if found else ""
    return Transposed(features), [f"features are stored as (features, frames): axis 1 is time{how}"]
