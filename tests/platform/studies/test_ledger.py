"""The ledger survives whatever happens to the process that writes it."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from crescendo.platform.append_log import AppendLog
from crescendo.platform.studies.identity import trial_identity
from crescendo.platform.studies.journal_file import JournalFile
from crescendo.platform.studies.ledger import LEDGER, Ledger
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.validation_report import ValidationReport

SPACE = {"learning_rate": optuna.distributions.FloatDistribution(1e-4, 1, log=True)}


def identity(arm: str, number: int) -> str:
    return trial_identity(study="s", dataset_hash="", arm=arm, phase="search", number=number, settings={})


def add(ledger: Ledger, rate: float = 0.1, arm: str = "arm"):
    number = len(ledger.entries(arm, "search"))
    values = {"learning_rate": rate}
    return ledger.add(
        arm, "search", identity=identity(arm, number), settings=values, values=values, distributions=SPACE
    )


def report(iteration: int, objective: float, done: bool = False) -> ValidationReport:
    return ValidationReport(
        iteration=iteration, objective=objective, done=done, chosen={"merge_gap": 20} if done else {}
    )


def fill(folder: Path) -> None:
    ledger = Ledger(folder)
    ledger.complete(ledger.report(add(ledger, 0.1), report(10, 0.3), None), report(20, 0.5, done=True), {"mAP": 0.5})
    ledger.fail(ledger.fail(add(ledger, 0.2), "NaN", final=False), "lost", final=True)
    ledger.report(add(ledger, 0.3), report(10, 0.4), None)
    add(ledger, 0.4, arm="other")
    ledger.close()


def test_there_are_results_once_a_confirmation_is_complete(tmp_path):
    fill(tmp_path)
    ledger = Ledger(tmp_path)
    assert not ledger.has_results()
    settings = {"identity": identity("arm", 9), "settings": {}, "values": {}, "distributions": {}}
    confirmation = ledger.add("arm", "confirm", **settings)
    assert not ledger.has_results()
    ledger.complete(confirmation, report(20, 0.5, done=True), {"mAP": 0.5})
    assert ledger.has_results()
    ledger.close()
    again = Ledger(tmp_path)
    assert again.has_results()
    again.close()


def test_opened_again_it_holds_what_it_held(tmp_path):
    fill(tmp_path)
    ledger = Ledger(tmp_path)
    first, second, third = ledger.entries("arm", "search")
    assert (first.state, first.value, first.steps, first.chosen) == (
        TrialState.COMPLETE,
        0.5,
        {10: 0.3, 20: 0.5},
        {"merge_gap": 20},
    )
    assert first.metrics == {"mAP": 0.5}
    assert (second.state, second.failures) == (TrialState.FAIL, ["NaN", "lost"])
    assert (third.state, third.identity) == (TrialState.RUNNING, identity("arm", 2))
    assert third.values == {"learning_rate": 0.3}
    assert [entry.number for entry in ledger.entries("other", "search")] == [0]
    assert ledger.entries("arm", "confirm") == []
    ledger.close()


def test_optunas_own_storage_reads_it(tmp_path):
    fill(tmp_path)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / LEDGER)))
    study = optuna.load_study(study_name="arm", storage=storage)
    assert [trial.state.name for trial in study.get_trials()] == ["COMPLETE", "FAIL", "RUNNING"]
    assert study.best_params == {"learning_rate": 0.1}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_cut_short_anywhere_it_opens_and_every_trial_in_it_is_whole(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    fill(folder)
    content = (folder / LEDGER).read_bytes()
    kept = data.draw(st.integers(0, len(content)))
    (folder / LEDGER).write_bytes(content[:kept])
    ledger = Ledger(folder)
    entries = [*ledger.entries("arm", "search"), *ledger.entries("other", "search")]
    assert all(entry.identity and entry.values and entry.settings for entry in entries)
    assert all(entry.value is not None for entry in entries if entry.state is TrialState.COMPLETE)
    added = add(ledger)
    ledger.close()
    again = Ledger(folder)
    assert again.entries("arm", "search")[-1] == added
    again.close()


def test_a_batch_that_fails_leaves_nothing(tmp_path):
    journal = JournalFile(AppendLog(tmp_path / "file"))
    with contextlib.suppress(KeyboardInterrupt), journal.batch():
        journal.append_logs([{"a": 1}])
        raise KeyboardInterrupt
    assert (tmp_path / "file").read_bytes() == b""
    journal = JournalFile(AppendLog(tmp_path / "file"))
    with journal.batch():
        journal.append_logs([{"a": 1}])
        journal.append_logs([{"a": 2}])
        assert (tmp_path / "file").read_bytes() == b""
    assert [json.loads(line) for line in (tmp_path / "file").read_text().splitlines()] == [{"a": 1}, {"a": 2}]


def test_damage_is_named(tmp_path):
    fill(tmp_path)
    lines = (tmp_path / LEDGER).read_text().splitlines()
    lines[2] = lines[2][:-5]
    (tmp_path / LEDGER).write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"line 3 is not valid JSON"):
        Ledger(tmp_path)


@pytest.mark.parametrize(
    "text", ["../../../evil", "/etc", "", ".", "0123456789abcdeg", "0123456789abcdef\n", "0123456789abcdef/..", 5, None]
)
def test_an_identity_that_is_no_hash_is_refused_before_it_names_a_folder(tmp_path, text):
    ledger = Ledger(tmp_path)
    add(ledger)
    ledger.close()
    file = tmp_path / LEDGER
    file.write_text(file.read_text().replace(json.dumps(identity("arm", 0)), json.dumps(text)))
    ledger = Ledger(tmp_path)
    with pytest.raises(InputError, match=r"ledger\.jsonl: is not the ledger of a study \(the identity of trial 0"):
        ledger.entries("arm", "search")
    ledger.close()


def test_one_process_at_a_time(tmp_path):
    ledger = Ledger(tmp_path)
    script = f"from pathlib import Path; from crescendo.platform.studies.ledger import Ledger; Ledger(Path({str(tmp_path)!r}))"
    second = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "another `crescendo sweep` is running here" in second.stderr
    ledger.close()
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_step_reported_twice_is_judged_once(tmp_path):
    class Always(optuna.pruners.BasePruner):
        asked = 0

        def prune(self, study, trial):
            self.asked += 1
            return False

    ledger, pruner = Ledger(tmp_path), Always()
    entry = ledger.report(add(ledger), report(10, 0.5), pruner)
    assert ledger.report(entry, report(10, 0.5), pruner) == entry
    assert pruner.asked == 1
    ledger.close()
