"""When pictures are on screen, from the time stamps of the packets that they were decoded from.

Decoders return pictures in the order in which they are shown, packets come in the order in which they are decoded. A
clock is told of both: `packet` numbers the packets as they come, and `picture` takes, in the order of display, the number
of the packet that a picture came from. Times are seconds from the first picture on (`begins` for it), as fractions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

# Stamps of packets that no picture came from are kept for so many packets more; no codec delays a picture by as many.
_KEPT = 512
# In a file of few pictures a second, one stays on screen for at most so many times the usual length.
_STRETCH = 3


class UnclearTime(ValueError):
    """It cannot be said when a picture is shown; the message says why."""


class Clock(Protocol):
    """Times of the pictures of one stream.

    `origin` is the time in the file, in seconds, from which the times count; None as long as no stamp was seen. `end` is
    that of the latest picture.
    """

    origin: Fraction | None
    end: Fraction

    def packet(self, pts: int | None, dts: int | None) -> int:
        """Take the stamps of the next packet and return its number."""

    def picture(self, number: int | None, length: int, *, bidirectional: bool) -> tuple[Fraction, Fraction]:
        """Return when the next picture in the order of display begins and ends.

        `number` is that of its packet, `length` what the file says it lasts, in units of its time base (0: nothing);
        `bidirectional` is true of a B-picture.

        Raises
        ------
        UnclearTime
            If the stamps contradict each other.
        """

    def finish(self) -> None:
        """Say that there are no more pictures; `UnclearTime` if only now it shows that times were wrong."""


class PresentationClock:
    """Of files whose packets say when their picture is shown; packets without a stamp follow the one before them."""

    def __init__(self, tick: Fraction, step: Fraction, longest: Fraction, begins: Fraction = Fraction(0)) -> None:
        """`tick` is the unit of stamps, `step` the length of pictures that bear none, `longest` that of a still one, in s."""
        self.origin: Fraction | None = None
        self.end = begins
        self._tick, self._step, self._longest = tick, step, longest
        self._begins, self._length = begins, step
        self._stamps: dict[int, int | None] = {}
        self._packets = 0
        self._guessed = False

    def packet(self, pts: int | None, dts: int | None) -> int:
        """Take the stamps of the next packet and return its number."""
        number = self._packets
        self._packets += 1
        self._stamps[number] = pts
        self._stamps.pop(number - _KEPT, None)
        return number

    def picture(self, number: int | None, length: int, *, bidirectional: bool) -> tuple[Fraction, Fraction]:
        """Return when the next picture begins and ends; see `Clock`."""
        self._begins = self._time(None if number is None else self._stamps.pop(number, None))
        self._length = length * self._tick or self._step
        self.end = self._begins + self._length
        return self._begins, self.end

    def finish(self) -> None:
        """Nothing is left to be checked."""

    def _time(self, stamp: int | None) -> Fraction:
        if stamp is None:
            self._guessed = True
            return self.end
        if self.origin is None:
            # Pictures before this one, if any, lasted as long as they should have.
            self.origin = stamp * self._tick - self.end
            self._guessed = False
        time = stamp * self._tick - self.origin
        if time < self._begins:
            raise UnclearTime(f"its time goes back from {float(self._begins):.2f} s to {float(time):.2f} s")
        if self._guessed and abs(time - self.end) > self._length * 3 / 4:
            raise UnclearTime(
                f"after pictures without a time stamp, one comes at {float(time):.2f} s in place of {float(self.end):.2f} s"
            )
        if time - self._begins > max(self._longest, _STRETCH * self._step):
            raise UnclearTime(f"its time jumps from {float(self._begins):.2f} s to {float(time):.2f} s")
        self._guessed = False
        return time


class DecodeClock:
    """Of files whose packets only say when they are decoded, such as AVI.

    Where pictures are decoded in the order of display, that is when they are shown. Where they are not, the i-th picture
    on screen takes the i-th time, which is right at a constant rate alone: anything else is refused.
    """

    def __init__(self, tick: Fraction, step: Fraction, longest: Fraction) -> None:
        """`tick` is the unit of stamps, `step` the length of pictures where none is given, `longest` of a still one, in s."""
        self.origin: Fraction | None = None
        self.end = self._begins = Fraction(0)
        self._tick, self._step, self._longest = tick, step, longest
        self._stamps: dict[int, int] = {}
        self._packets = self._place = 0
        self._waiting: set[int] = set()
        self._first, self._last = 0, -1
        self._stride: int | None = None
        self._even, self._reordered, self._dropped = True, False, False

    def packet(self, pts: int | None, dts: int | None) -> int:
        """Take the stamps of the next packet and return its number; `UnclearTime` if it has none, or its time goes back."""
        number = self._packets
        if dts is None:
            raise UnclearTime(f"packet {number} has no time stamp")
        if number:
            stride = dts - self._stamps[number - 1]
            if stride < 0:
                raise UnclearTime(f"its time goes back by {float(-stride * self._tick):.2f} s")
            self._stride = self._stride if self._stride is not None else stride
            # Stamps are rounded to ticks, which shows where a picture lasts many.
            self._even = self._even and abs(stride - self._stride) <= self._stride // 8 and stride > 0
        self._packets += 1
        self._stamps[number] = dts
        self._stamps.pop(number - _KEPT, None)
        self._waiting.add(number)
        return number

    def picture(self, number: int | None, length: int, *, bidirectional: bool) -> tuple[Fraction, Fraction]:
        """Return when the next picture begins and ends; see `Clock`."""
        if number is None or number not in self._waiting:
            raise UnclearTime("two of its pictures share one time")
        if self.origin is None:
            self._first = self._place = number
            self.origin = self._stamp(number) * self._tick
        elif not self._reordered and number != self._last + 1:
            self._reordered = bidirectional or number < self._last
            self._dropped = self._dropped or not self._reordered
        if self._reordered and (self._dropped or not self._even):
            raise UnclearTime("it holds B-pictures at a varying rate, and its format does not say when they are shown")
        self._waiting.discard(number)
        self._last = number
        stamp = self._stamp(self._place if self._reordered else number)
        self._place += 1
        begins, before = stamp * self._tick - self.origin, self._begins
        self._begins = begins
        if self._reordered:
            length = self._stride or length
        self.end = begins + (length * self._tick or self._step)
        if begins - before > self._longest:
            raise UnclearTime(f"its time jumps from {float(before):.2f} s to {float(begins):.2f} s")
        return begins, self.end

    def finish(self) -> None:
        """Raise `UnclearTime` if pictures were reordered and some are missing that were not the first ones.

        B-pictures before the first whole picture cannot be decoded where a file was cut there; all others begin with it.
        """
        lost = sorted(number for number in self._waiting if number > self._first)
        if self._reordered and lost != list(range(self._first + 1, self._first + 1 + len(lost))):
            raise UnclearTime(
                f"{len(lost)} of its pictures are missing, and its format does not say when the others are shown"
            )

    def _stamp(self, number: int) -> int:
        if number not in self._stamps:
            raise UnclearTime("too many of its pictures are missing to say when the others are shown")
        return self._stamps[number]
