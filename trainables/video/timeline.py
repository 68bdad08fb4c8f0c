"""Seconds from where a player starts a video, and the length that its file announces."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from crescendo.trainables.data.frames import tolerated_seconds
from crescendo.trainables.video.presentation import TimedPicture
from crescendo.trainables.video.timing import UnclearTime

# Formats with a head that says how long the file is; of others FFmpeg estimates it.
_ANNOUNCING = frozenset({"mov", "matroska", "avi", "flv", "asf"})


class Timeline:
    """Places pictures in the time of a player, which starts with the first picture or the sound, whichever is first.

    `announced` is the end of the pictures in that time, in seconds, as the file announces it; None if it does not, or
    as long as no picture with a time stamp was placed.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        self._container, self._stream = container, stream
        starts = [one.start_time * one.time_base for one in container.streams.audio if one.start_time is not None]
        self._sound = min(starts, default=None)
        self._lead: Fraction | None = None
        self._known = False
        self.announced: Fraction | None = None

    def place(self, picture: TimedPicture) -> Fraction:
        """Return when `picture` begins; `UnclearTime` if that is after the announced end."""
        if not self._known and picture.origin is not None:
            self._known = True
            self._begin(picture.origin)
        begins = (self._lead or Fraction(0)) + picture.begins
        self._lead = self._lead or Fraction(0)
        if self.announced is not None and begins > self.announced + self._tolerance:
            raise UnclearTime(
                f"a picture at {float(begins):.2f} s, after its announced end at {float(self.announced):.2f} s"
            )
        return begins

    def check_end(self, end: Fraction) -> None:
        """Raise `UnclearTime` if the pictures end, at `end`, before the announced end."""
        if self.announced is not None and end + self._tolerance < self.announced:
            raise UnclearTime(
                f"its pictures end at {float(end):.2f} s of the {float(self.announced):.2f} s it announces"
            )

    def _begin(self, origin: Fraction) -> None:
        zero = origin if self._sound is None else min(origin, self._sound)
        if self._lead is not None and origin > zero:
            raise UnclearTime("its first pictures have no time stamps, and its sound starts before them")
        self._lead = origin - zero
        self.announced = _announced(self._container, self._stream, zero)

    @property
    def _tolerance(self) -> Fraction:
        return Fraction(tolerated_seconds(float(self.announced or 0)))


def _announced(container: Any, stream: Any, zero: Fraction) -> Fraction | None:
    if not _ANNOUNCING.intersection(container.format.name.split(",")):
        return None
    if stream.duration is not None and container.format.name != "asf":  # which has one length for all streams
        return Fraction(((stream.start_time or 0) + stream.duration) * stream.time_base) - zero
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska's, of one stream
    minutes, _, seconds = rest.partition(":")
    try:
        return (int(hours) * 60 + int(minutes)) * 60 + Fraction(seconds.strip("\0 "))
    except ValueError:
        # Of a container with sound the length may be that of the sound.
        alone = len(container.streams.audio) == 0
        return Fraction(container.duration, 1_000_000) if alone and container.duration else None
