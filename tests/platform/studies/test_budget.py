"""A study with a budget: planned by its first trainings, cut where they grow longer, and over in time with all arms alike."""

import json
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trivial_study import trivial_study
from virtual_study import Timed, Virtual

from crescendo.platform.studies.budget import FILE, Purse
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.budgeting import Extent, affordable, asked
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.schema.confirm import Budget

ASKED = ("search.trials=12", "confirm={seeds: 6}", "budget={hours: 1}")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("studies")


def extents(virtual):
    run = virtual.run
    return {
        (
            tuple(len(run.entries(arm.name, "search", one)) for one in run.replicates),
            tuple(len(run.confirmed(arm.name, one)) for one in run.replicates),
        )
        for arm in arms_of(run.study)
    }


def record(study, output, extend=False):
    from crescendo.platform.studies.record import record_study
    from crescendo.platform.studies.workspace import Workspace

    output.mkdir(exist_ok=True)
    record_study(study, Workspace(output, study.dataset, "hash"), extend=extend)


@settings(max_examples=12)
@given(
    st.integers(1, 12),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 5),
    st.floats(0.5, 400),
)
def test_what_is_affordable_is_affordable_and_no_more_would_be(
    folder, trials, seeds, repeats, finalists, folds, rounds
):
    changes = (
        f"search.trials={trials}",
        f"confirm.seeds={seeds}",
        f"repeats={repeats}",
        f"search.finalists={finalists}",
    )
    study = trivial_study(folder, changes=changes)
    extent = affordable(study, folds, rounds)
    if extent is None:
        assert Extent(1, False, 1, 1).rounds(study, folds) > rounds
        return
    assert extent.rounds(study, folds) <= rounds
    whole = asked(study)
    assert (extent.trials, extent.seeds, extent.repeats) <= (whole.trials, whole.seeds, whole.repeats)
    if whole.rounds(study, folds) <= rounds:
        assert extent == whole


def test_a_study_is_planned_by_its_first_trainings_and_ends_in_time_with_arms_alike(folder, tmp_path):
    study = trivial_study(folder, changes=ASKED)
    record(study, tmp_path)
    virtual = Timed(study, tmp_path, lambda now: 200.0).play()
    assert virtual.run.over
    assert virtual.run.problem is None
    assert virtual.now <= 3600
    assert extents(virtual) == {((6,), (3,))}
    assert virtual.told_of == ["budget of 1 h: planned 6 of 12 trials, 3 of 6 seeds an arm"]
    assert virtual.run.shortfall() is None
    assert json.loads((tmp_path / FILE).read_text())["spent_seconds"] == pytest.approx(3600)


def test_where_trainings_grow_longer_it_is_cut_and_the_confirm_phase_is_reached(folder, tmp_path):
    study = trivial_study(folder, changes=ASKED)
    record(study, tmp_path)
    virtual = Timed(study, tmp_path, lambda now: 100.0 if now < 1000 else 300.0).play()
    assert virtual.run.problem is None
    assert virtual.now <= 3600 + 300
    [(_, confirmed)] = extents(virtual)
    assert confirmed[0] >= 1
    assert any("cut to" in text for text in virtual.told_of)


@pytest.mark.parametrize(
    ("slow", "until", "quick", "kill", "found"),
    [
        (300.0, 700.0, 60.0, None, ((12,), (6,))),  # the first two alone take long
        (300.0, 700.0, 60.0, 14, ((12,), (6,))),
        # The search that was planned is over by then: seeds follow, no trials.
        (300.0, 1400.0, 95.0, None, ((3,), (6,))),
        (200.0, 2300.0, 40.0, None, ((6,), (6,))),
    ],
)
def test_where_trainings_take_less_it_is_raised(folder, tmp_path, slow, until, quick, kill, found):
    study = trivial_study(folder, changes=ASKED)
    record(study, tmp_path)

    def seconds(now):
        return slow if now < until else quick

    spent = 0.0
    if kill is not None:
        Timed(study, tmp_path, seconds).play(kill)
        spent = json.loads((tmp_path / FILE).read_text())["spent_seconds"]
    virtual = Timed(study, tmp_path, lambda now: seconds(spent + now)).play()
    assert virtual.run.problem is None
    assert virtual.run.shortfall() is None
    assert spent + virtual.now <= 3600
    assert extents(virtual) == {found}
    assert any("raised to" in text for text in virtual.told_of)
    record(study, tmp_path)
    assert extents(Timed(study, tmp_path, seconds).play()) == {found}


