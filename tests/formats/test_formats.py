"""What people have on their disks goes on being read: stored/ was written by version 0.1 (see make.py), and never changes.

A test that fails here says that a change would orphan somebody's study, run or model.
"""

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from finished_runs import command
from stored_formats import STORED, TRAINING, assignments, write_source

from crescendo.platform.cli import main
from crescendo.platform.studies.identity import proposal_seed, trial_identity
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.settings import load_study
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.source.study_runs import read_study_runs
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.training.trial import Trial

DATA = STORED / "data"
IDENTITIES = json.loads((Path(__file__).parent / "identities.json").read_text())
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def run(*arguments: object) -> str:
    done = command(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def read(file: Path):
    return json.loads(file.read_text())


def copied(name: str, folder: Path) -> Path:
    return shutil.copytree(STORED / name, folder / name)


def same(found, expected) -> bool:
    """Whether two JSON values are equal, numbers to 1e-6; a key more than there was is no difference."""
    if isinstance(expected, dict):
        return expected.keys() <= found.keys() and all(same(found[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float):
        return found == pytest.approx(expected, abs=1e-6)
    return found == expected


def null_for_none(content):
    """Return `content` with each range's `step: none` as null."""
    if not isinstance(content, dict):
        return content
    return {key: None if key == "step" and one == "none" else null_for_none(one) for key, one in content.items()}


# --- identities


@pytest.mark.parametrize(
    ("name", "function"),
    [("trial_identity", trial_identity), ("proposal_seed", proposal_seed)],
    ids=["trial", "proposal"],
)
def test_identities_and_seeds_are_what_they_were(name, function):
    for one in IDENTITIES[name]:
        assert function(**one["of"]) == one["is"]


@pytest.mark.parametrize("name", IDENTITIES["fingerprint"])
def test_a_study_has_the_fingerprint_it_had(name):
    study = load_study(str(Path(__file__).parent / "studies" / f"{name}.yaml"))
    assert study.fingerprint == IDENTITIES["fingerprint"][name]


def test_the_same_data_have_the_content_hash_they_had(tmp_path):
    write_source(tmp_path / "source")
    run("data", "import", "directory", tmp_path / "source", tmp_path / "imported", "--fps", 4)
    assert Dataset(tmp_path / "imported").content_hash == IDENTITIES["content_hash"]


# --- data sets


@pytest.mark.parametrize("name", ["data", "pixels", "fc6"])
def test_a_data_set_opens(name):
    described = json.loads(run("data", "describe", STORED / name, "--json"))
    recorded = read(STORED / name / "dataset.json")
    for key in ("content_hash", "fps", "labels", "feature_dim", "name", "features", "source", "licence", "notes"):
        assert described[key] == recorded[key]
    annotated = read(STORED / name / "annotations.json")["database"]
    assert described["all"]["recordings"] == len(annotated)


def test_its_numbers_are_the_stored_ones():
    recording = Dataset(DATA).recordings("test")[0]
    assert np.array_equal(Dataset(DATA).features(recording), np.load(STORED / "recording.npy"))
    pictures = Dataset(STORED / "pixels")
    first = pictures.features(pictures.recordings("training")[0])[:2]
    assert (first.dtype, first[0].size) == (np.uint8, 16 * 16 * 3)
    weight, bias = Dataset(STORED / "fc6").fc7()
    assert weight.tolist() == [[(5 * row + column) / 16 for column in range(5)] for row in range(3)]
    assert bias.tolist() == [0, 1 / 8, 2 / 8]


# --- trainings


def test_an_interrupted_training_goes_on(tmp_path):
    output = copied("interrupted-training", tmp_path)
    [checkpoint] = output.glob("checkpoints/*/checkpoint.json")
    before = read(checkpoint)["history"]
    run("train", DATA, "--output", output, "--resume", *assignments(TRAINING))
    found, expected = read(output / "metrics.json"), read(STORED / "training" / "metrics.json")
    assert same(found["history"][: len(before)], before)
    losses, undisturbed = ([row["loss"] for row in one["history"]] for one in (found, expected))
    # Bit for bit on one machine; the last bits of another's processor grow with every step.
    assert losses == pytest.approx(undisturbed, rel=1e-2)


@pytest.mark.parametrize("options", [(), ("--dataset", DATA)], ids=["as it was measured", "computed anew"])
def test_a_finished_training_is_measured_while_it_watches(options):
    found = json.loads(run("evaluate", "--online", STORED / "training", *options, "--json"))
    assert same(found, read(STORED / "training" / "metrics.json")["test"]["online"])


def test_an_fc7_layer_is_taken_from_its_data_set(tmp_path):
    settings = {**TRAINING, "fc7": "from_checkpoint", "fc7_size": 0, "iterations": 1, "evaluate_every": 1}
    run("train", STORED / "fc6", "--output", tmp_path / "run", *assignments(settings))
    assert read(tmp_path / "run" / "metrics.json")["iterations"] == 1


# --- models


@pytest.mark.parametrize("name", ["lstm", "cnn"])
def test_a_model_folder_detects_what_it_detected(name, tmp_path):
    run("detect", STORED / name, DATA, "--out", tmp_path / "found.json")
    assert same(read(tmp_path / "found.json"), read(STORED / f"{name}.detections.json"))


@pytest.mark.parametrize("name", ["lstm", "cnn"])
def test_its_events_are_the_stored_ones(name, monkeypatch, capsys):
    frames = io.BufferedReader(io.BytesIO((STORED / "recording.npy").read_bytes()))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(frames))
    monkeypatch.setattr("sys.argv", ["crescendo", "detect", str(STORED / name), "--stream", "--alarm", "rate=50/h"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    stored = (STORED / f"{name}.events.jsonl").read_text().splitlines()
    found, expected = ([json.loads(line) for line in lines] for lines in (capsys.readouterr().out.splitlines(), stored))
    assert {one["event"] for one in expected} >= {"begun", "alarm", "ended"}
    assert same(found, expected)


def test_an_mlflow_model_predicts_what_it_predicted():
    import mlflow.pyfunc

    found = mlflow.pyfunc.load_model(str(STORED / "mlflow")).predict(np.load(STORED / "recording.npy"))
    events = [json.loads(line) for line in (STORED / "lstm.events.jsonl").read_text().splitlines()]
    expected = [[one[key] for key in found.columns] for one in events if one["event"] == "ended"]
    assert list(found.columns) == ["label", "start", "end", "score"]
    assert same(
        found.sort_values(["start", "label"]).values.tolist(), sorted(expected, key=lambda one: (one[1], one[0]))
    )


def exported(run_folder: Path, folder: Path) -> Path:
    run("export", run_folder, folder / "model")
    return folder / "model"


def assert_same_model(found: Path, expected: Path) -> None:
    assert (found / "model.safetensors").read_bytes() == (expected / "model.safetensors").read_bytes()
    metadata = read(expected / "detector.json")
    del metadata["training"]["crescendo"]  # the version that exported it
    assert same(read(found / "detector.json"), metadata)


def test_a_finished_training_is_exported(tmp_path):
    assert_same_model(exported(STORED / "training", tmp_path), STORED / "lstm")


def test_a_confirmed_trial_is_exported(confirmed, tmp_path):
    for number, trial in enumerate(confirmed):
        (tmp_path / str(number)).mkdir()
        assert_same_model(exported(trial, tmp_path / str(number)), trial / "outputs" / "model")


def test_a_model_folder_is_exported_as_it_is(tmp_path):
    assert_same_model(exported(STORED / "lstm", tmp_path), STORED / "lstm")


# --- studies


@pytest.fixture(scope="module")
def confirmed() -> list[Path]:
    """The folders of the confirmed trials of the finished study."""
    return sorted(one.parents[1] for one in STORED.glob("study/trials/*/outputs/metrics.json"))


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Path:
    """The finished study, its runs told to a store of their own by `crescendo sync`."""
    folder = tmp_path_factory.mktemp("told")
    output = copied("study", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # MLflow puts the artifacts of such a store into the current folder
        said = run("sync", output, "--tracking-uri", f"sqlite:///{folder / 'store.db'}")
    records = len((output / "tracking" / "journal.jsonl").read_text().splitlines())
    assert f"{records} records sent, 0 wait" in said
    assert not (output / "tracking" / "refused.jsonl").exists()
    return output


def identities(output: Path) -> list[str]:
    """The trials of a ledger, as they were begun."""
    return re.findall(r'"identity":"([0-9a-f]{16})"', (output / "ledger.jsonl").read_text())


def test_a_finished_study_is_over_with_the_outcome_it_had(tmp_path):
    output = copied("study", tmp_path)
    printed = run("sweep", output / "study.yaml", "--dataset", DATA, "--output", output)
    # mAP stood there as fractions of 1.
    then = re.sub(r"\b0\.\d{3}\b", lambda found: f"{100 * float(found[0]):.1f}", (output / "printed.txt").read_text())
    outcomes = [text.split("Runs: ")[0] for text in (printed, then)]
    assert NUMBER.findall(outcomes[0]) == NUMBER.findall(outcomes[1])
    assert len(NUMBER.findall(outcomes[1])) > 10
    assert (output / "ledger.jsonl").read_bytes() == (STORED / "study" / "ledger.jsonl").read_bytes()


def test_an_interrupted_study_goes_on_to_the_trials_it_would_have_run(tmp_path):
    output, data = copied("interrupted-study", tmp_path), Dataset(DATA)
    begun, expected = identities(output), identities(STORED / "study")
    assert 0 < len(begun) < len(expected)
    ledger = Ledger(output)
    going_on = StudyRun(
        load_study(str(STORED / "study" / "study.yaml")), ledger, Workspace(output, str(DATA), data.content_hash)
    )
    [first] = going_on.next_jobs()
    assert first.identity == begun[-1]
    jobs, reports = [first], []
    while jobs:
        [job] = jobs
        trial, over = Trial(job, data), False
        while not over:
            reports.append(trial.step())
            over = going_on.report(job.identity, reports[-1])
        jobs = going_on.next_jobs()
    ledger.close()
    assert going_on.shortfall() is None
    assert identities(output) == expected
    # The trial that was stopped goes on where it was: from its last report, which may not have been heard.
    assert (
        reports[0].iteration
        == read(STORED / "interrupted-study" / "trials" / first.identity / "report.json")["iteration"]
    )


@pytest.mark.ray
@pytest.mark.slow
def test_an_interrupted_sweep_goes_on(tmp_path):
    output = copied("interrupted-study", tmp_path)
    run("sweep", STORED / "study" / "study.yaml", "--dataset", DATA, "--output", output)
    assert identities(output) == identities(STORED / "study")


def test_an_old_journal_gives_the_report_it_gave(told):
    found = json.loads(json.dumps(report_json(summarise([read_study_runs(told)]))))
    expected = read(STORED / "study" / "report.json")
    assert len(expected["arms"]) == 2
    # Settings were once read from MLflow's parameters, which write null as a word.
    for study in expected["studies"]:
        study["settings"] = null_for_none(study["settings"])
    assert same(found, expected)


def test_a_run_of_an_old_journal_is_exported(told, confirmed, tmp_path):
    from mlflow import MlflowClient

    store = f"sqlite:///{told.parent / 'store.db'}"
    client = MlflowClient(store)
    [experiment] = [one for one in client.search_experiments() if one.name == "stored"]
    runs = client.search_runs([experiment.experiment_id], "tags.`crescendo.phase` = 'confirm'")
    assert len(runs) == len(confirmed)
    for one in runs:
        run("export", one.info.run_id, tmp_path / one.info.run_id, "--tracking-uri", store)
        [trial] = [trial for trial in confirmed if trial.name == one.data.tags["crescendo.trial"]]
        assert_same_model(tmp_path / one.info.run_id, trial / "outputs" / "model")


# --- what is stored


def test_nothing_that_is_stored_tells_of_a_machine():
    for file in STORED.rglob("*"):
        if file.is_file():
            assert not re.search(rb"/(root|home|tmp|Users|work)/", file.read_bytes()), file
