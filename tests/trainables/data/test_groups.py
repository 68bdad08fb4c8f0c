"""Groups of recordings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.groups import Groups

names = st.lists(st.text(), unique=True, max_size=12)


@given(names, st.dictionaries(st.text(), st.sampled_from("abc")))
def test_two_recordings_have_one_number_if_they_have_one_group(recordings: list[str], of: dict[str, str]) -> None:
    of = {**of, **dict(zip(recordings, "abca", strict=False))}
    numbers = Groups(of).numbers(recordings).tolist()
    for one, first in zip(recordings, numbers, strict=True):
        for other, second in zip(recordings, numbers, strict=True):
            together = one == other or (one in of and other in of and of[one] == of[other])
            assert (first == second) == together
    assert list(dict.fromkeys(numbers)) == list(range(Groups(of).count(recordings)))


@given(st.dictionaries(st.text(), st.text()), st.text())
def test_round_trip(of: dict[str, str], are: str) -> None:
    assert Groups.from_json(Groups(of, are).to_json()) == Groups(of, are)


@pytest.mark.parametrize("content", [None, [], {}, {"of": []}, {"of": {"r": 1}}])
def test_something_else_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match="'groups' must"):
        Groups.from_json(content)
