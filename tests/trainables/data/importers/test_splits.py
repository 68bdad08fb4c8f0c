"""Splits by name."""

from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.groups import Groups
from crescendo.trainables.data.importers.splits import held_out

names = st.lists(st.text(), unique=True, max_size=60)


@given(names, st.randoms())
def test_order_does_not_matter_and_the_share_is_kept(chosen: list[str], random) -> None:
    shuffled = random.sample(chosen, len(chosen))
    held = held_out(chosen, Groups())
    assert held == held_out(shuffled, Groups())
    assert held <= set(chosen)
    assert len(held) == (max(1, round(len(chosen) / 5)) if len(chosen) > 1 else 0)


def test_split_is_the_same_everywhere_and_for_ever() -> None:
    assert held_out([f"r{number}" for number in range(10)], Groups()) == {"r5", "r6"}


@given(names, st.randoms(), st.data())
def test_no_group_is_cut_and_one_is_left_to_train_on(chosen: list[str], random, data: st.DataObject) -> None:
    some = st.none() | st.sampled_from(["a", "b", "c", "d", *chosen[:2]])
    groups = {name: group for name in chosen if (group := data.draw(some)) is not None}
    held = held_out(chosen, Groups(groups))
    assert held == held_out(random.sample(chosen, len(chosen)), Groups(groups))
    alone = [{name} for name in chosen if name not in groups]
    together = [{name for name in groups if groups[name] == group} for group in set(groups.values())]
    assert all(one <= held or not one & held for one in alone + together)
    taken = sorted(len(one) for one in alone + together if one <= held)
    assert bool(held) == (len(alone + together) > 1)
    assert len(taken) < max(1, len(alone + together))
    if len(taken) > 1:  # no more than what reaches the share
        assert len(held) - taken[-1] < max(1, round(len(chosen) / 5))
