"""What a process does with a cohort of trials that it is given."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from full_disk import full_disk

from crescendo.trainables.config import configuration
from crescendo.trainables.data.folds import made_folds
from crescendo.trainables.data.same_dataset import file_states
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.errors import DatasetChangedError, SurroundingsError
from crescendo.trainables.training import checkpoint_folders
from crescendo.trainables.training.cohort_step import leave_cohort, leaves_cohort
from crescendo.trainables.training.job import Job
from crescendo.trainables.training.session import TrainingSession
from crescendo.trainables.training.trainable import DetectorTrainable

LARGE = """
import weakref
import torch
from own_models import Convolution

ALIVE = weakref.WeakSet()

class Large(Convolution):
    written = False

    def __init__(self, *arguments):
        super().__init__(*arguments)
        ALIVE.add(self)

    def allocate(self, where):
        if where == "{where}" and len(ALIVE) > {most}:
            raise torch.OutOfMemoryError("CUDA out of memory")

    def to(self, *arguments, **named):
        self.allocate("weights")
        return super().to(*arguments, **named)

    def state_dict(self, *arguments, **named):
        self.written = True
        return super().state_dict(*arguments, **named)

    def parameters(self, recurse=True):
        if self.written:  # by a checkpoint, for the optimiser that goes on
            self.allocate("restored")
        return super().parameters(recurse)

    def forward(self, features, truncate=None):
        if self.training:
            self.allocate("steps")
        return super().forward(features, truncate)

    def step_function(self, features):
        if self.written:  # not while the model is looked at
            self.allocate("scores")
        return super().step_function(features)
