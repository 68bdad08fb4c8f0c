"""The inner search finds the best reset and merge gap, and asks for no more than it must."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.platform.studies.decode_search import DecodeSearch
from crescendo.search_spaces.arms import ArmDecode
from crescendo.search_spaces.schema.spaces import Choices, Range


class Scores:
    """A table of objectives that notes what it is asked."""

    def __init__(self, table):
        self.table, self.calls = table, []

    def __call__(self, reset, gaps):
        self.calls.append((reset, list(gaps)))
        return [self.table(reset, gap) for gap in gaps]


@given(values=st.lists(st.integers(0, 5), min_size=22, max_size=22))
def test_a_small_space_is_tried_whole_in_one_call_a_reset(values):
    scores = Scores(lambda reset, gap: values[gap + (11 if reset == "none" else 0)])
    search = DecodeSearch(ArmDecode(Range(low=0, high=10), ("memory", "none"), 100, ()), seed=0)
    reset, gap = search(scores)
    assert scores.calls == [("memory", list(range(11))), ("none", list(range(11)))]
    best = max(values)
    assert scores.table(reset, gap) == best
    first = values.index(best)
    assert (reset, gap) == (("memory", first) if first < 11 else ("none", first - 11))


def test_choices_are_tried_in_order_of_size():
    scores = Scores(lambda reset, gap: 1.0)
    search = DecodeSearch(ArmDecode(Choices(choices=(20, 5, 10)), ("memory",), 100, ()), seed=0)
    assert search(scores) == ("memory", 5)
    assert scores.calls == [("memory", [5, 10, 20])]


def test_a_large_space_is_searched_with_its_budget_start_values_first():
    scores = Scores(lambda reset, gap: -abs(gap - 700))
    search = DecodeSearch(ArmDecode(Range(low=0, high=2000), ("memory",), 60, ({"merge_gap": 20},)), seed=1)
    reset, gap = search(scores)
    assert len(scores.calls) == 60
    assert scores.calls[0] == ("memory", [20])
    assert abs(gap - 700) < 60
    again = Scores(scores.table)
    assert search(again) == (reset, gap)
    assert again.calls == scores.calls


@pytest.mark.parametrize("space", [Range(low=0, high=60), Choices(choices=(0, 20))])
def test_it_travels_to_a_worker(space):
    search = DecodeSearch(ArmDecode(space, ("memory",), 100, ()), seed=0)
    assert pickle.loads(pickle.dumps(search)) == search
