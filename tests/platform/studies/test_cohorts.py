"""Which trials train together, and what becomes of them, played through without Ray."""

import itertools
import random
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from trivial_study import trivial_study, value

from crescendo.platform.studies.cohorts import FILLS_A_GPU, gpu_share, largest, take_turns
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.schema.phases import Resources
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.training.trainable import DetectorTrainable
from crescendo.trainables.training.validation_report import ValidationReport

ASHA = "early_stopping: {asha: {grace: 10, reduction: 2}}\n"
BATCHES = ("sequences", "sequence_length", "iterations", "seed", "device")
# What makes batches differ within an arm, between arms, and not at all.
SPACES = (
    "search.space.sequences=[2, 4, 8]",
    "ablate={variant: [none, score], sequence_length: [50, 100]}",
    "name=same",
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studies")


def begun(study, output: Path) -> StudyRun:
    return StudyRun(study, Ledger(output), Workspace(output, study.dataset, "hash"))


def last_report(job) -> ValidationReport:
    objective = value(job.settings, job.settings["iterations"])
    return ValidationReport(30, objective, True, chosen={"merge_gap": 20, "reset": "memory"})


def arms_and_seeds(run, jobs):
    return [(run.running[job.identity].arm, job.settings["seed"]) for job in jobs]


@pytest.mark.parametrize(
    ("resources", "ready", "free", "size"),
    [
        ({}, 20, 1, 1),
        ({"gpus": 0.5}, 20, 1, 1),
        ({"gpus": 1}, 20, 1, FILLS_A_GPU),
        ({"gpus": 1}, 4, 1, 4),
        ({"gpus": 1}, 32, 16, 2),
        ({"gpus": 1}, 3, 16, 1),
        ({"gpus": 1, "cohort": 1}, 20, 1, 1),
        ({"cohort": 3}, 20, 16, 3),
    ],
)
def test_how_many_trials_a_cohort_may_hold(resources, ready, free, size):
    assert largest(Resources(**resources), ready, free) == size


@pytest.mark.parametrize(
    ("resources", "share"),
    [({}, 0), ({"cohort": 4}, 0), ({"gpus": 0.25}, 0.25), ({"gpus": 1}, 0.3333), ({"gpus": 1, "cohort": 1}, 1)],
)
def test_three_cohorts_share_a_gpu_in_turns(resources, share):
    assert gpu_share(Resources(**resources)) == share
    assert take_turns(Resources(**resources)) == (share == 0.3333)


def test_a_cohort_holds_trials_of_all_arms_in_turn(folder, tmp_path):
    run = begun(trivial_study(folder, trials=3, cohort=4), tmp_path)
    jobs = run.next_jobs()
    assert arms_and_seeds(run, jobs) == [("variant=none", 1000), ("variant=score", 1000)] * 2
    assert len({run.cohort(job.identity) for job in jobs}) == run.cohorts == 1
    rest = run.next_jobs()
    assert arms_and_seeds(run, rest) == [("variant=none", 1000), ("variant=score", 1000)]
    assert run.cohorts == 2
    assert run.next_jobs() == []


def test_proposals_of_one_cohort_hear_of_each_other(folder, tmp_path):
    run = begun(trivial_study(folder, trials=6, cohort=12), tmp_path)
    run.next_jobs()
    for arm in arms_of(run.study):
        values = [str(entry.values) for entry in run.entries(arm.name, "search")]
        assert len(set(values)) == len(values) == 6


@pytest.mark.parametrize(("sampler", "hears"), [("tpe", True), ("gp", True), ("cmaes", False), ("random", False)])
def test_which_samplers_hear_of_running_trials(folder, tmp_path, sampler, hears):
    """Of what is proposed after the same results, at the same number: what runs meanwhile counts, or does not."""
    study = trivial_study(
        folder, trials=20, extra="failures: {retries: 0, limit: 50}\n", changes=(f"search.sampler={sampler}",)
    )

    def next_after(output, *, running):
        run = begun(study, output)
        for _ in range(16):
            [job] = run.next_jobs()
            run.report(job.identity, last_report(job))
        for _ in range(8):
            [job] = run.next_jobs()
            if not running:
                run.failed(job.identity, "NaN")
        [job] = run.next_jobs()
        entry = run.running[job.identity]
        assert entry.number == 12
        return entry.values

    assert (next_after(tmp_path / "1", running=True) != next_after(tmp_path / "2", running=False)) == hears


def test_confirmations_of_one_seed_train_together_once_every_search_is_over(folder, tmp_path):
    run = begun(trivial_study(folder, trials=1, cohort=3), tmp_path)
    first, second = run.next_jobs()
    run.report(first.identity, last_report(first))
    assert run.next_jobs() == []
    run.report(second.identity, last_report(second))
    for seed in (0, 1):
        assert arms_and_seeds(run, run.next_jobs()) == [("variant=none", seed), ("variant=score", seed)]


@pytest.mark.parametrize("changes", SPACES)
def test_members_share_every_batch(folder, tmp_path, changes):
    run = begun(trivial_study(folder, trials=4, cohort=3, changes=(changes,)), tmp_path)
    sizes = Counter()
    while jobs := run.next_jobs():
        assert len({tuple(job.settings[key] for key in BATCHES) for job in jobs}) == 1
        sizes[len(jobs)] += 1
        for job in jobs:
            run.report(job.identity, last_report(job))
    assert run.over
    assert run.shortfall() is None
    assert max(sizes) > 1


def test_trials_are_spread_over_the_gpus_where_the_study_leaves_it_open(folder, tmp_path):
    study = trivial_study(folder, trials=6, changes=("resources={gpus: 1}",))
    alone, spread = begun(study, tmp_path / "alone"), begun(study, tmp_path / "spread")
    assert len(alone.next_jobs()) == FILLS_A_GPU
    spread.spread = 8
    assert [len(spread.next_jobs()) for _ in range(8)] == [2, 2, 2, 2, 1, 1, 1, 1]


def test_a_member_that_is_stopped_leaves_the_others_running(folder, tmp_path):
    run = begun(trivial_study(folder, trials=4, cohort=8, extra=ASHA), tmp_path)
    jobs = {job.identity: job for job in run.next_jobs()}
    states = {}
    for iteration in (10, 20, 30):
        for identity in [one for one in jobs if run.cohort(one) == 1]:
            done = iteration == 30
            objective = value(jobs[identity].settings, iteration)
            chosen = {"merge_gap": 20, "reset": "memory"} if done else {}
            run.report(identity, ValidationReport(iteration, objective, done, chosen=chosen))
            states[identity] = run._entries[identity].state
    assert set(states) == set(jobs)
    assert Counter(states.values()).keys() == {TrialState.COMPLETE, TrialState.PRUNED}
    assert run.cohorts == 0


def test_a_trial_has_its_last_try_for_itself(folder, tmp_path):
    """One that breaks its process each time takes no other down for good."""
    run = begun(trivial_study(folder, trials=2, cohort=4, extra="failures: {retries: 1}\n"), tmp_path)
    jobs = run.next_jobs()
    poison = jobs[1].identity
    for job in jobs:
        run.failed(job.identity, "its worker was lost")
    again = [run.next_jobs() for _ in jobs]
    assert [[job.identity for job in one] for one in again] == [[job.identity] for job in jobs]
    for job in jobs:
        if job.identity == poison:
            run.failed(job.identity, "its worker was lost")
        else:
            run.report(job.identity, last_report(job))
    assert [one.identity for one in run._entries.values() if one.state is TrialState.FAIL] == [poison]


class Stormy:
    """Runs a study and lets everything happen to it that `choose` says."""

    def __init__(self, study, output: Path, choose):
        self.study, self.output, self.choose = study, output, choose
        self.cohorts: list[dict] = []
        self.heard: Counter[tuple[str, int]] = Counter()
        self.start()

    def start(self) -> None:
        self.ledger = Ledger(self.output)
        self.run = StudyRun(self.study, self.ledger, Workspace(self.output, self.study.dataset, "hash"))
        self.cohorts.clear()

    def gather(self) -> None:
        jobs = self.run.next_jobs()
        members = {job.identity: job for job in jobs}
        assert len(members) == len(jobs) <= self.study.resources.cohort
        assert not any(identity in cohort for cohort in self.cohorts for identity in members)
        assert len({tuple(job.settings[key] for key in BATCHES) for job in jobs}) <= 1
        if members:
            self.cohorts.append(members)
        else:
            assert self.cohorts or self.run.over

    def turn(self) -> bool:
        happens = self.choose(["gather", "report", "report", "report", "diverge", "break", "kill"])
        if happens == "kill":
            self.ledger.close()
            self.start()
        elif happens == "gather" or not self.cohorts:
            if len(self.cohorts) < 3:
                self.gather()
        else:
            cohort = self.choose(self.cohorts)
            identity = self.choose(list(cohort))
            if happens == "break":
                for one in cohort:
                    self.run.failed(one, "its worker was lost")
                cohort.clear()
            elif happens == "diverge":
                self.run.failed(identity, "the loss is not finite")
                del cohort[identity]
            elif self.report(cohort[identity]):
                del cohort[identity]
            self.cohorts = [one for one in self.cohorts if one]
        assert {one for cohort in self.cohorts for one in cohort} == set(self.run.running)
        assert self.run.cohorts == len(self.cohorts)
        return not self.run.over

    def report(self, job) -> bool:
        iteration = 10 + max((at for identity, at in self.heard if identity == job.identity), default=0)
        self.heard[job.identity, iteration] += 1
        done = iteration == 30
        chosen = {"merge_gap": 20, "reset": "memory"} if done else {}
        return self.run.report(
            job.identity, ValidationReport(iteration, value(job.settings, iteration), done, chosen=chosen)
        )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cohort=st.integers(1, 6), asha=st.booleans(), change=st.sampled_from(SPACES))
