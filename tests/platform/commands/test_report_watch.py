"""`generate-report --watch` and the process beside a sweep, on the golden study as it would be while it runs."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from stored_study import told

from crescendo.platform.commands.report import main
from crescendo.platform.commands.report_watch import ReportWatch
from crescendo.platform.tracking.mlflow_store import STUDY
from crescendo.platform.tracking.tracker import Tracker
from crescendo.search_spaces.record import LOCK_FILE
from crescendo.trainables.storage.locks import hold

BESIDE = """
import sys, time
from pathlib import Path
from crescendo.platform.commands.report_process import ReportProcess

process = ReportProcess(Path(sys.argv[1]), 1.0, None)
process.begin(lambda line: print(line, flush=True))
time.sleep(600)
"""


def first_trial_began(records):
    """Cut the journal where the first trial has just begun."""
    starts = [place for place, record in enumerate(records) if record["kind"] == "start"]
    return records[: starts[1] + 1]


@pytest.fixture
def begun(tmp_path, empty_store):
    """The output folder of a study of which the first trial has begun."""
    return told(tmp_path / "begun", store=empty_store, journal=first_trial_began)


def tell(output: Path, *ended: str) -> None:
    """Tell that runs ended: `trial`, the one that is open, or the study itself."""
    tracker = Tracker(output, None)
    for one in ended:
        tracker.finish(STUDY if one == STUDY else next(iter(tracker.open_trials())))
    assert tracker.close(patience=100).waiting == 0


def page(output: Path) -> str:
    return (output / "report" / "report.html").read_text()


def command(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["generate-report", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_the_page_is_written_again_as_trials_end_and_renews_itself_while_the_study_runs(begun):
    lock = hold(begun / LOCK_FILE, "busy")
    watch = ReportWatch([str(begun)], 45.0)
    report = watch.look()
    assert watch.running
    assert report is not None
    assert report.progress[0].startswith(
        "0 of 24 trainings done (0 %), 1 under way; how long the rest takes is not known"
    )
    assert "is running</h2>" in page(begun)
    assert '<meta http-equiv="refresh" content="45">' in page(begun)
    assert "location.reload()" in page(begun)
    assert "Nothing is decided: " in page(begun)
    assert watch.look() is None
    tell(begun, "trial")
    assert watch.look() is not None
    assert "1 of 24 trainings done (4 %); " in page(begun)

    lock.release()  # as a kill does
    assert watch.look() is not None
    assert not watch.running
    assert "is stopped</h2>" in page(begun)
    assert "its last sign of life: 20" in page(begun)
    assert "location.reload()" not in page(begun)
    assert "http-equiv" not in page(begun)


def test_a_stopped_study_and_a_finished_one_end_the_watch(begun, monkeypatch, capsys):
    assert command(monkeypatch, begun, "--watch") == 1
    said = capsys.readouterr()
    assert "The study is stopped" in said.out
    assert "was killed, as far as this machine can tell" in said.err
    tell(begun, "trial", STUDY)
    assert command(monkeypatch, begun, "--watch") == 0
    assert "The study is finished.\n" in capsys.readouterr().out
    assert "is running" not in page(begun)
    assert "is stopped" not in page(begun)


def test_ctrl_c_ends_the_watch_and_no_folder_is_an_error(begun, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(time, "sleep", lambda seconds: signal.raise_signal(signal.SIGINT))
    lock = hold(begun / LOCK_FILE, "busy")
    try:
        assert command(monkeypatch, begun, "--watch") == 130
    finally:
        lock.release()
    said = capsys.readouterr()
    assert "written again as trials end; Ctrl-C ends this" in said.out
    assert said.err == ""
    assert command(monkeypatch, tmp_path / "nowhere", "--watch") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'nowhere'}: no such folder")


def test_a_sweep_that_has_told_nothing_yet_is_waited_for(begun, monkeypatch, capsys):
    store = begun / "mlflow.db"
    away = store.rename(store.with_suffix(".away"))
    lock = hold(begun / LOCK_FILE, "busy")
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            away.rename(store)
            lock.release()

    monkeypatch.setattr(time, "sleep", sleep)
    assert command(monkeypatch, begun, "--watch") == 1
    assert capsys.readouterr().err.count("not written, tried again: ") == 1
    assert len(looks) == 2


def test_the_process_beside_a_sweep_ends_with_it_when_that_is_killed(begun):
    lock = hold(begun / LOCK_FILE, "busy")
    sweep = subprocess.Popen([sys.executable, "-c", BESIDE, begun], stdout=subprocess.PIPE, text=True)
    try:
        assert sweep.stdout.readline().startswith("report, written again as trials end: file://")
        [beside] = psutil.Process(sweep.pid).children()
        assert "is running</h2>" in page(begun)
    finally:
        lock.release()
        sweep.kill()
        sweep.wait()
        sweep.stdout.close()
    beside.wait(timeout=500)
    assert "is stopped</h2>" in page(begun)
    assert "location.reload()" not in page(begun)
