"""Whole studies on a real local Ray."""

import contextlib
import io
import itertools
import json
import re
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
import torch
import trivial_study as trivial_study_module
from mlflow import MlflowClient
from optuna.trial import TrialState
from rich.console import Console
from trivial_study import Trivial, trivial, trivial_study

from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.record import read_record
from crescendo.platform.studies.runner import run_study
from crescendo.platform.studies.settings import resolve_settings
from crescendo.platform.studies.study_data import open_data
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tuning.arms_timed import arms_timed
from crescendo.platform.tuning.session import ray_session
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.page.sentences import opening, sentences
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.loading import parse_study
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.trial import Trial

pytestmark = pytest.mark.ray

PHASES = ("search", "confirm")
REAL = """
name: real
dataset: {dataset}
base: {{hidden_size: 8, sequences: 4, sequence_length: 20, bptt: 10, iterations: 4, evaluate_every: 2}}
ablate: {{variant: [none, margin]}}
search: {{trials: 2, space: {{learning_rate: {{low: 1.0e-3, high: 1.0e-1, log: true}}}}}}
decode: {{merge_gap: {{low: 0, high: 30}}, reset: [memory, none]}}
confirm: {{seeds: [0, 1]}}
resources: {{cpus: 1, concurrent: 2}}
"""


@pytest.fixture(scope="module", autouse=True)
def ray() -> Iterator[list[str]]:
    """Ray, as on a machine so busy that its first node is not there in time; what was said of it."""
    from ray import cloudpickle
    from ray._private import services

    # Workers do not have the tests on their path.
    cloudpickle.register_pickle_by_value(trivial_study_module)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    said = []
    with pytest.MonkeyPatch.context() as patch:

        def late(*_):
            patch.undo()
            raise TimeoutError("the current node timed out")  # Ray's own way to it takes 30 seconds

        patch.setattr(services, "get_node", late)
        with ray_session(tell=said.append):
            yield said


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="module")
def real(folder) -> Path:
    return synthesize(folder / "real", recordings=4, labels=3, feature_dim=4).path


@pytest.fixture(scope="module")
def finished(real, tmp_path_factory):
    """A real study that has run to its end, its output folder and what was printed."""
    output, screen = tmp_path_factory.mktemp("finished"), io.StringIO()
    study = parse_study(REAL.format(dataset=real), "real.yaml", (), resolve_settings)
    return run_study(study, output, console=Console(file=screen, width=200)), output, screen.getvalue()


def silent() -> Console:
    return Console(file=io.StringIO())


def test_a_ray_of_our_own_is_what_runs_trials_and_nothing_that_looks_on():
    commands = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert all(any(f"/{name} " in one for one in commands) for name in ("gcs_server", "raylet"))
    looking_on = ("dashboard/dashboard.py", "_private/log_monitor.py", "_private/monitor.py")
    assert not [one for one in commands if any(name in one for name in looking_on)]


def test_a_real_study_confirms_every_arm(finished, real):
    sweep, _, printed = finished
    assert sweep.run.shortfall() is None
    assert sweep.run.over
    assert not sweep.interrupted
    for arm in arms_of(sweep.run.study):
        best = sweep.run.best(arm.name)
        assert best.chosen["reset"] in ("memory", "none")
        assert 0 <= best.chosen["merge_gap"] <= 30
        assert best.metrics["validation/mAP/iou_0.50"] == best.value
        assert not any(name.startswith("test/") for name in best.metrics)
        for entry in sweep.run.confirmed(arm.name):
            assert {"test/mAP/mean", "test/early/fraction_0.30/iou_0.50", "test/violations/score/share"} <= set(
                entry.metrics
            )
    assert len(re.findall(r"^search variant=none \d/2: mAP/iou_0.50", printed, re.MULTILINE)) == 2
    assert "left" in printed


def test_steps_of_every_arm_are_timed_where_they_will_train(real, output):
    study = parse_study(REAL.format(dataset=real), "real.yaml", ("folds={count: 3, by: recording}",), resolve_settings)
    with contextlib.closing(Ledger(output)) as ledger:
        run = StudyRun(study, ledger, open_data(study, output, str(real))[0])
        told, until = [], time.monotonic() + 300
        with arms_timed(run, told.append) as look:
            while not told and time.monotonic() < until:
                look()
                time.sleep(0.02)
    [timing] = told
    assert [one.arm for one in timing.arms] == ["variant=none", "variant=margin"]
    assert all(0 < one.trial <= one.confirmation and one.iterations == 4 for one in timing.arms)
    assert str(timing) == "10 steps of each of 2 arms and a little scoring"


