"""What designs would see, and which are proposed."""

from dataclasses import replace

import pytest

from crescendo.reports.planning.designs import FOLDS, Design, candidates, cheapest, keenest, limit, outlook
from crescendo.reports.planning.sources import Settings, Sources, Spread

SETTINGS = Settings((-8.0, -4.0, -2.5, -1.5, -0.5, 0.0, 0.5, 0.9, 1.2, 1.4, 1.5), (0.8, 0.4, 1.0, 0.6, 0.7), 1.1)
FOLDED = Sources(
    study="folded", dataset="hapt", dataset_hash="", measure="mAP/iou_0.50", primary="detection", groups=(6,) * 5,
    groups_are="people", repeats=1, seeds=2, compared=4, trials=3, finalists=1, finalist_seeds=0,
    spread=Spread(group=2.2, seed=1.2, together=1.7, search=1.1), settings=SETTINGS, hours=None, split=(9, 5),
)  # fmt: skip
OLD, NEW = Design(None, 1, 20, 1, 0, 3), Design(5, 1, 3, 1, 0, 2)


def seen(design: Design, sources: Sources = FOLDED, compared: int = 4) -> float:
    found = outlook(sources, design, compared)
    assert found is not None
    return found.detectable


@pytest.mark.parametrize(
    "more",
    [replace(NEW, repeats=2), replace(NEW, seeds=4), replace(OLD, repeats=5), replace(OLD, seeds=9)],
    ids=str,
)
def test_more_trainings_show_smaller_differences(more):
    less = NEW if more.folds else OLD
    assert more.trainings > less.trainings
    assert seen(more) < seen(less)


def test_one_search_is_told_without_its_luck_and_counted_with_it():
    found = outlook(FOLDED, OLD, 4)
    assert found is not None
    assert found.detectable > found.reported
    unlucky = replace(FOLDED, spread=replace(FOLDED.spread, search=3.0))
    again = outlook(unlucky, OLD, 4)
    assert again is not None
    assert again.reported == pytest.approx(found.reported)
    assert again.detectable > found.detectable


def test_what_a_study_measured_is_what_it_would_see():
    measured = outlook(FOLDED, NEW, 4)
    without = outlook(replace(FOLDED, settings=None), NEW, 4)
    assert measured is not None
    assert without is not None
    assert measured.detectable == pytest.approx(without.detectable)
    assert without.luck is None


def test_proposals_are_affordable_and_the_keenest_and_cheapest_are_among_them():
    every = list(candidates(FOLDED, NEW, searched=True, folds=FOLDS, most=40))
    assert [one.trainings for one in every] == sorted(one.trainings for one in every)
    assert {one.folds for one in every} <= {5, 6, 8, 10}
    assert all(one.trials >= 3 for one in every)
    best = keenest(FOLDED, every, 4)
    assert best is not None
    assert seen(best) == min(map(seen, every))
    wanted = seen(NEW) - 0.2
    found = cheapest(FOLDED, every, 4, wanted)
    assert found == next(one for one in every if seen(one) <= wanted)
    assert cheapest(FOLDED, every, 4, 0.5) is None


def test_nothing_is_proposed_of_which_no_answer_would_come():
    single = replace(FOLDED, groups=(9,), spread=replace(FOLDED.spread, search=None), split=None)
    every = list(candidates(single, OLD, searched=True, most=10))
    assert {one.folds for one in every} == {None}
    assert all(one.repeats > 1 or one.seeds >= 3 for one in every)
    assert not list(candidates(replace(single, groups=(3,)), OLD, searched=True, most=10))


def test_recordings_are_the_limit():
    bound = limit(FOLDED, NEW, 4)
    assert bound is not None
    assert seen(replace(NEW, repeats=20, seeds=20)) > bound
    assert seen(replace(NEW, repeats=1000, seeds=20)) == pytest.approx(bound, rel=0.02)
    split = limit(FOLDED, OLD, 4)
    assert split is not None
    assert split > bound
    assert limit(replace(FOLDED, split=None), OLD, 4) is None
