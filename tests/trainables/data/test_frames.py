"""Seconds and frames."""

import math
from fractions import Fraction

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


# Annotations have decimals; a frame's centre often is one.
decimals = st.tuples(st.integers(0, 60_000), st.sampled_from([1, 10, 100, 1000])).map(lambda one: Fraction(*one))


@given(decimals, decimals, st.sampled_from(["6.25", "10", "15", "6", "29.97", "0.3"]))
def test_a_bound_on_a_frames_centre_is_taken_as_it_is_written(start: Fraction, end: Fraction, rate: str) -> None:
    fps = Fraction(rate)
    first, last = frame_span(float(start), float(end), float(rate))
    half = Fraction(1, 2)
    assert first == max(0, math.ceil(start * fps - half))
    assert last == max(first, math.ceil(end * fps - half))
    on_centre = (first + half) / fps
    if on_centre.denominator in (1, 2, 5, 10, 20, 25, 50, 100, 125, 1000):
        assert frame_span(float(on_centre), 1e6, float(rate))[0] == first


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from([6.25, 10.0, 15.0, 29.97, 30000 / 1001, 0.3]))
def test_a_bound_that_was_computed_lies_on_its_centre(first: int, length: int, fps: float) -> None:
    assert frame_span((first + 0.5) / fps, (first + length + 0.5) / fps, fps) == (first, first + length)


def test_hapt_has_bounds_on_centres() -> None:
    assert frame_span(0.56, 1.56, 6.25) == (3, 10)
    assert frame_span(np.float64(0.56), np.float64(1.56), 6.25) == (3, 10)


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