def test_a_confirmed_run_leaves_what_statistics_need(finished, real):
    sweep, output, _ = finished
    dataset = Dataset(real)
    for entry in sweep.run.confirmed("variant=none"):
        trial = output / "trials" / entry.identity
        truth = pq.read_table(trial / "outputs" / "ground_truth.parquet").to_pylist()
        expected = sum(len(dataset.annotations.recordings[name].segments) for name in dataset.recordings("test"))
        assert len(truth) == expected
        detections = pq.read_table(trial / "outputs" / "detections.parquet")
        assert detections.column_names == ["recording", "label", "start", "end", "score"]
        assert set(detections["recording"].to_pylist()) <= set(dataset.recordings("test"))
        assert (trial / "checkpoints" / "iteration-000000004" / "model.safetensors").is_file()
    for entry in sweep.run.entries("variant=none", "search"):
        assert [path.name for path in (output / "trials" / entry.identity).iterdir()] == ["report.json"]


@pytest.mark.slow
@pytest.mark.tools
def test_cohorts_find_what_single_trials_find(finished, real, output):
    """To the last bit, whoever trains beside whom."""
    sweep, single, _ = finished
    study = parse_study(
        REAL.format(dataset=real), "real.yaml", ("resources.cohort=5", "resources.concurrent=1"), resolve_settings
    )
    together = run_study(study, output, console=silent()).run
    for arm, phase in itertools.product(arms_of(study), PHASES):
        found, expected = together.entries(arm.name, phase), sweep.run.entries(arm.name, phase)
        for one, other in zip(found, expected, strict=True):
            for name in ("identity", "settings", "state", "value", "steps", "chosen"):
                assert getattr(one, name) == getattr(other, name)
            metrics, speed = dict(one.metrics), "training/frames_per_second"
            assert metrics | {speed: 0.0} == dict(other.metrics) | {speed: 0.0}
            reports = [
                json.loads((folder / "trials" / one.identity / "report.json").read_text())
                for folder in (output, single)
            ]
            for report in reports:
                del report["seconds"], report["frames_per_second"]
            assert reports[0] == reports[1]
    assert identical_weights(
        output, single, [entry.identity for entry in together.entries("variant=margin", "confirm")]
    )


def identical_weights(first: Path, second: Path, identities: list[str]) -> bool:
    files = [f"trials/{one}/checkpoints/iteration-000000004/model.safetensors" for one in identities]
    return all((first / file).read_bytes() == (second / file).read_bytes() for file in files)


def test_arms_share_seeds_so_their_first_weights_and_batches_are_the_same(finished):
    sweep, _, _ = finished
    seeds = [[entry.settings["seed"] for entry in sweep.run.confirmed(arm.name)] for arm in arms_of(sweep.run.study)]
    assert seeds == [[0, 1], [0, 1]]


