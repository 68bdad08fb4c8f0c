"""Ranges and choices: membership, counting, conditions."""

import itertools
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from crescendo.search_spaces.schema.spaces import Choices, Range, Space, combinations

SPACE = TypeAdapter(Space)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([1, 2], Choices(choices=(1, 2))),
        (20, Choices(choices=(20,))),
        ({"choices": ["a", "b"]}, Choices(choices=("a", "b"))),
        ({"low": 1, "high": 5}, Range(low=1, high=5)),
        (
            {"low": 0.1, "high": 5, "log": True, "when": {"variant": "score"}},
            Range(low=0.1, high=5, log=True, when={"variant": ("score",)}),
        ),
    ],
)
def test_short_forms(written: object, meant: Range | Choices) -> None:
    assert SPACE.validate_python(written) == meant


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": 3, "high": 3},
        {"low": 4, "high": 3},
        {"low": 0, "high": 3, "log": True},
        {"low": 1, "high": 3, "log": True, "step": 1},
        {"low": 0, "high": 10, "step": 3},
        {"low": 0, "high": 10, "step": 0},
        {"low": 0, "high": math.inf},
        {"low": 0, "high": math.nan},
        {"low": True, "high": 3},
        {"low": "1", "high": 3},
        {"low": 1, "high": 3, "choices": [1]},
        {"low": 1, "high": 2, "when": {"variant": []}},
        [],
        [1, 1.0],
        ["a", "a"],
        [math.nan],
        [[1]],
        None,
    ],
)
def test_a_space_that_makes_no_sense_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        SPACE.validate_python(wrong)


def test_one_and_true_are_two_choices() -> None:
    assert list(Choices(choices=(1, True)).values()) == [1, True]
    assert True not in Choices(choices=(1, 2))


@given(low=st.integers(-50, 50), steps=st.integers(1, 40), step=st.integers(1, 7))
def test_an_integer_range_holds_exactly_its_values(low: int, steps: int, step: int) -> None:
    space = Range(low=low, high=low + steps * step, step=step)
    values = list(space.values())
    assert values == list(range(low, low + steps * step + 1, step))
    assert space.size == len(values)
    assert [value for value in range(low - 3, low + steps * step + 4) if value in space] == values
    assert low + 0.5 not in space


@given(low=st.floats(-5, 5), steps=st.integers(1, 200), step=st.sampled_from([0.1, 0.25, 0.05, 1.0, 0.3]))
def test_a_stepped_range_of_real_numbers_holds_its_values(low: float, steps: int, step: float) -> None:
    space = Range(low=low, high=low + steps * step, step=step)
    assert space.size == steps + 1
    assert all(value in space for value in list(space.values())[:-1])
    assert low + step / 2 not in space


def test_a_range_of_real_numbers_has_no_list_of_values() -> None:
    space = Range(low=0.5, high=2.0)
    assert space.size == math.inf
    with pytest.raises(ValueError, match="no list"):
        list(space.values())


def test_integers_become_real_for_a_real_setting() -> None:
    space = Range(low=1, high=30, log=True)
    assert space.integer
    assert not space.floating().integer
    assert 6 in space.floating()
    assert space.floating().size == math.inf


def enumerated(space: dict[str, Range | Choices]) -> int:
    """The literal count: every tuple of values, those whose condition fails crossed out, no setting twice."""
    found = set()
    for values in itertools.product(*(list(one.values()) for one in space.values())):
        chosen: dict[str, object] = {}
        for (key, one), value in zip(space.items(), values, strict=True):
            if one.applies(chosen):
                chosen[key] = value
        found.add(tuple(sorted(chosen.items())))
    return len(found)


SIZES = st.lists(st.integers(1, 4), min_size=0, max_size=4)


@given(sizes=SIZES, data=st.data())
def test_settings_of_conditional_spaces_are_counted(sizes: list[int], data: st.DataObject) -> None:
    space: dict[str, Range | Choices] = {}
    for number, size in enumerate(sizes):
        when = {}
        if space and data.draw(st.booleans()):
            on = data.draw(st.sampled_from(list(space)))
            when = {on: tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, unique=True)))}
        space[f"p{number}"] = Choices(choices=tuple(range(size)), when=when)
    assert combinations(space, 10_000) == enumerated(space)
    assert combinations(space, 3) == min(3, enumerated(space))


