"""What a journal has lost is told again from the ledger, by the next sweep and by `crescendo sync`."""

import json
import shutil
import time
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import pytest
from tracked_runs import runs
from trivial_study import trivial_study, value
from typer.testing import CliRunner

from crescendo.platform.cli import app
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.record import record_study
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tracking.catching_up import tell_from_ledger
from crescendo.platform.tracking.mlflow_store import STUDY
from crescendo.platform.tracking.tracker import Tracker
from crescendo.platform.tracking.watcher import StudyWatcher
from crescendo.reports.source.store_address import local_store
from crescendo.trainables.training.validation_report import ValidationReport


def conducted(folder: Path, store: Path, trials: int | None = None) -> Path:
    """Run a study to its end, or so many trials of it as if it were killed then; return its output, with its runs."""
    output = folder / "output"
    output.mkdir()
    shutil.copy(store, output / "mlflow.db")
    study = trivial_study(folder, trials=2)
    place = Workspace(output, study.dataset, "hash")
    record_study(study, place, extend=False)
    ledger = Ledger(output)
    with Tracker(output, study.name) as tracker:
        watcher = StudyWatcher(study, place, tracker)
        run = StudyRun(study, ledger, place, (watcher,))
        watcher.begin(run)
        with watcher.left(run) if trials is None else nullcontext():
            while trials != 0 and (jobs := run.next_jobs()):
                for job in jobs:
                    for iteration in (10, 20, 30):
                        chosen = {"merge_gap": 20, "reset": "memory"} if iteration == 30 else {}
                        score = value(job.settings, iteration)
                        run.report(job.identity, ValidationReport(iteration, score, iteration == 30, chosen=chosen))
                trials = None if trials is None else trials - 1
    ledger.close()
    return output


@pytest.fixture(scope="module")
def finished(tmp_path_factory, empty_store) -> Path:
    """The output of a study that ended, with its runs."""
    return conducted(tmp_path_factory.mktemp("finished"), empty_store)


def test_when_a_study_is_likely_to_end_is_told_while_it_runs(finished, tmp_path, empty_store):
    running = conducted(tmp_path, empty_store, trials=1)
    tags = runs(local_store(running), "trivial")[STUDY].data.tags
    assert abs(datetime.fromisoformat(tags["crescendo.expected_end"]).timestamp() - time.time()) < 3600
    assert "crescendo.expected_end" not in runs(local_store(finished), "trivial")[STUDY].data.tags


def told(output: Path) -> dict[str, object]:
    return {
        identity: (run.info.run_name, run.info.status, dict(run.data.params), dict(run.data.metrics), tags(run))
        for identity, run in runs(local_store(output), "trivial").items()
    }


def tags(run) -> dict[str, str]:
    return {name: text for name, text in run.data.tags.items() if name.startswith("crescendo.")}


def without(output: Path, kinds: str, identity: str) -> None:
    """Damage every record of these kinds that the journal has of a run."""
    file = output / "tracking" / "journal.jsonl"
    lines = [
        b"\0\n" if (one := json.loads(line))["kind"] in kinds and one.get("identity") == identity else line + b"\n"
        for line in file.read_bytes().splitlines()
    ]
    assert b"\0\n" in lines
    file.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    ("whose", "kinds"), [("trial", "start"), ("trial", "start metrics finish"), (STUDY, "start finish")]
)
def test_what_the_ledger_knows_of_a_damaged_journal_is_sent_by_sync(finished, tmp_path, empty_store, whose, kinds):
    output = shutil.copytree(finished, tmp_path / "output")
    identity = whose if whose == STUDY else next(one for one in told(output) if one != STUDY)
    without(output, kinds, identity)
    shutil.copy(empty_store, output / "mlflow.db")
    (output / "tracking" / "sent.json").unlink()
    sent = CliRunner().invoke(app, ["sync", str(output)])
    assert sent.exit_code == 0, sent.output
    assert "what the ledger knows of them was sent again" in sent.output
    assert told(output) == told(finished)
    again = CliRunner().invoke(app, ["sync", str(output)])
    assert again.output == f"{local_store(output)}: 0 records sent, 0 wait\n"


def test_a_journal_that_is_gone_is_written_anew_from_the_ledger(finished, tmp_path, empty_store):
    output = shutil.copytree(finished, tmp_path / "output")
    shutil.rmtree(output / "tracking")
    shutil.copy(empty_store, output / "mlflow.db")
    with Tracker(output, "trivial") as tracker:
        tell_from_ledger(output, tracker)
    assert {name: run[:4] for name, run in told(output).items()} == {
        name: run[:4] for name, run in told(finished).items()
    }


def test_a_ledger_that_cannot_be_read_keeps_no_record_of_the_journal_back(finished, tmp_path, empty_store):
    output = shutil.copytree(finished, tmp_path / "output")
    (output / "ledger.jsonl").write_text("nothing\n")
    shutil.copy(empty_store, output / "mlflow.db")
    (output / "tracking" / "sent.json").unlink()
    sent = CliRunner().invoke(app, ["sync", str(output)])
    assert sent.exit_code == 0, sent.output
    assert "what its ledger knows is not sent" in sent.output
    assert told(output) == told(finished)
