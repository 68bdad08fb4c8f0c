"""`crescendo detect --stream`: a trained detector on the frames of standard input, as they come."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator

import torch
import typer

from crescendo.platform.commands.stop_signals import Stopped, StopSignals
from crescendo.platform.terminal_text import json_text, say, say_note
from crescendo.trainables.detector import Detector, Event, Frame, Stream
from crescendo.trainables.detector.sources import BrokenInput, frames_of
from crescendo.trainables.detector.stream import TimeGapError
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.calibration import remarks
from crescendo.trainables.evaluation.early_warning import parse_rate, rate_key


def detect_stream(detector: Detector, alarm: str | None, revise_every: float, *, keep_going: bool) -> None:
    """Write the events of the frames on standard input as JSON lines, until it ends or nobody reads them any more.

    Ctrl-C, SIGTERM and SIGHUP end what is open, and the command with code 128 + the signal's number.

    `alarm` is a rate of false alarms, `rate=1/h`, or None for no alarms; `revise_every` is in seconds.

    Raises
    ------
    InputError
        If a line is no frame, or frames are missing, unless `keep_going`; if `alarm` is no rate of the detector's.
    """
    torch.set_num_threads(1)  # a single frame is too little to share
    rate = None if alarm is None else rate_key(parse_rate(alarm))
    stream = detector.stream(alarm=rate, revise_every=revise_every)
    if rate is not None and rate in detector.calibrations:
        for remark in remarks({rate: detector.calibrations[rate]}):
            say_note(remark)
    with _until_the_reader_leaves():
        _detect_live(stream, keep_going=keep_going)


def _detect_live(stream: Stream, *, keep_going: bool) -> None:
    source = frames_of(sys.stdin.buffer)  # type: ignore[arg-type]  # standard input is a BufferedReader
    with StopSignals() as signals:
        try:
            while True:
                try:
                    _write(_events(stream, signals.wait_for(lambda: next(source)), keep_going=keep_going))
                except StopIteration:
                    return
                except BrokenInput:
                    raise
                except InputError as error:  # a line that is no frame
                    _write(_stand_in(stream, error, keep_going=keep_going))
        except Stopped as stopped:
            raise typer.Exit(stopped.exit_code) from None
        finally:
            _write(stream.close())


def _events(stream: Stream, frame: Frame, *, keep_going: bool) -> list[Event]:
    try:
        return stream.push(*frame)
    except TimeGapError as error:
        if not keep_going:
            raise
        say(f"warning: {error}", err=True)
        return [*stream.restart(), *_events(stream, frame, keep_going=True)]
    except InputError as error:
        return _stand_in(stream, error, keep_going=keep_going)


def _stand_in(stream: Stream, error: InputError, *, keep_going: bool) -> list[Event]:
    if not keep_going:
        raise error
    say(f"warning: {error}", err=True)
    return stream.hold() if stream.can_hold else []


def _write(events: Iterable[Event]) -> None:
    for event in events:
        sys.stdout.write(json_text(event.to_json()) + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def _until_the_reader_leaves() -> Iterator[None]:
    """End in silence when whoever reads our output has gone."""
    try:
        yield
    except BrokenPipeError:
        # Python flushes standard output once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
