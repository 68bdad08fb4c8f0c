"""Folds and repeats: every one is searched and confirmed by itself, as a study of its own."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from trivial_study import trivial_study, value
from virtual_study import Virtual

from crescendo.platform.studies.ledger import Ledger
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.replicates import ONLY, Replicate

ASHA = "early_stopping: {asha: {grace: 10, reduction: 2}}\n"
FOLDS = ("1", "2", "3")


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studies")


def study(folder, *changes, **options):
    return trivial_study(folder, **{"trials": 2, **options}, changes=changes)


def test_every_replicate_has_its_own_search_and_confirmations_in_order(folder, tmp_path):
    virtual = Virtual(study(folder, "repeats=2"), tmp_path, folds=("b", "a")).play()
    replicates = [Replicate("b"), Replicate("a"), Replicate("b", 2), Replicate("a", 2)]
    assert list(virtual.run.replicates) == replicates
    begun = sorted(virtual.run.everything(), key=lambda entry: entry.key)
    assert list(dict.fromkeys(entry.replicate for entry in begun)) == replicates  # one after the other
    for replicate in replicates:
        later = 10_000 * (replicate.repeat - 1)
        for arm in arms_of(virtual.run.study):
            search = virtual.run.entries(arm.name, "search", replicate)
            assert {entry.settings["seed"] for entry in search} == {1000 + later}
            confirmed = virtual.run.confirmed(arm.name, replicate)
            assert [entry.settings["seed"] for entry in confirmed] == [later, 1 + later]
            best = max(search, key=lambda entry: entry.value)
            assert {entry.settings["learning_rate"] for entry in confirmed} == {best.settings["learning_rate"]}
    assert len({entry.identity for entry in begun}) == len(begun) == 4 * 2 * (2 + 2)
    assert virtual.run.shortfall() is None


def test_folds_and_repeats_try_different_settings_after_the_start_values(folder, tmp_path):
    run = Virtual(study(folder, "repeats=2", trials=3), tmp_path, folds=FOLDS).play().run
    tried = [
        [entry.values["learning_rate"] for entry in run.entries("variant=none", "search", one)]
        for one in run.replicates
    ]
    assert {values[0] for values in tried} == {0.01}
    assert len({value for values in tried for value in values[1:]}) == 2 * len(tried)


def test_the_first_repeat_is_the_study_without_any_which_extend_adds_to(folder, tmp_path):
    alone = Virtual(study(folder), tmp_path).play()
    before = (tmp_path / "ledger.jsonl").read_bytes()
    more = Virtual(study(folder, "repeats=3"), tmp_path).play()
    assert (tmp_path / "ledger.jsonl").read_bytes().startswith(before)
    assert more.told(ONLY) == alone.told()
    assert set(more.steps) & set(alone.steps) == set()
    assert {entry.replicate.repeat for entry in more.run.everything()} == {1, 2, 3}
    at_once = Virtual(study(folder, "repeats=3"), tmp_path / "at_once").play()
    assert at_once.told() == more.told()


@settings(max_examples=6)
@given(
    kills=st.lists(st.integers(1, 30), max_size=4),
    asha=st.booleans(),
    cohort=st.sampled_from([1, 2, 5]),
    layout=st.sampled_from([(1, FOLDS), (2, ()), (2, ("x", "y"))]),
)
def test_killed_at_any_moments_the_same_trials_run_in_every_replicate(
    folder, tmp_path_factory, kills, asha, cohort, layout
):
    repeats, folds = layout
    one = study(folder, f"repeats={repeats}", trials=3, cohort=cohort, extra=ASHA if asha else "")
    calm = Virtual(one, tmp_path_factory.mktemp("calm"), folds=folds).play()
    stormy = tmp_path_factory.mktemp("stormy")
    steps: Counter[tuple[str, int]] = Counter()
    for turns in [*kills, 10_000]:
        virtual = Virtual(one, stormy, folds=folds).play(turns)
        steps += virtual.steps
    assert virtual.told() == calm.told()
    assert steps == calm.steps


def test_a_cohort_is_of_one_replicate(folder, tmp_path):
    virtual = Virtual(study(folder, "repeats=2", trials=3, cohort=8), tmp_path, concurrent=3, folds=FOLDS)
    joined = virtual.run.next_jobs
    met = []

    def noted():
        jobs = joined()
        met.append({virtual.run.running[job.identity].replicate for job in jobs})
        return jobs

    virtual.run.next_jobs = noted
    virtual.play()
    assert {len(one) for one in met} <= {0, 1}
    assert max(virtual.sizes) > 1
    assert virtual.run.shortfall() is None


def test_a_worker_that_one_fold_has_nothing_for_begins_the_next(folder, tmp_path):
    virtual = Virtual(study(folder, trials=1), tmp_path, folds=("1", "2"))
    folds = [virtual.run.running[job.identity].replicate.fold for _ in range(4) for job in virtual.run.next_jobs()]
    assert folds == ["1", "1", "2", "2"]
    assert virtual.run.next_jobs() == []
    virtual.ledger.close()


def test_early_stopping_compares_within_a_replicate_only(folder, tmp_path):
    def one_repeat_is_hopeless(job_settings, iteration):
        return value(job_settings, iteration) - (100 if job_settings["seed"] >= 10_000 else 0)

    one = study(folder, "repeats=2", trials=8, extra=ASHA)
    run = Virtual(one, tmp_path, score=one_repeat_is_hopeless).play().run
    for replicate in run.replicates:
        states = run.states("variant=none", "search", replicate)
        assert states[TrialState.COMPLETE] > 0
        assert states[TrialState.PRUNED] > 0


def test_an_arm_may_break_a_little_in_every_fold(folder, tmp_path):
    virtual = Virtual(study(folder, extra="failures: {retries: 0, limit: 2}\n"), tmp_path, folds=FOLDS)
    run, broken = virtual.run, set()
    while jobs := run.next_jobs():
        for job in jobs:
            replicate = run.running[job.identity].replicate
            if job.phase == "search" and replicate not in broken:
                broken.add(replicate)
                run.failed(job.identity, "the loss is not finite")
            else:
                run.report(job.identity, virtual.report(job, 30))
    assert len(broken) == 3
    assert run.problem is None
    virtual.ledger.close()
    again = Virtual(study(folder, extra="failures: {retries: 0, limit: 1}\n"), tmp_path / "strict", folds=FOLDS)
    [job] = again.run.next_jobs()
    again.run.failed(job.identity, "the loss is not finite")
    assert again.run.problem.startswith("arm variant=none, fold 1: 1 trial failed, each 1 time")
    again.ledger.close()


def test_what_is_lacking_is_named_with_its_fold(folder, tmp_path):
    virtual = Virtual(
        study(folder, "repeats=2", trials=1, extra="failures: {retries: 0}\n"), tmp_path, folds=("1", "2")
    )
    run = virtual.run
    while jobs := run.next_jobs():
        for job in jobs:
            entry = run.running[job.identity]
            lost = (entry.arm, entry.phase, entry.replicate) == ("variant=score", "confirm", Replicate("2", 2))
            if lost:
                run.failed(job.identity, "disk full")
            else:
                run.report(job.identity, virtual.report(job, 30))
    assert run.shortfall() == (
        "arm variant=score, fold 2, repeat 2: 0 of 2 seeds are confirmed; start the study again to try once more"
    )
    virtual.ledger.close()


def test_in_the_ledger_every_replicate_has_optuna_studies_of_its_own(folder, tmp_path):
    Virtual(study(folder, "repeats=2", trials=1), tmp_path, folds=("1", "2")).play()
    ledger = Ledger(tmp_path)
    assert set(ledger._keys) == {
        f"{arm} [{replicate}]{phase}"
        for arm in ("variant=none", "variant=score")
        for replicate in ("fold 1", "fold 2", "fold 1, repeat 2", "fold 2, repeat 2")
        for phase in ("", " (confirm)")
    }
    ledger.close()