def test_mlflow_has_a_run_for_each_trial_and_their_parent(finished):
    sweep, _, _ = finished
    client = MlflowClient(sweep.store)
    [experiment] = [one for one in client.search_experiments() if one.name == "real"]
    runs = client.search_runs([experiment.experiment_id])
    phases = sorted(run.data.tags["crescendo.phase"] for run in runs)
    assert phases == ["confirm"] * 4 + ["search"] * 4 + ["study"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    confirm = next(run for run in runs if run.data.tags["crescendo.phase"] == "confirm")
    assert confirm.data.tags["crescendo.seed"] in ("0", "1")
    assert {"test/mAP/mean", "validation/mAP/iou_0.50", "training/loss"} <= set(confirm.data.metrics)
    search = next(run for run in runs if run.data.tags["crescendo.phase"] == "search")
    gaps = client.get_metric_history(search.info.run_id, "validation/curve/mAP_against_merge_gap")
    assert [point.step for point in gaps] == list(range(31))
    files = {file.path for file in client.list_artifacts(confirm.info.run_id)}
    assert {"detections.parquet", "ground_truth.parquet", "metrics.json", "configuration.json"} <= files


def test_a_whole_study_answers_as_its_report_will_and_mlflow_has_it_as_tags(finished):
    sweep, output, _ = finished
    model = summarise([read_study_runs(output)])
    assert sweep.verdict.text == opening(model)
    [(arm, answer)] = sweep.verdict.answers.items()
    assert arm == "variant=margin"
    assert answer.startswith("undecided: ")
    assert sweep.verdict.arms == dict(sentences(model))
    assert sweep.verdict.arms[arm].endswith(f"{answer.removeprefix('undecided: ')}.")
    assert " 1 arm is undecided. " in sweep.verdict.text
    client = MlflowClient(sweep.store)
    [experiment] = [one for one in client.search_experiments() if one.name == "real"]
    [parent] = client.search_runs([experiment.experiment_id], "tags.`crescendo.phase` = 'study'")
    told = {name: text for name, text in parent.data.tags.items() if name.startswith("crescendo.verdict")}
    assert told == {"crescendo.verdict": sweep.verdict.text, "crescendo.verdict.variant_margin": answer}


def test_started_again_a_finished_study_runs_nothing(finished, real):
    sweep, output, _ = finished
    before = (output / "ledger.jsonl").read_bytes()
    again = run_study(sweep.run.study, output, console=silent())
    assert again.run.over
    assert again.verdict == sweep.verdict
    assert (output / "ledger.jsonl").read_bytes() == before


def test_the_search_never_reads_the_test_split(real, finished, tmp_path):
    """With every feature of the test split made NaN, the search finds what it found; only confirming breaks."""
    sweep, _, _ = finished
    spoil(Dataset(real), tmp_path / "spoilt")
    dataset = Dataset(tmp_path / "spoilt")
    assert all(np.isnan(dataset.features(name)).all() for name in dataset.recordings("test"))
    ledger = Ledger(tmp_path)
    place = Workspace(tmp_path, str(dataset.path), dataset.content_hash)
    text = REAL.format(dataset=dataset.path) + "failures: {retries: 0, limit: 9}\n"
    run = StudyRun(parse_study(text, "real.yaml", (), resolve_settings), ledger, place)
    while jobs := run.next_jobs():
        [job] = jobs
        trial = Trial(job, dataset)
        try:
            while not run.report(job.identity, trial.step()):
                pass
        except InputError as error:
            run.failed(job.identity, str(error))
    ledger.close()
    for arm in arms_of(run.study):
        values = [entry.value for entry in run.entries(arm.name, "search")]
        assert values == [entry.value for entry in sweep.run.entries(arm.name, "search")]
        confirmed = run.entries(arm.name, "confirm")
        assert [entry.state for entry in confirmed] == [TrialState.FAIL] * 2
        assert all("NaN" in entry.failures[-1] for entry in confirmed)


def spoil(dataset: Dataset, destination: Path) -> None:
    """Copy a data set, every feature of its test split NaN, past the writer that would refuse it."""
    shutil.copytree(dataset.path, destination)
    file = destination / "features" / "features.arrow"
    content = bytearray(file.read_bytes())
    for name in dataset.recordings("test"):
        rows = dataset.features(name)
        place = content.find(rows.tobytes())
        assert place > 0
        content[place : place + rows.nbytes] = (rows * float("nan")).tobytes()
    file.write_bytes(content)


def test_trials_that_break_are_tried_again_and_the_reason_is_kept(folder, output, tmp_path):
    """What a disk that is away does is waited for, and counts for nothing; a trial that diverges fails alone."""
    breaks = tmp_path / "breaks"
    breaks.mkdir()
    for marker in ("construct", "away", "break", "diverge"):
        (breaks / marker).touch()
    study = trivial_study(folder, trials=2, cohort=2, extra="failures: {retries: 3, limit: 9}\n")
    sweep = run_study(study, output, trainable=trivial(breaks=str(breaks)), console=silent())
    assert not list(breaks.iterdir())
    assert "held up, in 5 s again: the loss is not finite" in (output / "sweep.log").read_text()
    assert sweep.run.shortfall() is None
    entries = [entry for arm in arms_of(study) for entry in sweep.run.entries(arm.name, "search")]
    of_both = ["TypeError: built of nothing", "ArithmeticError: the loss is not finite"]
    alone = [*of_both, "DivergedError: the loss is not finite"]
    assert sorted(map(list, (entry.failures for entry in entries))) == [[], [], of_both, alone]
    assert {entry.state for entry in entries} == {TrialState.COMPLETE}


@pytest.mark.parametrize(("cohort", "concurrent"), [(1, 1), (4, 2)])
def test_asha_stops_trials_in_ray_and_optuna_hears_of_it(folder, output, tmp_path, cohort, concurrent):
    extra, events = "early_stopping: {asha: {grace: 10, reduction: 2}}\n", tmp_path / "events"
    study = trivial_study(folder, trials=6, concurrent=concurrent, cohort=cohort, extra=extra)
    sweep = run_study(study, output, trainable=trivial(events=str(events)), console=silent())
    trained = {tuple(line.split()[1:]) for line in events.read_text().splitlines()}
    assert len(trained) == len(events.read_text().splitlines())
    ledger = Ledger(output)
    for arm in arms_of(study):
        trials = ledger.study(arm.name, "search").get_trials()
        stopped = [trial for trial in trials if trial.state is TrialState.PRUNED]
        assert stopped
        assert all(0 < max(trial.intermediate_values) < 30 for trial in stopped)
        assert len(sweep.run.confirmed(arm.name)) == 2
        for entry in (one for phase in PHASES for one in sweep.run.entries(arm.name, phase)):
            assert {int(iteration) for identity, iteration in trained if identity == entry.identity} == set(entry.steps)
    ledger.close()
    client = MlflowClient(sweep.store)
    [experiment] = [one for one in client.search_experiments() if one.name == "trivial"]
    runs = client.search_runs([experiment.experiment_id], "attributes.status = 'KILLED'")
    assert runs
    assert all("pruned" in run.data.tags["crescendo.reason"] for run in runs)


class OneComesLate(Trivial):
    """The first process begins at once, any other once three trials were trained to their ends; then the first waits for it."""

    folder: str

    def setup(self, config):
        if not hasattr(self, "members"):  # a new process
            self.is_first = True
            try:
                self.file("first").touch(exist_ok=False)
            except FileExistsError:
                self.is_first = False
                self.wait(lambda: self.trained_three)
                self.file("came").touch()
        super().setup(config)

    def step(self):
        if self.is_first and self.trained_three:
            self.wait(self.file("came").exists)
        return super().step()

    def file(self, name: str) -> Path:
        return Path(self.folder) / name

    @property
    def trained_three(self) -> bool:
        return len(finished_in(Path(self.events))) >= 3

    def wait(self, until) -> None:
        give_up = time.monotonic() + 120
        while not until() and time.monotonic() < give_up:
            time.sleep(0.02)


def finished_in(events: Path) -> list[str]:
    """The trials that were trained to their ends, of a file of events."""
    lines = events.read_text().splitlines() if events.exists() else []
    return [line for line in lines if line.endswith(" 30")]


def test_a_process_that_takes_longer_to_start_than_trials_to_train_gets_its_share(folder, output, tmp_path):
    """The trial that it was started for waits for it; those that come after it go to the process that is there."""
    events = tmp_path / "events"
    study = trivial_study(folder, trials=3, concurrent=2, cohort=1)
    late = type("OneComesLate", (OneComesLate,), {"events": str(events), "folder": str(tmp_path)})
    sweep = run_study(study, output, trainable=late, console=silent())
    assert sweep.run.shortfall() is None
    trained_by = {identity: process for process, identity, _ in map(str.split, finished_in(events))}
    begun_together = [sweep.run.entries(arm.name, "search")[0].identity for arm in arms_of(study)]
    assert len({trained_by[identity] for identity in begun_together}) == len(set(trained_by.values())) == 2


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("search.trials=3", r"search.trials: 2 -> 3; .*--extend"),
        ("search.space.learning_rate.high=0.5", r"learning_rate.*high.*--extend"),
    ],
)
def test_a_changed_study_is_refused_with_what_changed(finished, real, change, what):
    _, output, _ = finished
    changed = parse_study(REAL.format(dataset=real), "real.yaml", (change,), resolve_settings)
    with pytest.raises(InputError, match=what):
        run_study(changed, output, console=silent())


