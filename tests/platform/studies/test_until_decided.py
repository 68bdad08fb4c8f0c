"""A study that runs until it is decided: which seeds it adds, for which arms, and that a kill changes nothing of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trivial_study import trivial_study
from virtual_study import Virtual

from crescendo.reports.analysis.looks import GIVEN_UP, GOES_ON, Look
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.replicates import ONLY, Replicate

UNTIL = ("confirm={until: decided, seeds: 3, at_most: 12}", "ablate={variant: [none, score, margin]}")
ARMS = ("variant=none", "variant=score", "variant=margin")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("studies")


def judge(*undecided):
    """Looks at which these arms stay undecided; those that are due by the fewest confirmations of an arm that goes on."""

    def looks(run):
        made, still = [], ARMS[1:]
        for number, seeds in enumerate(run.study.confirm.looks):
            if any(len(run.confirmed(arm, one)) < seeds for arm in (ARMS[0], *still) for one in run.replicates):
                break
            left = undecided[number] if number < len(undecided) else ()
            made.append(Look(seeds, 0.01, {arm: GOES_ON if arm in left else GIVEN_UP for arm in still}, tuple(left)))
            still = left
            if not left:
                break
        return made

    return looks


def seeds(run, replicate=ONLY):
    return [[entry.settings["seed"] for entry in run.confirmed(arm, replicate)] for arm in ARMS]


def test_arms_that_may_be_decided_get_the_seeds_of_the_next_look_and_so_does_the_baseline(folder, tmp_path):
    told = []
    virtual = Virtual(trivial_study(folder, changes=UNTIL), tmp_path, judge=judge((ARMS[2],), ()))
    take, virtual.run.look = virtual.run.look, lambda: (take(), told.append(dict(virtual.run.seeds)))
    run = virtual.play().run
    assert run.study.confirm.looks == (3, 6, 12)
    assert seeds(run) == [list(range(6)), [0, 1, 2], list(range(6))]
    assert told == [dict(zip(ARMS, counts, strict=True)) for counts in ((6, 3, 6), (6, 3, 6))]
    assert run.over
    assert run.problem is None
    assert run.shortfall() is None


def test_in_every_fold_and_repeat_the_look_is_the_same(folder, tmp_path):
    one = trivial_study(folder, trials=1, changes=(*UNTIL, "repeats=2"))
    run = Virtual(one, tmp_path, judge=judge((ARMS[1],), (ARMS[1],)), folds=("x", "y")).play().run
    for repeat, fold in ((1, "x"), (2, "y")):
        later = 10_000 * (repeat - 1)
        expected = [[seed + later for seed in range(count)] for count in (12, 12, 3)]
        assert seeds(run, Replicate(fold, repeat)) == expected


@pytest.mark.parametrize("concurrent", [1, 3])
def test_killed_after_a_look_it_is_known_at_once_what_more_was_asked_for(folder, tmp_path, concurrent):
    study, decide = trivial_study(folder, changes=UNTIL), judge((ARMS[2],), ())
    virtual = Virtual(study, tmp_path, concurrent, judge=decide)
    while not any(entry.phase == "confirm" and entry.number >= 3 for entry in virtual.run.running.values()):
        virtual.turn()
    virtual.ledger.close()
    again = Virtual(study, tmp_path, concurrent, judge=decide)
    assert again.run.look_due
    again.run.look()
    assert again.run.seeds == dict(zip(ARMS, (6, 3, 6), strict=True))
    assert not again.run.look_due
    assert seeds(again.play().run) == [list(range(6)), [0, 1, 2], list(range(6))]


@settings(max_examples=5)
@given(
    kills=st.lists(st.integers(1, 60), max_size=4),
    cohort=st.sampled_from([1, 4]),
    concurrent=st.sampled_from([1, 2]),
    left=st.sampled_from([(), (ARMS[1:],), ((ARMS[2],), (ARMS[2],)), (ARMS[1:], (ARMS[1],))]),
)
def test_killed_at_any_moments_the_same_seeds_run(folder, tmp_path_factory, kills, cohort, concurrent, left):
    one = trivial_study(folder, trials=1, cohort=cohort, changes=UNTIL)
    calm = Virtual(one, tmp_path_factory.mktemp("calm"), judge=judge(*left)).play()
    stormy = tmp_path_factory.mktemp("stormy")
    for turns in [*kills, 10_000]:
        virtual = Virtual(one, stormy, concurrent, judge=judge(*left)).play(turns)
    assert virtual.told() == calm.told()
    assert virtual.run.over


def test_arms_that_cannot_be_compared_stop_the_study_with_the_reason(folder, tmp_path):
    def broken(run):
        raise ValueError("no detections")

    one = trivial_study(folder, trials=1, changes=UNTIL)
    run = Virtual(one, tmp_path, judge=broken).play().run
    assert run.over
    assert run.problem == "the arms cannot be compared: no detections"
    assert Virtual(one, tmp_path, judge=judge()).play().run.problem is None


@pytest.mark.parametrize(
    ("confirm", "looks", "last"),
    [
        ("{until: decided}", (3, 6, 11, 20), 19),
        ("{until: decided, seeds: 4, at_most: 5}", (4, 5), 4),
        ("{until: decided, seeds: [7, 9, 8], at_most: 6}", (3, 6), 12),
        ("{seeds: 5}", (5,), 4),
    ],
)
def test_looks_are_few_and_declared(folder, confirm, looks, last):
    study = trivial_study(folder, changes=(f"confirm={confirm}",))
    assert (study.confirm.looks, study.confirm.every_seed[-1]) == (looks, last)


@pytest.mark.parametrize(
    ("confirm", "rule"),
    [
        ("{until: decided, seeds: 2}", "at least 3 seeds"),
        ("{until: decided, seeds: 5, at_most: 5}", "more than the 5 seeds"),
        ("{until: done}", "decided"),
        ("{at_most: 9}", "until"),
        ("{seeds: 0}", "1 to 1,000"),
        ("{until: decided, seeds: [998, 999, 997]}", "must be fresh but 1000"),
    ],
)
def test_what_cannot_be_is_said(folder, confirm, rule):
    with pytest.raises(StudyError, match=rule):
        trivial_study(folder, changes=(f"confirm={confirm}",))


def test_a_study_with_a_number_of_seeds_is_the_one_that_lists_them(folder):
    listed, counted = (trivial_study(folder, changes=(f"confirm.seeds={one}",)) for one in ("[0, 1, 2]", "3"))
    assert listed.fingerprint == counted.fingerprint
    assert {"until", "at_most"}.isdisjoint(listed.to_json()["confirm"])
