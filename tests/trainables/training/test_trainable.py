"""What a process does with a cohort of trials that it is given."""

from pathlib import Path

import pytest

from crescendo.trainables.config import configuration
from crescendo.trainables.training import checkpoints
from crescendo.trainables.training.cohort_step import leave_cohort, leaves_cohort
from crescendo.trainables.training.session import TrainingSession
from crescendo.trainables.training.trainable import DetectorTrainable
from crescendo.trainables.training.trial import Job


@pytest.fixture
def job(tiny_dataset, tiny_settings, tmp_path):
    def make(identity: str, **changes) -> Job:
        folder = str(tmp_path / identity)
        return Job(identity, "search", str(tiny_dataset.path), {**tiny_settings, **changes}, folder, "mAP/mean")

    return make


def steps(trainable: DetectorTrainable, count: int):
    return [trainable.train()["step"] for _ in range(count)]


def results(report):
    """What does not depend on the clock."""
    content = report.to_json()
    del content["seconds"], content["frames_per_second"]
    return content


def alone(job: Job, dataset):
    """The reports of a training of the same settings by itself."""
    folder = Path(job.folder).with_name(f"{job.identity} alone")
    session = TrainingSession(configuration(job.settings), dataset, folder, metric=job.metric)
    reports = [session.step()]
    while not reports[-1].done:
        reports.append(session.step())
    return [results(report) for report in reports]


def test_every_member_reports_what_it_would_alone(job, tiny_dataset):
    jobs = [job("none", variant="none"), job("margin", variant="margin", hidden_size=4), job("gru", model="gru")]
    for one in jobs[2:]:
        one.settings["reset"] = "state"
    trainable = DetectorTrainable(config={"jobs": tuple(jobs)})
    came = steps(trainable, 2)
    for one in jobs:
        assert [results(step.reports[one.identity]) for step in came] == alone(one, tiny_dataset)
    assert not any(step.failures for step in came)


def test_a_member_that_diverges_or_cannot_be_built_fails_by_itself(job, tiny_dataset):
    good = job("good")
    jobs = (
        job("diverges", learning_rate=1e30),
        good,
        job("elsewhere", device="cuda:7"),
        job("never", precision="bfloat16"),
    )
    came = steps(DetectorTrainable(config={"jobs": jobs}), 3)
    assert came[0].failures.keys() == {"elsewhere", "never"}
    assert "device: cuda:7 is not on this machine" in came[0].failures["elsewhere"]
    assert came[1].failures.keys() == {"diverges"}
    assert came[1].failures["diverges"].startswith("DivergedError: iteration ")
    assert [results(step.reports["good"]) for step in came[1:]] == alone(good, tiny_dataset)


def test_a_cohort_of_which_none_can_be_built_says_so(job):
    [step] = steps(DetectorTrainable(config={"jobs": (job("never", precision="bfloat16"),)}), 1)
    assert step.failures.keys() == {"never"}


def test_a_member_that_is_stopped_trains_no_more(job, tiny_dataset):
    first, second = job("first"), job("second", variant="score")
    trainable = DetectorTrainable(config={"jobs": (first, second)})
    [before] = steps(trainable, 1)
    leave_cohort(first.folder)
    [after] = steps(trainable, 1)
    assert after.reports.keys() == {"second"}
    assert [results(step.reports["second"]) for step in (before, after)] == alone(second, tiny_dataset)
    assert checkpoints.newest(Path(first.folder)).name == "iteration-000000010"
    assert not leaves_cohort(first.folder)


def test_what_a_process_that_ended_did_not_hear_is_forgotten(job):
    first = job("first")
    leave_cohort(first.folder)
    [step] = steps(DetectorTrainable(config={"jobs": (first,)}), 1)
    assert step.reports.keys() == {"first"}


def test_members_go_on_in_another_cohort_from_where_each_of_them_was(job, tiny_dataset):
    """Those that are behind catch up; what was reported, and perhaps not heard, is said again."""
    jobs = [job("first"), job("second", variant="margin"), job("third", dropout=0.25)]
    steps(DetectorTrainable(config={"jobs": tuple(jobs[:2])}), 1)
    other = DetectorTrainable(config={"jobs": tuple(jobs)})
    reports = {one.identity: [] for one in jobs}
    while other._cohort.sessions:
        for identity, report in other.train()["step"].reports.items():
            reports[identity].append(results(report))
    for one in jobs:
        assert reports[one.identity] == alone(one, tiny_dataset)


def test_a_process_is_used_for_another_cohort(job, tiny_dataset):
    trainable = DetectorTrainable(config={"jobs": (job("first"), job("second"))})
    steps(trainable, 1)
    third = job("third", variant="score")
    assert trainable.reset_config({"jobs": (third,), "turns": False})
    assert [results(step.reports["third"]) for step in steps(trainable, 2)] == alone(third, tiny_dataset)
