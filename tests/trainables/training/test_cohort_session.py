"""Sessions that go side by side: each reports, saves, and ends as if it were alone."""

import json
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch

from crescendo.trainables.errors import DivergedError, InputError
from crescendo.trainables.training import checkpoint_folders
from crescendo.trainables.training.checkpoints import read_checkpoint
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.cohort_session import CohortSession
from crescendo.trainables.training.job import Job, outputs
from crescendo.trainables.training.scored_subset import ScoredSubset
from crescendo.trainables.training.step import UNREAD
from crescendo.trainables.training.trainer import Trainer
from crescendo.trainables.training.trial import Trial

SHARED = {
    "hidden_size": 6, "sequences": 4, "sequence_length": 20, "bptt": 10, "iterations": 6, "evaluate_every": 2,
    "learning_rate": 0.02, "merge_gap": 3, "threads": 1, "device": "cpu", "iou": [0.5],
}  # fmt: skip
ARMS = (
    {"variant": "none"},
    {"variant": "margin", "lambda_r": 3.0, "evaluate_every": 3},
    {"variant": "score", "model": "gru", "evaluate_every": 4},
)


def trial(dataset, folder, arm, phase="search", **changes):
    values = {**SHARED, **ARMS[arm], **changes}
    return Trial(Job(str(arm), phase, str(dataset.path), values, str(folder / str(arm)), "mAP/mean"), dataset)


def said(report):
    return json.loads(json.dumps(replace(report, seconds=0.0, frames_per_second=0.0).to_json()))


@pytest.fixture(scope="module")
def alone(tiny_dataset, tmp_path_factory):
    """Arm -> what it reports alone."""
    reports = {}
    for arm in range(len(ARMS)):
        one, reports[arm] = trial(tiny_dataset, tmp_path_factory.mktemp("alone"), arm), []
        while not reports[arm] or not reports[arm][-1]["done"]:
            reports[arm].append(said(one.step()))
    return reports


@pytest.mark.parametrize("seed", range(5))
def test_each_reports_what_it_reports_alone_wherever_all_are_cut_off(tiny_dataset, tmp_path, alone, seed):
    """In whatever company each goes on; the last report before an interruption may come again, as it does alone."""
    random, heard = Random(seed), {arm: {} for arm in range(len(ARMS))}
    going = set(heard)
    while going:
        arms = random.sample(sorted(going), random.randint(1, len(going)))
        trials = {trial(tiny_dataset, tmp_path, arm): arm for arm in arms}
        together = CohortSession(list(trials))
        for _ in range(random.randint(2, 5)):
            if not together.sessions:
                break
            for session, report in together.step().items():
                arm = trials[session]
                assert said(report) == heard[arm].get(report.iteration, said(report))
                heard[arm][report.iteration] = said(report)
                assert (session in together.sessions) != report.done
                if report.done:
                    going.discard(arm)
    assert {arm: list(reports.values()) for arm, reports in heard.items()} == alone


def test_confirmed_side_by_side_they_leave_what_they_leave_alone(tiny_dataset, tmp_path):
    def metrics(folder, arm):
        content = json.loads((outputs(folder / str(arm)) / "metrics.json").read_text())
        del content["training_seconds"]
        for row in content["history"]:
            del row["frames_per_second"]
        return content

    together = CohortSession([trial(tiny_dataset, tmp_path / "together", arm, "confirm") for arm in (0, 1)])
    while together.sessions:
        together.step()
    for arm in (0, 1):
        one = trial(tiny_dataset, tmp_path / "alone", arm, "confirm")
        while one.finished is None:
            one.step()
        assert metrics(tmp_path / "together", arm) == metrics(tmp_path / "alone", arm)


def test_one_that_diverges_or_is_stopped_leaves_and_the_others_go_on(tiny_dataset, tmp_path, alone):
    bad = trial(tiny_dataset, tmp_path, 1, optimizer="sgd", learning_rate=1e30, gradient_clip=0.0)
    good, stopped = trial(tiny_dataset, tmp_path, 0), trial(tiny_dataset, tmp_path, 2)
    together = CohortSession([bad, good, stopped])
    reports, errors = [], []
    while together.sessions:
        for session, outcome in together.step().items():
            if isinstance(outcome, DivergedError):
                errors.append((session, str(outcome)))
            elif session is good:
                reports.append(said(outcome))
            else:
                together.leave(session)
    [(who, message)] = errors
    assert who is bad
    assert "is not finite at learning rate 1e+30" in message
    assert reports == alone[0]
    assert stopped.trainer.iteration == 4


