"""Videos and their annotations: which belong together, and which have no partner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crescendo.trainables.data.annotations import Annotations, listed
from crescendo.trainables.data.recording_names import FileNames, check_each_its_own
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.folders import files_below
from crescendo.trainables.video.decoding import SUFFIXES


@dataclass(frozen=True)
class Collection:
    """Annotated videos.

    `videos` maps recordings to their files, in the order of the annotations; `notes` are lines on what has no partner.
    """

    videos: dict[str, Path]
    notes: tuple[str, ...]


def find_videos(source: Path | str) -> dict[str, Path]:
    """Return stem -> video file, sorted, of all videos in the folder `source` and below, or of the one file `source`.

    Folders that are linked into it are entered, too (`files_below`).

    Raises
    ------
    InputError
        If there are none, two have the same stem, or a folder cannot be read.
    """
    source = Path(source)
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    inside = [source] if source.is_file() else files_below(source)
    videos: dict[str, Path] = {}
    for path in inside:
        if path.suffix.lower() in SUFFIXES and (path.is_file() or path.is_symlink()):
            if path.stem in videos:
                raise InputError(f"{source}: {videos[path.stem]} and {path} stand for the same recording; remove one")
            videos[path.stem] = path.absolute()
    if not videos:
        raise InputError(f"{source}: holds no videos ({', '.join(sorted(SUFFIXES))})")
    return videos


def match_videos(videos: dict[str, Path], annotations: Annotations) -> Collection:
    """Return the videos that are annotated: those named like a recording, or `v_` and its name.

    Raises
    ------
    InputError
        If no video is annotated, two stand for one recording, or one for two.
    """
    matched: dict[str, Path] = {}
    stems = FileNames(videos)
    for name in annotations.recordings:
        found = stems.of(name)
        if len(found) > 1:
            raise InputError(f"{videos[found[0]]} and {videos[found[1]]} stand for the recording {name!r}; remove one")
        if found:
            matched[name] = videos[found[0]]
    check_each_its_own(matched, "video")
    if not matched:
        raise InputError(
            f"of {counted(len(videos), 'video')} none is annotated: {next(iter(videos))!r} is none of "
            f"{counted(len(annotations.recordings), 'recording')}; a video is named like its recording, or v_ and its name"
        )
    notes = []
    used = set(matched.values())
    if alone := [name for name, path in videos.items() if path not in used]:
        notes.append(f"videos without annotations, left out: {len(alone)} ({listed(alone)})")
    if without := [name for name in annotations.recordings if name not in matched]:
        notes.append(f"annotated recordings without a video, left out: {len(without)} ({listed(without)})")
    return Collection(matched, tuple(notes))
