"""Splits by name."""

from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.importers.splits import held_out

names = st.lists(st.text(), unique=True, max_size=60)


@given(names, st.randoms())
def test_order_does_not_matter_and_the_share_is_kept(chosen: list[str], random) -> None:
    shuffled = random.sample(chosen, len(chosen))
    held = held_out(chosen)
    assert held == held_out(shuffled)
    assert held <= set(chosen)
    assert len(held) == (max(1, round(len(chosen) / 5)) if len(chosen) > 1 else 0)


def test_split_is_the_same_everywhere_and_for_ever() -> None:
    assert held_out([f"r{number}" for number in range(10)]) == {"r5", "r6"}