def test_extend_may_not_change_a_space(finished, real):
    _, output, _ = finished
    change = ("search.space.learning_rate.high=0.5",)
    changed = parse_study(REAL.format(dataset=real), "real.yaml", change, resolve_settings)
    with pytest.raises(InputError, match="--extend may only add trials, arms, seeds, repeats or hours"):
        run_study(changed, output, extend=True, console=silent())


def test_a_study_in_folds_grows_by_repeats_and_not_on_other_data(folder, output, tmp_path):
    changes = ("folds={count: 3, by: recording}", "confirm.seeds=[0]")
    study = trivial_study(folder, trials=1, changes=changes)
    run_study(study, output, trainable=trivial(), console=silent())
    more = trivial_study(folder, trials=1, changes=(*changes, "repeats=2"))
    with pytest.raises(InputError, match=r"repeats: 1 -> 2; .*--extend"):
        run_study(more, output, console=silent())
    sweep = run_study(more, output, trainable=trivial(), extend=True, console=silent())
    assert sweep.run.shortfall() is None
    client = MlflowClient(sweep.store)
    [experiment] = [one for one in client.search_experiments() if one.name == "trivial"]
    runs = client.search_runs([experiment.experiment_id])
    tags = [run.data.tags for run in runs if run.data.tags["crescendo.phase"] != "study"]
    found = Counter((one["crescendo.fold"], one.get("crescendo.repeat", "1")) for one in tags)
    assert found == dict.fromkeys(itertools.product("123", "12"), 4)
    folds = read_record(output).folds
    assert {(one["crescendo.fold"], one["crescendo.dataset_hash"]) for one in tags} == set(folds.items())
    assert "variant=none, fold 2, repeat 2, search 0" in {run.info.run_name for run in runs}
    other = synthesize(tmp_path / "other", seed=1, recordings=2, labels=3, feature_dim=4).path
    with pytest.raises(InputError, match="the data set changed since the study began"):
        run_study(more.model_copy(update={"dataset": str(other)}), output, console=silent())


