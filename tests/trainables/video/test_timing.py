"""When pictures are shown, from any time stamps in any order of decoding."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.video.timing import DecodeClock, PresentationClock, UnclearTime

TICK, STEP, LONGEST = Fraction(1, 100), Fraction(4, 100), Fraction(300)
STEPS = st.lists(st.integers(1, 900), min_size=1, max_size=30)


def stamps_of(first: int, steps: Sequence[int]) -> list[int]:
    stamps = [first]
    for step in steps:
        stamps.append(stamps[-1] + step)
    return stamps


@st.composite
def display_orders(draw: st.DrawFn, count: int = 24) -> list[int]:
    """Places on screen in the order of decoding: each P-picture before the B-pictures that are shown before it."""
    order, place = [0], 1
    while place < count:
        between = min(draw(st.integers(0, 4)), count - 1 - place)
        order += [place + between, *draw(st.permutations(range(place, place + between)))]
        place += between + 1
    return order


def times(
    clock: PresentationClock | DecodeClock, order: Sequence[int], pts: Sequence[int | None], dts: Sequence[int]
) -> list[Fraction]:
    """When pictures begin that are decoded in `order` (places on screen) and bear `pts` and `dts`, in this order."""
    for presented, decoded in zip(pts, dts, strict=True):
        clock.packet(presented, decoded)
    begins = []
    for place in range(len(order)):
        number = order.index(place)
        late = any(order[before] > place for before in range(number))
        begins.append(clock.picture(number, 4, bidirectional=late)[0])
    clock.finish()
    return begins


@given(
    order=display_orders(),
    first=st.integers(-(10**6), 10**12),
    steps=st.lists(st.integers(0, 900), min_size=23, max_size=23),
)
def test_pictures_are_shown_when_their_packet_says(order: list[int], first: int, steps: list[int]) -> None:
    stamps = stamps_of(first, steps)
    clock = PresentationClock(TICK, STEP, LONGEST)
    assert times(clock, order, [stamps[place] for place in order], range(24)) == [
        TICK * (one - first) for one in stamps
    ]
    assert clock.origin == first * TICK
    assert clock.end == TICK * (stamps[-1] - first + 4)


@given(order=display_orders(), kept=st.sets(st.integers(0, 23)), first=st.integers(-100, 10**12))
def test_pictures_without_a_stamp_follow_the_one_before(order: list[int], kept: set[int], first: int) -> None:
    stamps = [first + 4 * place if place in kept else None for place in order]
    assert times(PresentationClock(TICK, STEP, LONGEST), order, stamps, range(24)) == [
        place * STEP for place in range(24)
    ]


@given(steps=STEPS, back=st.integers(1, 10**6), at=st.integers(1, 30))
def test_time_that_goes_back_is_no_time(steps: list[int], back: int, at: int) -> None:
    stamps = stamps_of(0, steps)
    at = min(at, len(stamps) - 1)
    for clock in (PresentationClock(TICK, STEP, LONGEST), DecodeClock(TICK, STEP, LONGEST)):
        moved = [*stamps[:at], *(stamp - (stamps[at] - stamps[at - 1]) - back for stamp in stamps[at:])]
        with pytest.raises(UnclearTime, match="its time goes back"):
            times(clock, range(len(moved)), moved, moved)


@given(steps=STEPS, jump=st.integers(30_001, 10**9), at=st.integers(1, 30))
def test_time_that_jumps_is_no_time(steps: list[int], jump: int, at: int) -> None:
    stamps = stamps_of(0, steps)
    at = min(at, len(stamps) - 1)
    for clock in (PresentationClock(TICK, STEP, LONGEST), DecodeClock(TICK, STEP, LONGEST)):
        moved = [*stamps[:at], *(stamp + jump for stamp in stamps[at:])]
        with pytest.raises(UnclearTime, match="its time jumps"):
            times(clock, range(len(moved)), moved, moved)


@given(order=display_orders(), first=st.integers(-100, 10**9), stride=st.integers(1, 50))
def test_the_nth_picture_takes_the_nth_time_of_decoding(order: list[int], first: int, stride: int) -> None:
    stamps = [first + stride * number for number in range(24)]
    assert times(DecodeClock(TICK, STEP, LONGEST), order, stamps, stamps) == [
        TICK * stride * place for place in range(24)
    ]


@given(steps=STEPS, lost=st.sets(st.integers(1, 30)))
def test_decoded_as_shown_each_picture_takes_its_own_time(steps: list[int], lost: set[int]) -> None:
    stamps, clock = stamps_of(5, steps), DecodeClock(TICK, STEP, LONGEST)
    for number, stamp in enumerate(stamps):
        assert clock.packet(None, stamp) == number
        if number not in lost:
            assert clock.picture(number, 4, bidirectional=False)[0] == TICK * (stamp - 5)
    clock.finish()


def reordered(steps: Sequence[int], shown: Sequence[int]) -> None:
    """Decode a packet for each of `steps` and one, and show those of the numbers `shown`."""
    clock = DecodeClock(TICK, STEP, LONGEST)
    for stamp in stamps_of(0, steps):
        clock.packet(None, stamp)
    for before, number in zip([-1, *shown], shown, strict=False):
        clock.picture(number, 4, bidirectional=number != before + 1)
    clock.finish()


def test_what_decode_times_do_not_say() -> None:
    reordered([4] * 6, [0, 2, 3, 1, 5, 6, 4])
    reordered([33, 34, 33, 33, 34, 33], [0, 2, 3, 1, 5, 6, 4])  # rounded
    reordered([4] * 6, [0, 4, 3, 6, 5])  # the B-pictures before the first one are lost
    for steps in (
        [1, 1, 2, 1, 1, 1],
        [1, 1, 0, 1, 1, 1],
        [2, 1, 1, 1, 1, 1],
        [4, 4, 4, 4, 4, 12],
        [33, 34, 33, 66, 33, 34],
    ):
        with pytest.raises(UnclearTime, match="B-pictures at a varying rate"):
            reordered(steps, [0, 2, 3, 1, 5, 6, 4])
    with pytest.raises(UnclearTime, match="1 of its pictures are missing"):
        reordered([4] * 6, [0, 2, 3, 1, 6, 4])
    with pytest.raises(UnclearTime, match="too many of its pictures are missing"):
        reordered([4] * 900, [0, 2, 3, 1, 890])
    with pytest.raises(UnclearTime, match="share one time"):
        reordered([4] * 6, [0, 1, 1])
    with pytest.raises(UnclearTime, match="packet 0 has no time stamp"):
        DecodeClock(TICK, STEP, LONGEST).packet(3, None)
