"""The pictures of an opened video in the order of display, and when each is on screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from crescendo.trainables.video.timing import Clock, DecodeClock, PresentationClock, UnclearTime

# Formats made to be joined and cut byte by byte: time may start anew in the middle, and every picture has a length.
_STREAMS = frozenset({"mpegts", "mpeg"})
# Formats whose packets only say when they are decoded.
_DECODE_STAMPED = frozenset({"avi", "asf"})
# Seconds that a picture may stay on screen: in a stream more is a loss; elsewhere a file may say so.
_LONGEST = {True: Fraction(1), False: Fraction(300)}
_WRAP = 2**33  # ticks of 1/90000 s, after which the time of an MPEG stream begins at 0 again
_B_PICTURE = 3  # FFmpeg's number


@dataclass(frozen=True)
class TimedPicture:
    """A decoded picture, on screen in [`begins`, `ends`), seconds from the first picture on.

    `origin` is the time in the file at which the first picture begins; None as long as the file has not said it.
    """

    frame: Any
    begins: Fraction
    ends: Fraction
    origin: Fraction | None


def is_stream(container: Any) -> bool:
    """Whether the format has no head: nothing announces a length, and files of it may be joined byte by byte."""
    return container.format.name in _STREAMS


def timed_pictures(container: Any, stream: Any) -> Iterator[TimedPicture]:
    """Yield the pictures of `stream` in the order of display.

    Where the time of an MPEG stream starts anew, a second file was joined to the first: its first picture follows the
    last one before it.

    Raises
    ------
    UnclearTime
        If it cannot be said when a picture is shown.
    """
    joinable = is_stream(container)
    step = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
    clock = _clock(container, stream, step)
    origin: Fraction | None = None
    latest: int | None = None

    def shown(frames: list[Any]) -> Iterator[TimedPicture]:
        nonlocal origin
        for frame in frames:
            begins, ends = clock.picture(
                frame.pts, frame.duration or 0, bidirectional=int(frame.pict_type) == _B_PICTURE
            )
            origin = clock.origin if origin is None else origin
            yield TimedPicture(frame, begins, ends, origin)

    packets = (packet for packet in container.demux(stream) if packet.size)
    for packet in _own_stamps(packets) if joinable else packets:
        if joinable:
            _unwrap(packet, latest)
            if _starts_anew(packet, latest):
                yield from shown(stream.decode(None))
                stream.codec_context.flush_buffers()
                clock = PresentationClock(stream.time_base, step, _LONGEST[True], clock.end)
            latest = latest if packet.dts is None else packet.dts
        # The decoder hands the stamp on from the packet to its picture: in its place goes the packet's number.
        packet.pts = clock.packet(packet.pts, packet.dts)
        yield from shown(packet.decode())
    yield from shown(stream.decode(None))
    clock.finish()


def _clock(container: Any, stream: Any, step: Fraction) -> Clock:
    # Matroska that was made of AVI, with a FourCC in place of the codec's own name, has its stamps, too.
    of_avi = container.format.name.startswith("matroska") and stream.codec_context.codec_tag.strip("\0") != ""
    kind = DecodeClock if container.format.name in _DECODE_STAMPED or of_avi else PresentationClock
    return kind(stream.time_base, step, _LONGEST[is_stream(container)])


def _own_stamps(packets: Iterator[Any]) -> Iterator[Any]:
    """Yield `packets` without the stamps that are not theirs.

    The stamp of a PES packet belongs to the first picture that begins in it. Where it begins inside a start code, FFmpeg
    gives its stamp to the picture before, too.
    """
    before = None
    for packet in packets:
        if before is not None:
            if before.pts is not None and before.pts == packet.pts:
                before.pts = before.dts = None
            yield before
        before = packet
    if before is not None:
        yield before


def _unwrap(packet: Any, latest: int | None) -> None:
    """Put the stamps of `packet`, which are given modulo 2^33, where they are nearest to those before."""
    if packet.dts is not None and latest is not None:
        packet.dts += round((latest - packet.dts) / _WRAP) * _WRAP
    near = latest if packet.dts is None else packet.dts
    if packet.pts is not None and near is not None:
        packet.pts += round((near - packet.pts) / _WRAP) * _WRAP


def _starts_anew(packet: Any, latest: int | None) -> bool:
    """Whether a joined file begins with `packet`; `latest` is the time of decoding before it."""
    if packet.dts is None or latest is None or packet.dts > latest:
        return False
    if not packet.is_keyframe:
        if packet.dts == latest:
            return False
        back = (latest - packet.dts) * packet.time_base
        raise UnclearTime(f"its time goes back by {float(back):.2f} s in the middle of a group of pictures")
    return True
