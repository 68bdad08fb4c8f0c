"""Finalists: the best settings of an arm are trained again on validation, and the best mean is confirmed."""

import io
from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from rich.console import Console
from trivial_study import trivial_study, value
from virtual_study import Virtual

from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.study_tables import outcome
from crescendo.search_spaces.arms import arms_of

FINALISTS = ("search.finalists=2", "search.finalist_seeds=2")


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studies")


def study(folder, *changes, **options):
    return trivial_study(folder, **{"trials": 4, **options}, changes=(*FINALISTS, *changes))


def lucky(job_settings, iteration):
    """The setting that is tried first is the best in the search, by luck, and the worst with any other seed."""
    luck = 5 if job_settings["seed"] % 10_000 == 1000 else -5
    return value(job_settings, iteration) + (luck if job_settings["learning_rate"] == 0.01 else 0)


def test_a_lucky_trial_is_found_out(folder, tmp_path):
    alone = Virtual(trivial_study(folder, trials=4), tmp_path / "alone", score=lucky).play().run
    virtual = Virtual(study(folder, "search.finalists=3"), tmp_path / "again", score=lucky)
    run = virtual.play().run
    assert run.shortfall() is None
    for arm in arms_of(run.study):
        assert alone.best(arm.name).values["learning_rate"] == 0.01
        search = sorted(run.entries(arm.name, "search"), key=lambda entry: -entry.value)
        again = run.entries(arm.name, "finalist")
        assert {entry.settings["seed"] for entry in again} == {1001, 1002}
        means = {
            entry.number: fmean(
                [
                    entry.value,
                    *(one.value for one in again if one.settings["learning_rate"] == entry.settings["learning_rate"]),
                ]
            )
            for entry in search[:3]
        }
        best = run.best(arm.name)
        assert best.number == max(means, key=lambda number: means[number])
        assert run.chosen_by(arm.name) == pytest.approx(means[best.number])
        assert alone.chosen_by(arm.name) == alone.best(arm.name).value
        assert best.values["learning_rate"] != 0.01
        for entry in again:
            assert (entry.settings["merge_gap"], entry.settings["reset"]) == (20, "memory")
        assert {one.settings["learning_rate"] for one in run.confirmed(arm.name)} == {best.values["learning_rate"]}


def test_what_a_setting_was_chosen_by_is_shown(folder, tmp_path):
    run = Virtual(study(folder), tmp_path, score=lambda of, at: 0.1 * value(of, at)).play().run
    shown = io.StringIO()
    for part in outcome(run):
        Console(file=shown, width=100).print(part)
    for arm in arms_of(run.study):
        assert run.chosen_by(arm.name) != run.best(arm.name).value
        [row] = [line for line in shown.getvalue().splitlines() if line.startswith(f"│ {arm.name} ")]
        assert row.split("│")[2].strip() == f"{100 * run.chosen_by(arm.name):.1f}"


def test_without_finalists_no_ledger_knows_of_them(folder, tmp_path):
    Virtual(trivial_study(folder, trials=2), tmp_path).play()
    ledger = Ledger(tmp_path)
    assert not any("finalist" in name for name in ledger._keys)
    ledger.close()


@settings(max_examples=6)
@given(
    kills=st.lists(st.integers(1, 25), max_size=5),
    cohort=st.sampled_from([1, 2, 5]),
    layout=st.sampled_from([(1, ()), (2, ("x", "y"))]),
)
def test_killed_at_any_moments_the_same_is_chosen(folder, tmp_path_factory, kills, cohort, layout):
    repeats, folds = layout
    one = study(folder, f"repeats={repeats}", "search.sampler=random", trials=3, cohort=cohort)
    calm = Virtual(one, tmp_path_factory.mktemp("calm"), score=lucky, folds=folds).play()
    stormy = tmp_path_factory.mktemp("stormy")
    steps: Counter[tuple[str, int]] = Counter()
    for turns in [*kills, 10_000]:
        virtual = Virtual(one, stormy, score=lucky, folds=folds).play(turns)
        steps += virtual.steps
    assert virtual.told() == calm.told()
    assert steps == calm.steps
    assert len(calm.run.replicates) * 2 * (3 + 4 + 2) == len(list(calm.run.everything()))


def test_nothing_is_confirmed_before_the_finalists_are_through(folder, tmp_path):
    for concurrent, cohort in ((3, 1), (2, 3)):
        virtual = Virtual(study(folder, cohort=cohort), tmp_path / str(cohort), concurrent=concurrent, score=lucky)
        while virtual.turn():
            for arm in arms_of(virtual.run.study):
                states = virtual.run.states(arm.name, "finalist")
                if virtual.run.entries(arm.name, "confirm"):
                    assert states == Counter({TrialState.COMPLETE: 4})
        virtual.ledger.close()


def test_finalists_of_a_seed_train_side_by_side(folder, tmp_path):
    virtual = Virtual(study(folder, cohort=4), tmp_path)
    together = []
    joined = virtual.run.next_jobs

    def noted():
        jobs = joined()
        together.append([(job.phase, job.settings["seed"]) for job in jobs])
        return jobs

    virtual.run.next_jobs = noted
    virtual.play()
    assert [one for one in together if one and one[0][0] == "finalist"] == [
        [("finalist", 1001)] * 4,
        [("finalist", 1002)] * 4,
    ]


def test_a_finalist_that_breaks_is_passed_over(folder, tmp_path):
    virtual = Virtual(study(folder, extra="failures: {retries: 0}\n"), tmp_path, score=lucky)
    run = virtual.run
    while jobs := run.next_jobs():
        for job in jobs:
            if job.phase == "finalist" and job.settings["learning_rate"] == 0.01:
                run.failed(job.identity, "the loss is not finite")
            else:
                run.report(job.identity, virtual.report(job, 30))
    assert run.problem is None
    assert run.shortfall() is None
    assert all(run.best(arm.name).values["learning_rate"] != 0.01 for arm in arms_of(run.study))
    virtual.ledger.close()


def test_an_arm_that_tries_one_setting_has_no_finalists(folder, tmp_path):
    run = Virtual(study(folder, trials=1), tmp_path).play().run
    assert run.entries("variant=none", "finalist") == []
    assert len(run.confirmed("variant=none")) == 2


def test_finalists_get_no_decoding_of_their_own(folder, tmp_path):
    virtual = Virtual(study(folder), tmp_path)
    decodes = {"search": set(), "finalist": set(), "confirm": set()}
    while jobs := virtual.run.next_jobs():
        for job in jobs:
            decodes[job.phase].add(job.decode is None)
            virtual.run.report(job.identity, virtual.report(job, 30))
    assert decodes == {"search": {False}, "finalist": {True}, "confirm": {True}}
    virtual.ledger.close()