@pytest.mark.parametrize("at_once", [1, 2])
def test_what_begins_while_processes_start_is_not_what_others_take(tmp_path, at_once):
    purse = Purse(Budget(hours=1), tmp_path, lambda: 7.0)
    for number in range(at_once):
        purse.begin([f"cold {number}"])
    purse.end()
    purse.begin(["warm"])
    assert purse.cold == {f"cold {number}" for number in range(at_once)}


@pytest.mark.parametrize(("slept", "fewest"), [(0.0, 4), (900.0, 2), (1800.0, 1)])
@pytest.mark.parametrize("repeats", [1, 2])
def test_where_the_hours_end_early_all_folds_have_the_same(folder, tmp_path, slept, fewest, repeats):
    changes = ("search.trials=3", "confirm={seeds: 4}", "budget={hours: 1}", f"repeats={repeats}")
    study, folds = trivial_study(folder, changes=changes), ("x", "y", "z")
    record(study, tmp_path)
    virtual = Timed(study, tmp_path, lambda now: 60.0, folds=folds)
    while sum(len(virtual.run.confirmed("variant=none", one)) for one in virtual.run.replicates[:3]) < 5:
        virtual.turn()
    assert [len(virtual.run.confirmed("variant=none", one)) for one in virtual.run.replicates[:3]] == [2, 2, 1]
    virtual.now += slept  # Ray took its time
    virtual.play()
    assert virtual.run.problem is None
    assert virtual.run.shortfall() is None
    assert virtual.now <= 3600
    [(searched, confirmed)] = extents(virtual)
    assert set(searched) == {3}
    assert len(set(confirmed)) == 1
    assert confirmed[0] >= fewest


def test_what_was_spent_before_a_kill_is_counted(folder, tmp_path):
    study = trivial_study(folder, changes=ASKED)
    record(study, tmp_path)
    Timed(study, tmp_path, lambda now: 200.0).play(20)
    spent = json.loads((tmp_path / FILE).read_text())["spent_seconds"]
    assert spent > 0
    virtual = Timed(study, tmp_path, lambda now: 200.0).play()
    assert virtual.run.problem is None
    assert virtual.now + spent <= 3600 + 200
    assert len(extents(virtual)) == 1


def test_a_budget_of_nearly_nothing_is_said(folder, tmp_path):
    study = trivial_study(folder, changes=(*ASKED, "budget.hours=0.1"))
    record(study, tmp_path)
    virtual = Timed(study, tmp_path, lambda now: 200.0).play()
    assert "ends before every arm has one trial and one confirmed seed" in virtual.run.problem


@settings(max_examples=6)
@given(
    seconds=st.floats(200, 5000),
    arms=st.integers(2, 4),
    repeats=st.integers(1, 2),
    kill=st.one_of(st.none(), st.integers(1, 30)),
)
@example(seconds=7200.0, arms=4, repeats=1, kill=None)  # the first training takes twice the budget
@example(seconds=950.0, arms=4, repeats=1, kill=None)  # there is time for all first ones but one
@example(seconds=3000.0, arms=2, repeats=1, kill=2)
def test_no_training_is_begun_that_would_not_end_in_time(folder, tmp_path_factory, seconds, arms, repeats, kill):
    output = tmp_path_factory.mktemp("budget")
    variants = ", ".join(["none", "score", "margin", "combined"][:arms])
    study = trivial_study(folder, changes=(*ASKED, f"repeats={repeats}", f"ablate={{variant: [{variants}]}}"))
    record(study, output)
    spent = 0.0
    if kill is not None:
        Timed(study, output, lambda now: seconds).play(kill)
        spent = json.loads((output / FILE).read_text())["spent_seconds"] if (output / FILE).exists() else 0.0
    virtual = Timed(study, output, lambda now: seconds).play()
    assert spent + virtual.now <= max(3600, seconds) + 1e-6
    run = virtual.run
    assert run.over
    if run.problem is None:
        assert run.shortfall() is None
        assert len(extents(virtual)) == 1
    else:
        assert "ends before every arm has one trial and one confirmed seed" in run.problem


def test_a_training_that_waits_goes_on_only_if_it_ends_in_time_and_with_a_larger_budget_it_does(folder, tmp_path):
    study = trivial_study(folder, changes=("search.trials=1", "confirm={seeds: 3}", "budget={hours: 1}"))
    record(study, tmp_path)
    begun = Timed(study, tmp_path, lambda now: 400.0)
    while len(begun.run.confirmed("variant=none")) < 2 or not begun.run.running:
        begun.turn()
    [broken] = begun.run.running
    begun.cohorts.clear()
    begun.now = 3500.0  # the machine slept
    begun.run.failed(broken, "lost")
    begun.play()
    assert begun.run.over
    assert begun.run.problem is None
    assert begun.now == 3500.0
    assert "cut to 1 of 1 trial, 1 of 3 seeds" in begun.told_of[-1]
    assert extents(begun) == {((1,), (1,))}

    larger = trivial_study(folder, changes=("search.trials=1", "confirm={seeds: 3}", "budget={hours: 2}"))
    record(larger, tmp_path, extend=True)
    virtual = Timed(larger, tmp_path, lambda now: 400.0).play()
    assert virtual.run.problem is None
    assert extents(virtual) == {((1,), (3,))}


