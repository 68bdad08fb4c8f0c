"""From a folder of videos and an annotation file to a prepared data set."""

from __future__ import annotations

import glob
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from crescendo.platform.extraction.pipeline import extracted
from crescendo.platform.extraction.settings import Extraction, ResolvedExtraction, resolve_extraction
from crescendo.platform.tuning.session import ray_session
from crescendo.trainables.data.annotations import Annotations, listed, read_annotations
from crescendo.trainables.data.dataset import PIXELS, Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.data.importers.activitynet import paper_split
from crescendo.trainables.data.importers.base import Reporter
from crescendo.trainables.data.importers.splits import given_split
from crescendo.trainables.data.label_blanks import trimmed
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import agreeing, counted
from crescendo.trainables.storage.locks import hold
from crescendo.trainables.video.collection import find_videos, match_videos
from crescendo.trainables.video.decoding import require_av
from crescendo.trainables.video.work import WorkFolder

_MEBIBYTE = 2**20


def extract(
    videos: Path,
    annotations: Path,
    destination: Path,
    extraction: Extraction,
    *,
    split: str = "given",
    strict: bool = False,
    clip: bool = False,
    licence: str = "not stated",
    reporter: Reporter,
) -> Dataset:
    """Extract the features of all annotated videos and write them as a prepared data set.

    Videos that are finished lie in a work folder beside `destination`; the same call made again after an end of any kind
    goes on from there. The work folder's name holds a hash of the settings, so that those of two never mix.

    Parameters
    ----------
    split
        `given`: the subsets of the annotation file, as `crescendo data import directory` reads them; `paper`: those of
        ActivityNet turned into the paper's, as `crescendo data import activitynet` does.
    strict
        Stop at the first broken video instead of leaving it out.

    Raises
    ------
    InputError
        If the input cannot be used, no video is left, or one is broken with `strict`; `destination` is then absent.
    """
    require_av()
    if not 0 < extraction.fps < float("inf"):
        raise InputError(f"fps must be a positive number but got {extraction.fps}")
    if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
        raise InputError(f"{destination}: exists already; remove it or choose another destination")
    split_annotations, notes = _annotations(annotations, split, clip)
    collection = match_videos(find_videos(videos), split_annotations)
    for note in (*notes, *collection.notes):
        reporter.say(note)
    resolved = resolve_extraction(extraction)
    place = destination.with_name(f"{destination.name}.partial-{resolved.key}")
    for other in sorted(destination.parent.glob(f"{glob.escape(destination.name)}.partial-*")):
        if other != place and other.is_dir():
            reporter.say(f"{other}: holds the work of other settings; remove it if they are not wanted any more")
    with _locked(place):
        work = WorkFolder(place, resolved.width)
        run = _VideoExtraction(work, collection.videos, split_annotations, extraction.fps, strict, reporter)
        run.extract(resolved)
        broken = run.broken()
        good = {name: one for name, one in split_annotations.recordings.items() if name in run.frames}
        good = {name: one for name, one in good.items() if name not in broken}
        if broken:
            reporter.say(
                f"warning: {len(broken)} of {counted(len(collection.videos), 'video')} {agreeing(len(broken), 'is', 'are')} "
                "broken and left out:"
            )
            for reason in broken.values():
                reporter.say(f"  {reason}")
            notes = [
                *notes,
                f"{counted(len(broken), 'broken video is', 'broken videos are')} left out: {listed(list(broken))}",
            ]
        if not good:
            raise InputError(f"{videos}: no video could be used; the reasons are listed above")
        frames = {name: run.frames[name] for name in good}
        content: Iterator[Any] = (
            work.pictures(name) if resolved.width is None else work.matrix(name, count)
            for name, count in frames.items()
        )
        dataset = write_dataset(
            destination,
            DatasetMetadata(
                name=videos.stem,
                fps=extraction.fps,
                features=extraction.description,
                source=f"{counted(len(good), 'video')} of {videos.name}, annotated by {annotations.name}",
                licence=licence,
                notes=(*notes, *collection.notes),
            ),
            replace(split_annotations, recordings=good),
            frames=frames,
            features=reporter.track(content, len(frames), "writing"),
            feature_dim=3 * resolved.preparation.size**2 if resolved.width is None else resolved.width,
            dtype=PIXELS if resolved.width is None else "float16",
            store_metadata=resolved.store_metadata(extraction),
            fc7=resolved.fc7,
        )
    shutil.rmtree(place, ignore_errors=True)
    return dataset