"""
VARIANTS = ("none", "score", "margin")


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


def test_a_fold_is_trained_as_the_view_of_it_is_and_the_next_one_in_the_same_process(job, tiny_dataset):
    first, second = made_folds(3, "recording")[:2]
    jobs = [replace(job("1"), division=first), replace(job("2"), division=second)]
    trainable = DetectorTrainable(config={"jobs": (jobs[0],)})
    came = steps(trainable, 2)
    opened = trainable._data
    trainable.reset_config({"jobs": (jobs[1],)})
    later = steps(trainable, 2)
    assert trainable._data is opened
    assert [results(step.reports["1"]) for step in came] == alone(jobs[0], first.of(tiny_dataset))
    assert [results(step.reports["2"]) for step in later] == alone(jobs[1], second.of(tiny_dataset))
    assert results(came[0].reports["1"])["losses"] != results(later[0].reports["2"])["losses"]


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


@pytest.fixture
def large_model(tmp_path, monkeypatch):
    """Make a model of which only so many fit at once: one more, and what `where` names runs out of memory."""

    def make(where: str, most: int) -> str:
        name = f"large_{where}_{most}"
        (tmp_path / f"{name}.py").write_text(LARGE.format(where=where, most=most))
        return f"{name}:Large"

    monkeypatch.syspath_prepend(str(tmp_path))
    return make


def everything(trainable: DetectorTrainable, count: int):
    """What is said of `count` jobs until all are over: the reports, as they were heard first, and the failures."""
    reports, failures = {}, {}
    while sum(heard[-1].done for heard in reports.values()) + len(failures) < count:
        step = trainable.train()["step"]
        failures |= step.failures
        for identity, report in step.reports.items():
            heard = reports.setdefault(identity, [])
            if not heard or report.iteration > heard[-1].iteration:
                heard.append(report)
    return reports, failures


@pytest.mark.parametrize(("where", "count", "most"), [("weights", 3, 2), ("steps", 4, 2), ("scores", 3, 1)])
def test_members_for_which_there_is_no_room_wait_uncounted(job, large_model, tiny_dataset, where, count, most):
    jobs = [
        job(str(number), model=large_model(where, most), learning_rate=0.01 * (1 + number)) for number in range(count)
    ]
    reports, failures = everything(DetectorTrainable(config={"jobs": tuple(jobs)}), count)
    assert failures == {}
    note = f"the GPU's memory does not hold {count} trainings at once: {most} train at a time"
    for one in jobs:
        assert note in reports[one.identity][-1].notes
        said = [{**results(report), "notes": []} for report in reports[one.identity]]
        assert said == [{**report, "notes": []} for report in alone(one, tiny_dataset)]


def test_a_member_that_cannot_be_resumed_beside_others_waits(job, large_model, tiny_dataset):
    """What it came to before is not lost."""
    jobs = [
        job(str(number), model=large_model("restored", 1), variant=variant) for number, variant in enumerate(VARIANTS)
    ]
    for one in jobs:
        steps(DetectorTrainable(config={"jobs": (one,)}), 1)
    reports, failures = everything(DetectorTrainable(config={"jobs": tuple(jobs)}), len(jobs))
    assert failures == {}
    for one in jobs:
        assert any("1 train at a time" in note for note in reports[one.identity][-1].notes)
        assert results(reports[one.identity][-1])["losses"] == alone(one, tiny_dataset)[-1]["losses"]


@pytest.mark.parametrize(
    ("where", "what"),
    [("weights", "the model's weights"), ("steps", "one training step"), ("scores", "the scoring of recordings")],
)
def test_that_there_is_no_room_for_a_single_one_is_its_failure(job, large_model, where, what):
    jobs = [job(str(number), model=large_model(where, 0)) for number in range(3)]
    reports, failures = everything(DetectorTrainable(config={"jobs": tuple(jobs)}), 3)
    assert reports == {}
    for line in failures.values():
        assert line.startswith(f"NoRoomError: device cpu: its free memory does not hold {what}; lower ")
        assert line.endswith(", or wait until others have left it")
    assert len(failures) == 3


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
    assert checkpoint_folders.newest(Path(first.folder)).name == "iteration-000000010"
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


def test_a_full_disk_is_not_the_trials_fault_and_costs_no_report(job, tiny_dataset):
    first, second = job("first"), job("second", variant="score")
    trainable = DetectorTrainable(config={"jobs": (first, second)})
    with full_disk(), pytest.raises(SurroundingsError, match="full"):
        trainable.train()
    with full_disk(), pytest.raises(SurroundingsError, match="full"):
        DetectorTrainable(config={"jobs": (first, second)}).train()
    came = steps(DetectorTrainable(config={"jobs": (first, second)}), 2)
    for one in (first, second):
        assert [results(step.reports[one.identity]) for step in came] == alone(one, tiny_dataset)


def of_copy(job: Job, tiny_dataset, folder: Path) -> Job:
    """The job on a data set of its own, which it must find as it is now."""
    shutil.copytree(tiny_dataset.path, folder)
    return replace(job, dataset=str(folder), dataset_hash=tiny_dataset.content_hash, dataset_states=file_states(folder))


def test_a_data_set_that_is_away_is_said_by_the_step_and_waited_for(job, tiny_dataset, tmp_path):
    one = of_copy(job("one"), tiny_dataset, tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "away")
    trainable = DetectorTrainable(config={"jobs": (one,)})
    with pytest.raises(SurroundingsError, match="cannot be opened now"):
        trainable.train()
    (tmp_path / "away").rename(tmp_path / "data")
    trainable.reset_config({"jobs": (one,)})
    [first] = steps(trainable, 1)
    (tmp_path / "data").rename(tmp_path / "away")  # it is mapped, and goes on
    assert [results(step.reports["one"]) for step in (first, *steps(trainable, 1))] == alone(one, tiny_dataset)


def test_a_data_set_that_is_replaced_ends_the_training_and_nothing_of_it_is_kept(job, tiny_dataset, tmp_path):
    one = of_copy(job("one"), tiny_dataset, tmp_path / "data")
    trainable = DetectorTrainable(config={"jobs": (one,)})
    steps(trainable, 1)
    other = synthesize(tmp_path / "other", recordings=2, labels=3, feature_dim=6)
    (tmp_path / "data").rename(tmp_path / "away")
    (tmp_path / "other").rename(tmp_path / "data")
    hashes = f"was {tiny_dataset.content_hash}, is {other.content_hash}"
    with pytest.raises(DatasetChangedError, match=hashes):
        trainable.train()
    assert checkpoint_folders.newest(Path(one.folder)) is None
    trainable.reset_config({"jobs": (one,)})
    with pytest.raises(DatasetChangedError, match=hashes):
        trainable.train()
    (tmp_path / "data").rename(tmp_path / "other")
    (tmp_path / "away").rename(tmp_path / "data")
    trainable.reset_config({"jobs": (one,)})
    assert [results(step.reports["one"]) for step in steps(trainable, 2)] == alone(one, tiny_dataset)
