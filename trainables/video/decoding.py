"""Frames of a video by time stamp: the picture on screen at the centre of each frame's interval.

Time counts from where a player starts: the earliest of the video's and the sound's first time stamps. Frame t covers
[t / fps, (t + 1) / fps) seconds and is labelled by what happens at its centre (protocol section 1, reading 8); the picture
taken for it is the one on screen at that centre, so no frame shows what comes after it. Time stamps are compared as
fractions: variable frame rates come out right, and no rounding chooses between two pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.reading import check_plain
from crescendo.trainables.video.joined import second_file
from crescendo.trainables.video.mp4 import plays_in_parts
from crescendo.trainables.video.presentation import timed_pictures
from crescendo.trainables.video.timeline import Timeline
from crescendo.trainables.video.timing import UnclearTime

if TYPE_CHECKING:
    from crescendo.trainables.video.backbones import Preparation

SUFFIXES = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .vob .webm .wmv".split()  # noqa: SIM905
)


# Of PyAV; those before it convert every YUV picture as if it were BT.601.
OLDEST_AV = 17


@dataclass(frozen=True)
class VideoFacts:
    """Properties of a video, as its file states them.

    `duration` in seconds (None where the file announces none); `width` and `height` as shown, with square pixels and
    after rotation; `rotation`, in degrees counterclockwise, that a player is told to apply; `average_rate` in pictures
    a second (None where unknown).
    """

    duration: float | None
    width: int
    height: int
    rotation: int
    average_rate: float | None
    codec: str


@dataclass(frozen=True)
class Picture:
    """A decoded picture of a video: `array` (height, width, 3) uint8 as stored; a player shows `shown`."""

    array: np.ndarray
    matrix: tuple[int, int, int, int]
    aspect: Fraction

    def shown(self) -> np.ndarray:
        """Return the picture turned and mirrored as its display matrix says, (height, width, 3) uint8, a view."""
        a, b, c, d = self.matrix
        picture = self.array
        if abs(b) + abs(c) > abs(a) + abs(d):
            picture, a, d = picture.transpose(1, 0, 2), c, b
        picture = picture[:, ::-1] if a < 0 else picture
        return picture[::-1] if d < 0 else picture

    def size(self) -> tuple[int, int]:
        """Return (height, width) for square pixels, upright."""
        height, width = self.array.shape[0], max(1, round(self.array.shape[1] * self.aspect))
        a, b, c, d = self.matrix
        return (width, height) if abs(b) + abs(c) > abs(a) + abs(d) else (height, width)


def probe(path: Path | str) -> VideoFacts:
    """Return the metadata of the video `path`; its first picture is decoded.

    Raises
    ------
    InputError
        If the file is missing, no video, or its first picture cannot be decoded.
    """
    with _opened(path, threads=1) as (container, stream):
        first = next(timed_pictures(container, stream), None)
        if first is None:
            raise InputError(f"{path}: broken video: holds no pictures")
        picture, timeline = _picture(first.frame, stream), Timeline(container, stream)
        timeline.place(first)
        announced = timeline.announced
        rate = stream.average_rate or stream.guessed_rate
        height, width = picture.size()
        return VideoFacts(
            None if announced is None else float(announced),
            width,
            height,
            _degrees(picture.matrix),
            None if rate is None else float(rate),
            stream.codec_context.name,
        )


def sampled_frames(path: Path | str, fps: float, preparation: Preparation, *, threads: int = 0) -> Iterator[np.ndarray]:
    """Yield the frames of the video `path`, `fps` a second, each (3, size, size) uint8: red, green, blue.

    They are turned as the rotation flag says, resized (antialiased) to the short side `preparation.resize` and cut to
    the centre square, as torchvision's transforms (v2) do it to uint8 tensors. A picture that is on screen for several
    frames is yielded several times. Where the sound starts first, frames before the first picture are black.

    Parameters
    ----------
    threads
        Threads of the decoder; 0: as many as there are cores.

    Raises
    ------
    InputError
        If the file is missing, no video, cannot be decoded, or ends before the length it announces; frames before that
        have been yielded.
    """
    for picture in sampled_pictures(path, fps, threads=threads):
        if picture.current is None:
            prepared = np.zeros((3, preparation.size, preparation.size), np.uint8)
        else:
            prepared = prepare(picture.current, preparation)
        for _ in range(picture.frames):
            yield prepared


@dataclass(frozen=True)
class Sample:
    """A picture (None before the first one), and the number of consecutive frames for which it is on screen."""

    current: Picture | None
    frames: int


def sampled_pictures(path: Path | str, fps: float, *, threads: int = 0) -> Iterator[Sample]:
    """Yield the pictures of `sampled_frames` before they are prepared; see there."""
    rate = Fraction(fps)
    done = 0
    current: Any = None
    end = Fraction(0)
    with _opened(path, threads) as (container, stream):
        timeline = Timeline(container, stream)
        for picture in timed_pictures(container, stream):
            begins = timeline.place(picture)
            due = _frames_before(begins, rate)
            if due > done:
                yield Sample(None if current is None else _picture(current, stream), due - done)
                done = due
            current = picture.frame
            end = begins + picture.ends - picture.begins
        if current is None:
            raise InputError(f"{path}: broken video: holds no pictures")
        timeline.check_end(end)
        # A video of less than half a frame still is a recording.
        if (left := max(_frames_before(end, rate), 1) - done) > 0:
            yield Sample(_picture(current, stream), left)


def prepare(picture: Picture, preparation: Preparation) -> np.ndarray:
    """Return the picture resized and cut for a network, (3, size, size) uint8; it is not yet standardised."""
    # It takes seconds, and videos are made and listed without it.
    import torch

    height, width = picture.size()
    short, long = min(height, width), max(height, width)
    # As torchvision rounds where it is given the short side alone; given both, it resizes odd pixels to square ones.
    resized = preparation.resize, int(preparation.resize * long / short)
    rows, columns = resized if height <= width else resized[::-1]
    # Of a picture that lies channel by channel in each pixel torch resizes bytes as bytes, many times as fast.
    image = torch.from_numpy(np.ascontiguousarray(picture.shown())).permute(2, 0, 1).unsqueeze(0)
    image = torch.nn.functional.interpolate(
        image, (rows, columns), mode=preparation.interpolation, antialias=True, align_corners=False
    )
    size = preparation.size
    top, left = round((rows - size) / 2), round((columns - size) / 2)
    return np.ascontiguousarray(image[0, :, top : top + size, left : left + size].numpy())


def require_av() -> Any:
    """Return the module `av`, or say what to install."""
    try:
        # It may be missing: it comes with the extra `video`.
        import av
    except ImportError:
        raise InputError("PyAV is not installed; video needs it: pip install 'crescendo-ablation[video]'") from None
    if int(av.__version__.split(".")[0]) < OLDEST_AV:
        raise InputError(
            f"PyAV {av.__version__} shows BT.709 video in wrong colours; video needs {OLDEST_AV} or later: "
            "pip install --upgrade av"
        )
    return av


@contextmanager
def _opened(path: Path | str, threads: int) -> Iterator[tuple[Any, Any]]:
    """Open the best video stream; FFmpeg's errors, now or while the file is read, become `InputError`s."""
    av = require_av()
    check_plain(Path(path))
    # FFmpeg would take a name such as `http:x` or `concat:x` for something other than a file.
    where = Path(path).absolute()
    try:
        with av.open(str(where), metadata_errors="replace", options={"correct_ts_overflow": "0"}) as container:
            # FFmpeg's guesses at time stamps that are not there cannot be told from those that are (nor, above, a time
            # that starts anew from one that has reached its 33rd bit).
            container.flags &= ~av.container.Flags.gen_pts.value
            stream = container.streams.best("video")
            if stream is None:
                raise InputError(f"{path}: broken video: has no pictures, only sound or data")
            if stream.codec_context is None:
                raise InputError(f"{path}: broken video: FFmpeg has no decoder for its pictures")
            if (second := second_file(where, container.format.name)) is not None:
                raise InputError(
                    f"{path}: broken video: a second one begins at byte {second}, of which nothing would be seen; "
                    "cut the file there, or join the two with `ffmpeg -f concat`"
                )
            if "mov" in container.format.name and _in_parts(where):
                raise InputError(
                    f"{path}: broken video: its edit list plays several parts, which FFmpeg does not place rightly; "
                    "export it from the program that edited it as one"
                )
            stream.codec_context.thread_count = threads
            stream.codec_context.thread_type = "AUTO"
            yield container, stream
    except UnclearTime as error:
        raise InputError(f"{path}: broken video: {error}") from None
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (av.FFmpegError, OSError, EOFError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: broken video: cannot be decoded ({reason})") from error


def _in_parts(path: Path) -> bool:
    with path.open("rb") as file:
        return plays_in_parts(file, path.stat().st_size)


def _frames_before(time: Fraction, rate: Fraction) -> int:
    """Return how many frames have their centre before `time`."""
    return max(0, math.ceil(time * rate - Fraction(1, 2)))


def _picture(frame: Any, stream: Any) -> Picture:
    side = frame.side_data.get("DISPLAYMATRIX")
    a, b, _, c, d = (1, 0, 0, 0, 1) if side is None else np.frombuffer(bytes(side), np.int32)[:5].tolist()
    return Picture(frame.to_ndarray(format="rgb24"), (a, b, c, d), stream.sample_aspect_ratio or Fraction(1))


def _degrees(matrix: tuple[int, int, int, int]) -> int:
    a, b, _, _ = matrix
    return round(math.degrees(math.atan2(-b, a)))