class _VideoExtraction:
    """The extraction of one command's videos: which are finished, which are broken and why."""

    def __init__(
        self,
        work: WorkFolder,
        videos: Mapping[str, Path],
        annotations: Annotations,
        fps: float,
        strict: bool,
        reporter: Reporter,
    ) -> None:
        self._work, self._videos, self._annotations = work, videos, annotations
        self._fps, self._strict, self._reporter = fps, strict, reporter
        self._reasons: dict[str, str] = {}
        self.frames: dict[str, int] = {}

    def extract(self, resolved: ResolvedExtraction) -> None:
        """Extract the frames of all videos that are not finished yet."""
        for name, path in self._videos.items():
            if (frames := self._work.frames(name, path)) is not None:
                self.frames[name] = frames
                self._check_length(name)
        if self.frames:
            self._reporter.say(
                f"{len(self.frames)} of {counted(len(self._videos), 'video')} {agreeing(len(self.frames), 'was', 'were')} "
                "finished before"
            )
        names = [name for name in self._videos if name not in self.frames]
        if not names:
            return
        expected = sum(max(1, round(self._annotations.recordings[name].duration * self._fps)) for name in names)
        # Room for what every decoder may be ahead.
        room = max(100, 40 * (os.cpu_count() or 1)) * _MEBIBYTE
        # Ray warns, for every pool of actors, that the actors' arguments must stay alive; they do.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        begin, before = time.monotonic(), sum(self.frames.values())
        with closing(self._work), ray_session(object_store=room, tell=self._reporter.say):
            for _ in self._reporter.track(self._stored(names, resolved, expected), expected, "extracting frames"):
                pass
        for name in names:
            if name not in self.frames and name not in self._reasons:
                self._fail(
                    name, f"{self._videos[name]}: ended before all its frames were seen; start the command again"
                )
        seconds, frames = time.monotonic() - begin, sum(self.frames.values()) - before
        self._reporter.say(
            f"{counted(frames, 'frame')} in {seconds:,.0f} s, {frames / max(seconds, 1e-9):,.1f} a second"
        )

    def broken(self) -> dict[str, str]:
        """Return the videos that cannot be used, in the order of the annotations, and why."""
        return {name: self._reasons[name] for name in self._videos if name in self._reasons}

    def _stored(self, names: list[str], resolved: ResolvedExtraction, expected: int) -> Iterator[None]:
        """Store the frames as they come; yield once a frame, for the progress bar, but at most `expected` times."""
        seen = 0
        videos = {number: self._videos[name] for number, name in enumerate(names)}
        for some in extracted(videos, self._fps, resolved.preparation, resolved.network):
            name = names[some.video]
            if name in self._reasons:
                continue
            if len(some.numbers) and self._work.add(name, self._videos[name], some.numbers, some.values, some.total):
                self.frames[name] = self._work.frames(name, self._videos[name]) or 0
                self._check_length(name)
            if some.error:
                self._work.drop(name)
                self._fail(name, some.error)
            more = min(len(some.numbers), expected - seen)
            seen += more
            for _ in range(more):
                yield None

    def _check_length(self, name: str) -> None:
        lasts, annotated = self.frames[name] / self._fps, self._annotations.recordings[name].duration
        if abs(lasts - annotated) > tolerated_seconds(annotated):
            self._fail(
                name,
                f"{self._videos[name]}: lasts {lasts:.1f} s but its annotation says {annotated:.1f} s; not the video "
                "that was annotated",
            )

    def _fail(self, name: str, reason: str) -> None:
        if self._strict:
            raise InputError(
                f"{reason}; mend or remove it, or leave --strict out; finished videos are kept in {self._work.path}"
            )
        self._reasons[name] = reason
        self._reporter.say(f"left out: {reason}")


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Lock the work folder `place` for this command, and remove it at the end if no video was finished."""
    lock = hold(place / "lock", f"{place}: another command is at work there; wait for it or end it")
    try:
        yield
    finally:
        if not any(place.glob("*.arrow")):
            shutil.rmtree(place, ignore_errors=True)
        lock.release()


def _annotations(path: Path, split: str, clip: bool) -> tuple[Annotations, list[str]]:
    found = read_annotations(path, clip=clip)
    if split not in ("given", "paper"):
        raise InputError(f"split: must be given or paper but got {split!r}")
    plain, blanks = trimmed(found)
    annotations, notes = given_split(plain, str(path)) if split == "given" else paper_split(plain, path)
    return annotations, [*found.notes, *blanks, *notes]
