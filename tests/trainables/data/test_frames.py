"""Seconds and frames."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.frames import frame_labels, frame_span, seconds

# Sixteenths of a second at powers of two are exact, so that the reference may compare without tolerance.
times = st.integers(-16, 400).map(lambda sixteenths: sixteenths / 16)
rates = st.sampled_from([1.0, 2.0, 4.0, 8.0])


@given(times, times, rates)
def test_span_holds_the_frames_whose_centre_lies_inside(start: float, end: float, fps: float) -> None:
    first, last = frame_span(start, end, fps)
    assert list(range(first, last)) == [t for t in range(300) if start <= (t + 0.5) / fps < end]


@given(st.lists(st.tuples(st.sampled_from("abc"), times, times), max_size=6), rates, st.integers(0, 60))
def test_labels_agree_with_literal_reference(content: list[tuple[str, float, float]], fps: float, frames: int) -> None:
    segments = [Segment(*one) for one in content]
    index = {"a": 1, "b": 2, "c": 3}
    expected = []
    for frame in range(frames):
        covering = [one for one in segments if one.start <= (frame + 0.5) / fps < one.end]
        latest = max((one.start for one in covering), default=None)
        starters = [one for one in covering if one.start == latest]
        expected.append(index[starters[-1].label] if starters else 0)
    np.testing.assert_array_equal(frame_labels(segments, frames, fps, index), expected)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.floats(0.1, 120))
def test_frames_become_seconds_and_frames_again(first: int, length: int, fps: float) -> None:
    assert frame_span(seconds(first, fps), seconds(first + length, fps), fps) == (first, first + length)
