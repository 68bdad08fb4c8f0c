"""From pictures to a video file, with PyAV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from crescendo.trainables.video.decoding import require_av

# FFmpeg's own encoder: there in every build, and one thread makes the same bytes everywhere.
CODEC = "mpeg4"


def write_video(
    path: Path,
    pictures: Iterable[tuple[int, np.ndarray]],
    *,
    time_base: Fraction,
    rotation: int = 0,
    sound_seconds: float = 0.0,
    whole_head: bool = False,
) -> None:
    """Encode `pictures`, pairs of a time stamp in units of `time_base` and a (height, width, 3) uint8 array.

    Parameters
    ----------
    rotation
        Degrees counterclockwise by which a player is told to turn the video.
    sound_seconds
        Length of a sound track (a hum); 0: none.
    whole_head
        Put the index before the pictures, so that a file that is cut off at its end can still be opened.
    """
    av = require_av()
    with av.open(str(path), "w", options={"movflags": "faststart"} if whole_head else {}) as container:
        video = container.add_stream(CODEC, rate=Fraction(1) / time_base)
        video.time_base = video.codec_context.time_base = time_base
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.qmin, video.codec_context.qmax = 2, 5
        if rotation:
            video.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=16_000, layout="mono") if sound_seconds else None
        for stamp, array in pictures:
            if not video.codec_context.is_open:
                video.height, video.width = array.shape[:2]
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts, frame.time_base = stamp, time_base
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            for frame in _hum(av, sound_seconds):
                container.mux(sound.encode(frame))
            container.mux(sound.encode())


def _hum(av: Any, seconds: float) -> Iterator[Any]:
    for start in range(0, int(seconds * 16_000), 1024):
        wave = np.sin(2 * np.pi * 220 * (start + np.arange(1024)) / 16_000).astype(np.float32)[None] * 0.1
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, start
        yield frame