@pytest.mark.parametrize("resources", ["{cpus: 4096}", "{gpus: 0.5}"])
def test_resources_that_no_node_has_are_refused_at_once(folder, tmp_path, resources):
    study = trivial_study(folder, trials=1, changes=(f"resources={resources}",))
    if "gpus" in resources and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="no node has them"):
        run_study(study, tmp_path, trainable=trivial(), console=silent())


def test_a_data_set_that_is_none_is_refused(folder, tmp_path):
    study = trivial_study(folder, trials=1).model_copy(update={"dataset": str(tmp_path / "nowhere")})
    with pytest.raises(InputError, match="nowhere"):
        run_study(study, tmp_path / "output", console=silent())
    assert not (tmp_path / "output").exists()


def test_an_output_folder_that_is_removed_ends_the_study_and_says_so(folder, output):
    def note(trial):
        if output.exists():
            output.rename(output.with_name("removed"))
        time.sleep(0.1)

    study = trivial_study(folder, trials=100)
    sweep = run_study(study, output, trainable=trivial(note=note), console=silent())
    assert f"{output}: was removed or replaced while the study ran" in sweep.run.problem


def test_a_ray_of_our_own_is_reached_from_this_machine_alone():
    import ray

    assert ray.is_initialized()
    listening = set()
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # workers come and go
            listening |= {
                (process.name(), address.laddr.ip.removeprefix("::ffff:"))
                for address in process.net_connections("inet")
                if address.status == psutil.CONN_LISTEN
            }
    assert {"gcs_server", "raylet"} <= {name for name, _ in listening}
    assert {address for _, address in listening} == {"127.0.0.1"}


def test_a_node_that_was_not_there_in_time_is_ended_and_another_one_started(ray):
    assert ray == ["Ray did not start in time, as on a machine that is busy; it is started once more"]
    names = [process.name() for process in psutil.Process().children()]
    assert [names.count(name) for name in ("gcs_server", "raylet")] == [1, 1]


def test_a_ray_connection_that_was_there_stays():
    import ray

    assert ray.is_initialized()
    assert threading.current_thread() is threading.main_thread()
