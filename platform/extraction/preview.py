"""`crescendo data extract --preview`: a contact sheet a video."""

from __future__ import annotations

from pathlib import Path

from crescendo.trainables.data.annotations import read_annotations
from crescendo.trainables.data.importers.base import Reporter
from crescendo.trainables.data.label_blanks import trimmed
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_directory
from crescendo.trainables.video.backbones import preparation_of
from crescendo.trainables.video.collection import find_videos, match_videos
from crescendo.trainables.video.contact_sheet import draw_contact_sheet
from crescendo.trainables.video.decoding import require_av


def draw_previews(
    videos: Path,
    annotations: Path | None,
    destination: Path,
    fps: float,
    backbone: str,
    size: int | None,
    *,
    clip: bool,
    reporter: Reporter,
) -> int:
    """Write a contact sheet of every video, with labels where there are annotations; return how many there are.

    Raises
    ------
    InputError
        If there are no videos, all are broken, or `destination` exists.
    """
    require_av()
    if not 0 < fps < float("inf"):
        raise InputError(f"fps must be a positive number but got {fps}")
    preparation = preparation_of(backbone)
    preparation = preparation if size is None else preparation.at(size)
    found, recordings = find_videos(videos), {}
    if annotations is not None:
        known, blanks = trimmed(read_annotations(annotations, clip=clip))
        matched = match_videos(found, known)
        for note in (*known.notes, *blanks, *matched.notes):
            reporter.say(note)
        found, recordings = matched.videos, dict(known.recordings)
    drawn = 0
    with atomic_directory(destination) as folder:
        for name, path in reporter.track(found.items(), len(found), "drawing"):
            try:
                draw_contact_sheet(
                    path, name, folder / f"{name}.png", fps=fps, preparation=preparation, recording=recordings.get(name)
                )
                drawn += 1
            except InputError as error:
                reporter.say(f"left out: {error}")
        if not drawn:
            raise InputError(f"{videos}: no video could be drawn; the reasons are listed above")
    return drawn