def test_endless_spaces_are_counted_to_the_limit() -> None:
    space = {"a": Range(low=0.0, high=1.0), "b": Choices(choices=(1, 2))}
    assert combinations(space, 20) == 20
    assert combinations({"a": Range(low=0, high=10**12)}, 20) == 20


@st.composite
def decimal_ranges(draw: st.DrawFn) -> tuple[Range, list[Decimal]]:
    """A stepped range of short decimals, and its values, added up as decimals."""
    places = draw(st.integers(1, 6))
    low, step = (Decimal(draw(st.integers(*ends))).scaleb(-places) for ends in ((-3000, 3000), (1, 3000)))
    values = [low + number * step for number in range(draw(st.integers(1, 60)) + 1)]
    return Range(low=float(low), high=float(values[-1]), step=float(step)), values


@given(decimal_ranges(), st.data())
def test_a_stepped_range_of_decimals_holds_the_decimals(
    drawn: tuple[Range, list[Decimal]], data: st.DataObject
) -> None:
    space, decimals = drawn
    values = list(space.values())
    assert values == [float(one) for one in decimals]
    assert [repr(one) for one in values] == [repr(float(str(one))) for one in decimals]
    assert space.size == len(set(values)) == len(decimals)
    assert space.exact
    assert all(one in space for one in values)
    index = data.draw(st.integers(0, len(values) - 1))
    added = space.low + index * space.step  # as floating-point numbers add up
    assert added in space
    assert space.written(added) == space.nearest(added) == values[index]
    beyond = space.high + space.step
    assert beyond not in space
    assert space.written(beyond) == beyond
    assert space.nearest(beyond) == space.high


@given(decimal_ranges(), st.data())
def test_a_condition_on_a_stepped_range_holds_for_its_value(
    drawn: tuple[Range, list[Decimal]], data: st.DataObject
) -> None:
    space, decimals = drawn
    wanted = data.draw(st.sampled_from(decimals))
    condition = Choices(choices=(1,), when={"dropout": (float(wanted),)})
    assert [one for one in space.values() if condition.applies({"dropout": one})] == [float(wanted)]


def test_a_high_that_is_only_nearly_on_the_grid_is_the_last_value() -> None:
    third = Range(low=0, high=1, step=0.3333333333)
    assert list(third.values()) == [0.0, 0.3333333333, 0.6666666666, 1.0]
    assert not third.exact
    assert list(Range(low=0.1, high=0.1 + 2 * 0.1, step=0.1).values()) == [0.1, 0.2, 0.1 + 2 * 0.1]


@pytest.mark.parametrize(
    ("space", "value", "written"),
    [
        (Range(low=1, high=9), 6.0, 6),
        (Range(low=0, high=60, step=5), 15.0, 15),
        (Range(low=0, high=60, step=5), 12, 12),
        (Range(low=0.0, high=2.0), 1, 1.0),
        (Range(low=0, high=1, step=0.5), 0, 0.0),
        (Range(low=0.1, high=0.4, step=0.1), 0.30000000000000004, 0.3),
        (Range(low=0.1, high=0.3, step=0.1), 0.30000000000000004, 0.3),
        (Range(low=0.1, high=0.4, step=0.1), 0.25, 0.25),
        (Range(low=0.1, high=0.4, step=0.1), "none", "none"),
        (Range(low=1, high=4), True, True),
        (Choices(choices=(1.0, 2.0)), 1, 1.0),
        (Choices(choices=(1, 2)), True, True),
        (Range(low=10**15, high=10**15 + 3), 10**15 + 1, 10**15 + 1),
        (Range(low=10**300, high=10**300 + 3), 10**300 + 1, 10**300 + 1),
    ],
)
def test_a_value_is_written_as_its_space_has_it(space: Range | Choices, value: object, written: object) -> None:
    found = space.written(value)
    assert found == written
    assert type(found) is type(written)


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": 0.0, "high": 1.0, "step": 1e-17},
        {"low": 1e15, "high": 1e15 + 2, "step": 0.25},
        {"low": 0, "high": 10**400},
        {"low": 0.5, "high": 10**400, "step": 1},
    ],
)
def test_steps_below_the_precision_and_endless_integers_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SPACE.validate_python(wrong)