def test_whatever_happens_nothing_is_lost_doubled_or_repeated(folder, tmp_path_factory, seed, cohort, asha, change):
    study = trivial_study(
        folder,
        trials=3,
        cohort=cohort,
        extra=(ASHA if asha else "") + "failures: {retries: 500}\n",
        changes=(change,),
    )
    stormy = Stormy(study, tmp_path_factory.mktemp("storm"), random.Random(seed).choice)
    turns = itertools.count()
    while stormy.turn():
        assert next(turns) < 5000
    run = stormy.run
    assert run.problem is None
    assert run.shortfall() is None
    assert set(stormy.heard.values()) == {1}
    for arm in arms_of(study):
        search = run.entries(arm.name, "search")
        assert len(search) == arm.trials
        assert {entry.state for entry in search} <= {TrialState.COMPLETE, TrialState.PRUNED}
        assert len(run.entries(arm.name, "confirm")) == len(run.confirmed(arm.name)) == 2
    stormy.ledger.close()


def test_a_trial_uses_the_threads_it_was_given(folder, tmp_path):
    """As in a worker of Ray's, whatever limit that gives."""
    small = ("hidden_size=8", "sequences=4", "sequence_length=20", "bptt=10", "iterations=2", "evaluate_every=2")
    study = trivial_study(folder, changes=("resources.cpus=2", *(f"base.{one}" for one in small)))
    dataset = Dataset(Path(study.dataset))
    run = StudyRun(study, Ledger(tmp_path), Workspace(tmp_path, study.dataset, dataset.content_hash))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        DetectorTrainable(config={"jobs": tuple(run.next_jobs())}).train()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