@pytest.mark.parametrize("evaluate_every", [5, 12])
@pytest.mark.parametrize("read_every", [1, 4, UNREAD])
def test_no_checkpoint_lies_past_a_divergence_however_late_it_is_noticed(
    tiny_dataset, tmp_path, read_every, evaluate_every
):
    """Due after every step, a checkpoint holds the weights that its training has at its iteration alone."""
    lengths = {"iterations": 12, "evaluate_every": evaluate_every}
    explosive = {**lengths, "optimizer": "sgd", "learning_rate": 1e8, "gradient_clip": 0.0}
    made = [trial(tiny_dataset, tmp_path, 0, **explosive), trial(tiny_dataset, tmp_path, 2, **lengths)]
    bad, good = (Trial(replace(one.job, checkpoint_seconds=0.0), tiny_dataset) for one in made)
    together = CohortSession([bad, good], cohort=Cohort([bad.trainer, good.trainer], read_every=read_every))
    outcomes = {}
    while together.sessions:
        outcomes |= together.step()
    diverged = bad.trainer.iteration
    assert isinstance(outcomes[bad], DivergedError)
    assert f"iteration {diverged + 1}: " in str(outcomes[bad])
    assert 5 < diverged < 12
    newest = {one: checkpoint_folders.newest(Path(one.job.folder)) for one in (bad, good)}
    assert (newest[bad] is None) == (evaluate_every == 12 and read_every == UNREAD)
    for one in (bad, good):
        if newest[one] is None:
            continue
        saved, _, metadata = read_checkpoint(newest[one])
        last = metadata["iteration"]
        assert last <= one.trainer.iteration
        assert last == one.trainer.iteration or (one is bad and read_every > 1)
        assert metadata["losses"]["iterations"] == last - (last - 1) // evaluate_every * evaluate_every
        alone = Trainer(one.trainer.config, tiny_dataset)
        alone.train(last)
        assert all(torch.equal(saved[name], tensor) for name, tensor in alone.model.state_dict().items())


def test_the_turn_is_held_while_they_train_and_not_while_they_are_validated(tiny_dataset, tmp_path, monkeypatch):
    held, seen = [], []

    @contextmanager
    def turn():
        held.append(True)
        yield
        held.pop()

    def evaluate(*arguments, original=ScoredSubset.evaluate):
        seen.append(bool(held))
        return original(*arguments)

    monkeypatch.setattr(ScoredSubset, "evaluate", evaluate)
    together = CohortSession([trial(tiny_dataset, tmp_path, arm) for arm in (0, 1)], turn=turn)
    monkeypatch.setattr(
        together.cohort,
        "train",
        lambda *arguments, train=together.cohort.train: seen.append(held == [True]) or train(*arguments),
    )
    together.step()
    assert seen[0] is True
    assert seen[1:]
    assert not any(seen[1:])


def test_one_whose_results_cannot_be_worked_out_leaves_alone(tiny_dataset, tmp_path, alone, monkeypatch):
    broken, good = trial(tiny_dataset, tmp_path, 1, evaluate_every=2), trial(tiny_dataset, tmp_path, 0)

    def evaluate(scored, *arguments, original=ScoredSubset.evaluate):
        if scored._trainer is broken.trainer:
            raise InputError("protocol: rules:own fails")
        return original(scored, *arguments)

    monkeypatch.setattr(ScoredSubset, "evaluate", evaluate)
    together = CohortSession([broken, good])
    outcomes = together.step()
    assert str(outcomes[broken]) == "protocol: rules:own fails"
    assert said(outcomes[good]) == alone[0][0]
    assert together.sessions == [good]
    assert [said(outcome) for _ in range(2) for outcome in together.step().values()] == alone[0][1:]


def test_the_time_of_a_cohort_is_shared_among_its_members(tiny_dataset, tmp_path):
    """What a study cost is the sum over its trainings: a cohort's time counts once."""
    trials = [trial(tiny_dataset, tmp_path, 0, seed=0, learning_rate=rate) for rate in (0.01, 0.02, 0.03)]
    trials = [
        Trial(replace(one.job, folder=f"{one.job.folder}-{number}"), tiny_dataset) for number, one in enumerate(trials)
    ]
    together, began, reports = CohortSession(trials), time.monotonic(), {}
    while together.sessions:
        reports |= together.step()
    took = time.monotonic() - began
    assert sum(report.seconds for report in reports.values()) <= took
