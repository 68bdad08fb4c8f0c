"""What a study does next, played through without Ray: a loop takes jobs, and a virtual trainable answers."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from trivial_study import trivial_study, value
from virtual_study import Virtual

from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.patience import Patience
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.search_spaces.arms import arms_of
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.validation_report import ValidationReport

ASHA = "early_stopping: {asha: {grace: 10, reduction: 2}}\n"


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studies")


def test_every_arm_gets_its_budget_and_the_best_is_confirmed_with_shared_seeds(folder, tmp_path):
    study = trivial_study(folder, trials=4)
    run = Virtual(study, tmp_path, concurrent=3).play().run
    for arm in arms_of(study):
        search = run.entries(arm.name, "search")
        assert [entry.state for entry in search] == [TrialState.COMPLETE] * 4
        assert all(entry.settings["seed"] == study.search.seed for entry in search)
        best = max(search, key=lambda entry: entry.value)
        assert run.best(arm.name) == best
        confirmed = run.entries(arm.name, "confirm")
        assert [entry.settings["seed"] for entry in confirmed] == [0, 1]
        for entry in confirmed:
            assert entry.settings == {
                **best.settings,
                "merge_gap": 20,
                "reset": "memory",
                "seed": entry.settings["seed"],
            }
    assert run.shortfall() is None


def test_arms_take_turns_and_no_worker_waits(folder, tmp_path):
    run = StudyRun(trivial_study(folder, trials=3), Ledger(tmp_path), Workspace(tmp_path, str(folder), "hash"))
    arms = [run._entries[job.identity].arm for _ in range(6) for job in run.next_jobs()]
    assert arms == ["variant=none", "variant=score"] * 3
    assert run.next_jobs() == []


def test_a_worker_that_the_search_has_nothing_for_confirms(folder, tmp_path):
    virtual = Virtual(trivial_study(folder, trials=1), tmp_path)
    [first], [second] = virtual.run.next_jobs(), virtual.run.next_jobs()
    virtual.run.report(first.identity, virtual.report(first, 30))
    [third] = virtual.run.next_jobs()
    assert (third.phase, second.phase) == ("confirm", "search")
    virtual.ledger.close()


@settings(max_examples=25, deadline=None)
@given(kills=st.lists(st.integers(1, 12), max_size=8), asha=st.booleans(), cohort=st.sampled_from([1, 1, 2, 3, 8]))
def test_killed_at_any_moments_the_same_trials_run_and_the_same_is_best(folder, tmp_path_factory, kills, asha, cohort):
    study = trivial_study(folder, trials=4, cohort=cohort, extra=ASHA if asha else "")
    calm = Virtual(study, tmp_path_factory.mktemp("calm")).play()
    stormy = tmp_path_factory.mktemp("stormy")
    steps: Counter[tuple[str, int]] = Counter()
    for turns in [*kills, 10_000]:
        virtual = Virtual(study, stormy).play(turns)
        steps += virtual.steps
    assert virtual.told() == calm.told()
    assert steps == calm.steps
    assert [virtual.run.best(arm.name) for arm in arms_of(study)] == [calm.run.best(arm.name) for arm in arms_of(study)]


@pytest.mark.parametrize("sampler", ["gp", "cmaes"])
def test_killed_and_begun_again_a_sampler_that_learns_jointly_proposes_the_same(folder, tmp_path, sampler):
    study = trivial_study(folder, trials=5, changes=(f"search.sampler={sampler}",))
    calm = Virtual(study, tmp_path / "calm").play()
    for turns in (7, 11, 10_000):
        virtual = Virtual(study, tmp_path / "stormy").play(turns)
    assert virtual.told() == calm.told()


@settings(max_examples=15, deadline=None)
@given(kills=st.lists(st.integers(1, 20), max_size=5), concurrent=st.integers(1, 4))
def test_killed_at_any_moments_nothing_is_lost_or_run_twice(folder, tmp_path_factory, kills, concurrent):
    study, output = trivial_study(folder, trials=5), tmp_path_factory.mktemp("output")
    steps: Counter[tuple[str, int]] = Counter()
    for turns in [*kills, 10_000]:
        virtual = Virtual(study, output, concurrent).play(turns)
        steps += virtual.steps
    assert set(steps.values()) == {1}
    assert len(steps) == 3 * (2 * 5 + 2 * 2)


def test_a_broken_trial_is_tried_again_then_failed_and_made_up_for(folder, tmp_path):
    study = trivial_study(folder, trials=2, extra="failures: {retries: 1}\n")
    ledger = Ledger(tmp_path)
    run = StudyRun(study, ledger, Workspace(tmp_path, str(folder), "hash"))
    [first], _ = run.next_jobs(), run.next_jobs()
    run.failed(first.identity, "NaN")
    [again] = run.next_jobs()
    assert (again.identity, again.settings) == (first.identity, first.settings)
    run.failed(first.identity, "lost")
    [entry] = run.entries("variant=none", "search")
    assert (entry.state, list(entry.failures)) == (TrialState.FAIL, ["NaN", "lost"])
    ledger.close()
    virtual = Virtual(study, tmp_path).play()
    states = [entry.state.name for entry in virtual.run.entries("variant=none", "search")]
    assert states == ["FAIL", "COMPLETE", "COMPLETE"]
    assert virtual.run.best("variant=none").number > 0


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_no_trials_fault_is_waited_for_and_then_the_study_stops_and_can_go_on(folder, tmp_path):
    study, clock = trivial_study(folder, trials=2, concurrent=2, extra="failures: {retries: 0}\n"), Clock()
    place = Workspace(tmp_path, str(folder), "hash")
    ledger = Ledger(tmp_path)
    run = StudyRun(study, ledger, place, (), Patience((5.0, 20.0), clock))
    [first], [second] = run.next_jobs(), run.next_jobs()
    for pause in (5, 20, 5, 20):
        run.held_up([first.identity], "the disk is full")
        run.held_up([second.identity], "the disk is full")  # of one pause
        assert run.next_jobs() == []
        assert not run.over
        clock.now += pause - 1
        assert run.next_jobs() == []
        clock.now += 1
        [again], [other] = run.next_jobs(), run.next_jobs()
        assert (again.identity, other.identity) == (first.identity, second.identity)
        if pause == 20:
            run.report(first.identity, ValidationReport(int(clock.now), 0.1, False))  # the disk has room again
            run.held_up([first.identity], "another fault")
            clock.now += 5
            [first_again] = run.next_jobs()
            run.report(first_again.identity, ValidationReport(int(clock.now), 0.1, False))
    run.report(second.identity, ValidationReport(10, 0.1, False))
    for pause in (5, 20):
        run.held_up([second.identity], "the disk is full")
        clock.now += pause
        run.next_jobs()
        run.report(second.identity, ValidationReport(10, 0.1, False))  # said again, for it got no further
    run.held_up([second.identity], "the disk is full")
    assert run.problem == "the disk is full; nothing is lost: mend it, start the same study again, and it goes on"
    assert run.next_jobs() == []
    assert all(not entry.failures for arm in arms_of(study) for entry in run.entries(arm.name, "search"))
    ledger.close()
    whole = Virtual(study, tmp_path).play().run
    assert whole.shortfall() is None
    assert {entry.number for arm in arms_of(study) for entry in whole.entries(arm.name, "search")} == {0, 1}


def test_a_trial_that_loses_every_machine_does_not_go_on_for_ever(folder, tmp_path):
    run = StudyRun(trivial_study(folder, trials=1), Ledger(tmp_path), Workspace(tmp_path, str(folder), "hash"))
    [job] = run.next_jobs()
    for _ in range(10):
        run.held_up([job.identity], "its machine was lost", moved=True)
        assert [one.identity for one in run.next_jobs()] == [job.identity]
    run.held_up([job.identity], "its machine was lost", moved=True)
    assert "its machine was lost; nothing is lost" in run.problem


def test_an_arm_whose_every_trial_breaks_ends_the_study_with_its_reason(folder, tmp_path):
    study = trivial_study(folder, trials=2, extra="failures: {retries: 0, limit: 3}\n")
    run = StudyRun(study, Ledger(tmp_path), Workspace(tmp_path, str(folder), "hash"))
    for _ in range(50):
        if run.over:
            break
        [job] = run.next_jobs()
        if run._entries[job.identity].arm == "variant=none":
            run.failed(job.identity, "the loss is not finite")
        else:
            run.report(job.identity, ValidationReport(30, 0.5, True, chosen={"merge_gap": 20, "reset": "memory"}))
    assert run.over
    assert "variant=none" in run.problem
    assert "3 trials failed" in run.problem
    assert "the loss is not finite" in run.problem


def test_asha_stops_trials_as_pruned_with_their_values_and_compares_within_an_arm_only(folder, tmp_path):
    study = trivial_study(folder, trials=8, extra=ASHA)

    def one_arm_is_hopeless(settings, iteration):
        return value(settings, iteration) - (100 if settings["variant"] == "score" else 0)

    together = Virtual(study, tmp_path / "both", concurrent=2, score=one_arm_is_hopeless).play().run
    for arm in arms_of(study):
        entries = together.entries(arm.name, "search")
        pruned = [entry for entry in entries if entry.state is TrialState.PRUNED]
        assert pruned
        assert len(pruned) < len(entries)
        assert all(entry.steps and max(entry.steps) < 30 and entry.value is None for entry in pruned)
        assert all(set(entry.steps) == {10, 20, 30} for entry in entries if entry.state is TrialState.COMPLETE)
        assert together.best(arm.name).state is TrialState.COMPLETE
    kept = study.model_copy(update={"ablate": (study.ablate[0].model_copy(update={"grid": {"variant": ("score",)}}),)})
    alone = Virtual(kept, tmp_path / "one", score=one_arm_is_hopeless).play().run

    def states(run):
        return [entry.state for entry in run.entries("variant=score", "search")]

    assert states(alone) == states(together)


def test_optuna_sees_a_stopped_trial_as_pruned_with_its_intermediate_values(folder, tmp_path):
    study = trivial_study(folder, trials=8, extra=ASHA)
    virtual = Virtual(study, tmp_path)
    while virtual.turn():
        pass
    trials = virtual.ledger.study("variant=score", "search").get_trials()
    pruned = [trial for trial in trials if trial.state is TrialState.PRUNED]
    assert pruned
    assert all(trial.intermediate_values for trial in pruned)
    virtual.ledger.close()


def test_more_trials_and_seeds_only_add(folder, tmp_path):
    few = Virtual(trivial_study(folder, trials=2), tmp_path).play()
    many = trivial_study(folder, trials=4, changes=("confirm.seeds=[0, 1, 2]",))
    virtual = Virtual(many, tmp_path).play()
    for key, rows in few.told().items():
        assert virtual.told()[key][: len(rows)] == rows
    for arm in arms_of(many):
        assert virtual.run.states(arm.name, "search")[TrialState.COMPLETE] == 4
        best = virtual.run.best(arm.name)
        confirmed = virtual.run.confirmed(arm.name)
        assert [entry.settings["seed"] for entry in confirmed] == [0, 1, 2]
        assert all(entry.settings["learning_rate"] == best.settings["learning_rate"] for entry in confirmed)
    assert len(virtual.steps) > 0


def test_a_confirmation_that_failed_is_tried_once_more_when_the_study_is_started_again(folder, tmp_path):
    study = trivial_study(folder, trials=1, extra="failures: {retries: 0}\n")
    ledger = Ledger(tmp_path)
    run = StudyRun(study, ledger, Workspace(tmp_path, str(folder), "hash"))
    while jobs := run.next_jobs():
        [job] = jobs
        if job.phase == "confirm" and job.settings["seed"] == 1:
            run.failed(job.identity, "disk full")
        else:
            run.report(job.identity, ValidationReport(30, 0.5, True, chosen={"merge_gap": 20, "reset": "memory"}))
    assert run.over
    assert "1 of 2 seeds is confirmed" in run.shortfall()
    ledger.close()
    assert Virtual(study, tmp_path).play().run.shortfall() is None


def test_a_finished_search_trial_leaves_no_checkpoint(folder, tmp_path):
    virtual = Virtual(trivial_study(folder, trials=1), tmp_path)
    [job] = virtual.run.next_jobs()
    (Path(job.folder) / "iteration-000000030").mkdir(parents=True)
    virtual.run.report(job.identity, virtual.report(job, 30))
    assert not (Path(job.folder) / "iteration-000000030").exists()
    virtual.ledger.close()
    shutil.rmtree(tmp_path)


def test_a_ledger_with_values_that_were_added_in_binary_is_gone_on_with(folder, tmp_path):
    stepped = [
        "search.sampler=grid",
        "search.space={dropout: {low: 0.1, high: 0.4, step: 0.1}}",
        "search.start=[{dropout: 0.3}]",
    ]
    study = trivial_study(folder, trials=4, changes=["ablate={variant: [none]}", *stepped])
    whole = Virtual(study, tmp_path / "whole").play()
    assert [entry.values["dropout"] for entry in whole.run.entries("variant=none", "search")] == [0.3, 0.1, 0.2, 0.4]
    Virtual(study, tmp_path / "old").play(4)  # one trial
    ledger = tmp_path / "old" / "ledger.jsonl"
    written = ledger.read_text()
    ledger.write_text(re.sub(r'("dropout": ?)0\.3\b', r"\g<1>0.30000000000000004", written))
    assert ledger.read_text() != written
    old = Virtual(study, tmp_path / "old").play().run
    assert [entry.values["dropout"] for entry in old.entries("variant=none", "search")] == [
        0.30000000000000004,
        0.1,
        0.2,
        0.4,
    ]
    found = [
        {entry.number: entry.identity for entry in one.entries("variant=none", "search")} for one in (whole.run, old)
    ]
    assert found[0] == found[1]


def test_a_link_out_of_the_output_folder_is_not_followed(folder, tmp_path):
    study = trivial_study(folder, trials=2)
    outside = tmp_path / "outside"
    (tmp_path / "output").mkdir()
    outside.mkdir()
    (tmp_path / "output" / "trials").symlink_to(outside)
    virtual = Virtual(study, tmp_path / "output")
    with pytest.raises(InputError, match="lies outside"):
        virtual.turn()
    virtual.ledger.close()
    assert list(outside.iterdir()) == []
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    assert Virtual(study, tmp_path / "link").play().run.over
