"""Which settings are trained again, and which of them is chosen."""

from hypothesis import given
from hypothesis import strategies as st

from crescendo.search_spaces.finalists import chosen, finalists

values = st.sampled_from([0.1, 0.2, 0.3, 0.4])
searches = st.dictionaries(st.integers(0, 9), st.tuples(values, st.sampled_from("abcd")), max_size=8)


@given(searches, st.integers(1, 5))
def test_the_best_of_different_settings_go_on(search: dict[int, tuple[float, str]], count: int) -> None:
    found = finalists(
        {number: value for number, (value, _) in search.items()},
        {number: one for number, (_, one) in search.items()},
        count,
    )
    waiting, expected = dict(search), []
    while waiting and len(expected) < count:
        best = min(number for number in waiting if waiting[number][0] == max(value for value, _ in waiting.values()))
        expected.append(best)
        waiting = {number: one for number, one in waiting.items() if one[1] != search[best][1]}
    assert list(found) == expected


@given(st.lists(values, max_size=4), st.lists(st.lists(values, max_size=2), min_size=4, max_size=4))
def test_the_best_mean_of_those_that_are_whole_is_chosen(own: list[float], again: list[list[float]]) -> None:
    own = sorted(own, reverse=True)
    found = chosen(dict(enumerate(own)), dict(enumerate(again)), 2)
    whole = [number for number in range(len(own)) if len(again[number]) == 2]
    if not whole:
        assert found == (0 if own else None)
        return
    means = {number: (own[number] + sum(again[number])) / 3 for number in whole}
    best = max(means.values())
    assert abs(means[found] - best) < 1e-12
    assert all(means[number] < best + 1e-12 for number in whole if number < found)