def test_before_anything_is_known_nothing_begins_once_the_hours_are_over(tmp_path):
    now = [0.0]
    purse = Purse(Budget(hours=1), tmp_path, lambda: now[0])
    assert purse.trainings(0.0, 0.0, 1, 1.0) == float("inf")
    now[0] = 3600.0
    assert purse.trainings(0.0, 0.0, 1, 1.0) < 1
    gpus = Purse(Budget(gpu_hours=1), tmp_path, lambda: 0.0)
    assert gpus.trainings(0.0, 3500.0, 1, 1.0) == float("inf")
    assert gpus.trainings(0.0, 3600.0, 1, 1.0) < 1


def test_hours_of_gpus_are_those_of_the_trainings(tmp_path):
    purse = Purse(Budget(gpu_hours=2), tmp_path, lambda: 0.0)
    assert purse.trainings(360.0, 3600.0, 4, 0.5) == pytest.approx((4 - 1) * 10)


@pytest.mark.parametrize("asha", [False, True])
def test_trainings_that_were_stopped_or_failed_cost_their_hours_of_gpus_too(folder, tmp_path, asha):
    changes = (
        "search.trials=12",
        "confirm={seeds: 9}",
        "resources.gpus=1",
        "budget={gpu_hours: 1}",
        "failures.limit=9",
    )
    extra = "early_stopping: {asha: {grace: 10, reduction: 2}}\n" if asha else ""
    study = trivial_study(folder, cohort=1, changes=changes, extra=extra)
    record(study, tmp_path)
    virtual = Timed(study, tmp_path, lambda now: 150.0)
    while virtual.turn():
        running = list(virtual.run.running.values())
        for one in running:
            if one.phase == "search" and 0 < one.number < 5 and virtual.trained[one.identity] > 50:
                virtual.cohorts.clear()
                virtual.run.failed(one.identity, "broken")
    states = Counter(entry.state.name for entry in virtual.run.everything())
    assert states["FAIL"] >= 2
    assert (states["PRUNED"] > 0) == asha
    spent = sum(virtual.trained.values())
    assert sum(entry.seconds for entry in virtual.run.everything()) == pytest.approx(spent)
    assert spent <= 3600
    assert virtual.run.problem is None
    assert virtual.run.shortfall() is None


@pytest.mark.parametrize(("at_once", "members"), [(1, 1), (2, 1), (1, 10)])
def test_what_passes_between_trainings_is_counted_and_what_their_processes_took_to_start_is_not(
    tmp_path, at_once, members
):
    now = [0.0]
    purse = Purse(Budget(hours=1), tmp_path, lambda: now[0])
    for turn in range(5):
        purse.begin(())
        now[0] += 90.0 if turn == 0 else 12.0  # a process starts; later 2 s pass between two trainings of 10 s
        for _ in range(at_once * members):
            purse.end()
        assert purse.each(at_once) == pytest.approx(12.0 / members if turn else 0.0)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (("budget={}",), "must have hours"),
        (("budget={hours: 0}",), "greater than 0"),
        (("budget={gpu_hours: 3}",), "resources.gpus is 0"),
        (("budget={hours: 3}", "confirm={until: decided}"), "cannot stand beside confirm.until"),
    ],
)
def test_what_cannot_be_is_said(folder, changes, rule):
    with pytest.raises(StudyError, match=rule):
        trivial_study(folder, changes=changes)


def test_a_study_without_a_budget_is_what_it_was(folder):
    assert "budget" not in trivial_study(folder).to_json()


def test_what_is_paid_for_and_spent_is_told(folder, tmp_path):
    study = trivial_study(folder, changes=ASKED)
    record(study, tmp_path)
    virtual = Timed(study, tmp_path, lambda now: 200.0)
    assert virtual.run.paid_for is None
    virtual.play()
    told = "the budget of 1 h pays for 6 of 12 trials, 3 of 6 seeds an arm; 60 min of the clock are spent"
    assert virtual.run.paid_for == told
    assert Virtual(trivial_study(folder), tmp_path / "without").run.paid_for is None
