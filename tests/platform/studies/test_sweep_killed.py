"""Sweeps as processes of their own, killed and interrupted. `benchmarks/kill_soak.py` does it many more times."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState

from crescendo.platform.studies.ledger import Ledger

SCRIPT = Path(__file__).parents[2] / "support" / "trivial_study.py"
AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
ARMS = ("variant=none", "variant=score")
pytestmark = pytest.mark.ray


class Driver:
    """A sweep of the trivial study, two cohorts of at most `cohort` trials side by side, in a process of its own.

    `held`: every trial stops in its next step, noted and saved but not reported, until `go_on`.
    """

    def __init__(self, folder: Path, *, held: bool = False, cohort: int = 1):
        self.folder, self._hold = folder, folder / "hold"
        self._before = len(self.events())
        if held:
            self._hold.touch()
        else:
            self._hold.unlink(missing_ok=True)
        command = [sys.executable, str(SCRIPT), str(folder), "0", "2", "2", str(cohort)]
        with (folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def go_on(self) -> None:
        self._hold.unlink()

    def wait_for_events(self, count: int) -> list[int]:
        """Wait until there are `count` more and return the processes that noted them."""
        deadline = time.monotonic() + 300
        while len(new := self.events()[self._before :]) < count:
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()
            assert time.monotonic() < deadline, (self.folder / "log.txt").read_text()
            time.sleep(0.02)
        return [int(line.split()[0]) for line in new]

    def events(self) -> list[str]:
        file = self.folder / "events.txt"
        return file.read_text().splitlines() if file.exists() else []

    def end(self) -> int:
        return self.process.wait(400)


def named(processes: list[psutil.Process], *names: str) -> list[psutil.Process]:
    found = []
    for one in processes:
        try:
            command = one.cmdline()
        except psutil.NoSuchProcess:
            continue
        if command and (Path(command[0]).name in names or command[0].startswith(names)):
            found.append(one)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all end soon; of a Ray that was killed, but for two agents that look for its head for a minute first."""
    agents = named(processes, *AGENTS)
    return not psutil.wait_procs([one for one in processes if one not in agents], timeout=120)[1]


def check(folder: Path) -> None:
    """Nothing lost, nothing run twice, in the ledger and in MLflow."""
    ledger = Ledger(folder / "output")
    counts = {(arm, phase): ledger.entries(arm, phase) for arm in ARMS for phase in ("search", "confirm")}
    ledger.close()
    assert {len(entries) for entries in counts.values()} == {2}
    assert {entry.state for entries in counts.values() for entry in entries} == {TrialState.COMPLETE}
    steps = Counter(tuple(line.split()[1:]) for line in (folder / "events.txt").read_text().splitlines())
    assert set(steps.values()) == {1}
    assert len(steps) == 8 * 3
    client = MlflowClient(f"sqlite:///{folder / 'output' / 'mlflow.db'}")
    [experiment] = [one for one in client.search_experiments() if one.name == "trivial"]
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len({run.data.tags["crescendo.trial"] for run in runs}) == len(runs) == 9


@pytest.fixture
def folder(tmp_path, output) -> Path:
    output.rename(tmp_path / "output")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cohort", "number"), [pytest.param(2, signal.SIGINT, marks=pytest.mark.tools), (1, signal.SIGTERM)]
)
def test_killed_then_a_worker_killed_then_interrupted_the_study_goes_on(folder, cohort, number):
    """Each start takes as long as all the rest, so one study meets all three."""
    driver = Driver(folder, held=True, cohort=cohort)
    driver.wait_for_events(2 * cohort)  # every member has noted its step: none is killed between saving and noting it
    family = driver.family()
    driver.process.kill()
    driver.end()
    assert gone(family)

    driver = Driver(folder, held=True, cohort=cohort)
    killed = driver.wait_for_events(2 * cohort)[0]
    psutil.Process(killed).kill()
    assert killed not in driver.wait_for_events(3 * cohort)[2 * cohort :]  # its trials go on in another process
    family = driver.family()
    os.kill(driver.process.pid, number)
    driver.go_on()
    assert driver.end() == 130, (folder / "log.txt").read_text()
    assert gone(family)
    client = MlflowClient(f"sqlite:///{folder / 'output' / 'mlflow.db'}")
    [experiment] = [one for one in client.search_experiments() if one.name == "trivial"]
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    assert any("resumable" in run.data.tags.get("crescendo.reason", "") for run in runs)

    driver = Driver(folder, cohort=cohort)
    assert driver.end() == 0, (folder / "log.txt").read_text()
    check(folder)


@pytest.mark.slow
def test_the_only_node_lost_ends_the_sweep_which_then_goes_on(folder):
    driver = Driver(folder, held=True)
    driver.wait_for_events(2)
    # Ray's node ends with its agent, and takes the workers with it.
    named(driver.family(), "ray::DashboardAgent")[0].kill()
    assert driver.end() == 1
    driver = Driver(folder)
    assert driver.end() == 0, (folder / "log.txt").read_text()
    check(folder)


@pytest.mark.slow
def test_the_whole_cluster_killed_the_study_goes_on(folder):
    driver = Driver(folder, held=True, cohort=2)
    driver.wait_for_events(4)
    family = driver.family()
    for one in named(family, "gcs_server", "raylet"):
        one.kill()
    assert driver.end() != 0
    assert gone(family)
    assert Driver(folder, cohort=2).end() == 0
    check(folder)


def test_ctrl_c_while_ray_starts_ends_a_sweep_at_once_and_leaves_nothing_of_ray(tmp_path):
    """Also where whoever started it had it ignore Ctrl-C, as a shell does in the background."""
    command = [str(Path(sys.executable).with_name("crescendo")), "sweep", "quick", "--output", str(tmp_path / "out")]
    process = subprocess.Popen(
        ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    while not (found := named(psutil.Process(process.pid).children(recursive=True), "gcs_server")):
        assert process.poll() is None
        time.sleep(0.02)
    [scratch] = set(re.findall(r"=(/[^ ]*/cr-[^/ ]+)", " ".join(found[0].cmdline())))
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 130, said
    assert f"Interrupted; nothing is lost. To go on: crescendo sweep quick --output {tmp_path / 'out'}" in said
    assert not psutil.wait_procs(family, timeout=60)[1]
    assert not Path(scratch).exists()
