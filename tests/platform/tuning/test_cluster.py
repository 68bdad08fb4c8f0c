"""Studies on clusters that really run: over ssh, as a Ray job, at an address, and on two nodes of which one is lost."""

import importlib.util
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trivial_study as trivial_study_module
import yaml
from optuna.trial import TrialState
from ray_machines import REPOSITORY, Machine, SecureShell
from tracked_runs import runs
from tracking_servers import free_port
from trivial_study import trivial, trivial_study

from crescendo.platform.studies.ledger import Ledger, TrialRecord
from crescendo.platform.studies.runner import Sweep, run_study
from crescendo.reports.source.store_address import local_store
from crescendo.search_spaces.arms import arms_of

CLUSTERS = REPOSITORY / "platform" / "cluster"

needs_ssh = pytest.mark.skipif(
    not (shutil.which("sshd", path="/usr/sbin:/usr/bin") and shutil.which("ssh") and shutil.which("rsync")),
    reason="needs sshd, ssh and rsync: bash .ci/tools installs them",
)
needs_jobs = pytest.mark.skipif(
    importlib.util.find_spec("aiohttp_cors") is None,
    reason="needs Ray's job server: install the extra crescendo-ablation[cluster]",
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.close()


def write_study(folder: Path, cpus: int) -> Path:
    """A study of four trainings that take no time, each of which asks for `cpus` CPUs."""
    content = {
        "name": "tiny",
        "dataset": "synthetic",
        "base": {"config": "synthetic", "iterations": 4, "evaluate_every": 2},
        "ablate": {"variant": ["none", "score"]},
        "search": {
            "trials": 1,
            "space": {"lambda_r": {"low": 0.1, "high": 30, "log": True, "when": {"variant": ["score"]}}},
        },
        "confirm": {"seeds": [0]},
        "resources": {"cpus": cpus},
    }
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def finished(output: Path) -> Counter[TrialState]:
    """How the trials of the study in `output` ended, by its ledger."""
    ledger = Ledger(output)
    try:
        arms = ("variant=none", "variant=score")
        return Counter(
            entry.state for arm in arms for phase in ("search", "confirm") for entry in ledger.entries(arm, phase)
        )
    finally:
        ledger.close()


@pytest.mark.parametrize("file", sorted(CLUSTERS.glob("*.yaml")), ids=lambda file: file.stem)
def test_cluster_files_are_ones_that_ray_takes(file):
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(yaml.safe_load(file.read_text())))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.tools
@needs_ssh
def test_ray_submit_over_ssh(machine):
    shell = SecureShell(machine)
    try:
        cluster = yaml.safe_load((CLUSTERS / "local.yaml").read_text())
        cluster |= {"cluster_name": f"test-{machine.mark[:8]}", "auth": shell.authentication, "setup_commands": []}
        [start] = cluster["head_start_ray_commands"]
        options = " ".join(["--include-dashboard=false", *machine.ray_options()])
        start = start.replace("6379", str(machine.gcs_port)).replace("start --head", f"start --head {options}")
        cluster["head_start_ray_commands"] = [start]
        file = machine.home / "cluster.yaml"
        file.write_text(yaml.safe_dump(cluster))
        write_study(machine.home, machine.cpus)
        submit = ("ray", "submit", "--no-config-cache", file, "platform/sweep.py", "--start", "--", "study.yaml")
        output = machine.run(*submit)
        assert "crescendo ui results/tiny" in " ".join(output.split())
        assert (machine.home / "crescendo" / "pyproject.toml").is_file()
        assert not (machine.home / "crescendo" / ".venv").exists()
        results = machine.home / "results" / "tiny"
        assert finished(results) == {TrialState.COMPLETE: 4}
        trained = sorted((results / "trials").glob("*/report.json"))
        before = [report.stat().st_mtime_ns for report in trained]
        machine.run(*submit)
        assert [report.stat().st_mtime_ns for report in trained] == before
    finally:
        shell.close()


@pytest.mark.ray
@pytest.mark.slow
@needs_jobs
def test_ray_job_submit_and_ray_address_to_a_cluster_that_asks_for_its_token(machine):
    machine.run("ray", "get-auth-token", "--generate")
    port = free_port()
    machine.start_ray("--include-dashboard=true", f"--dashboard-port={port}")
    study = write_study(machine.home, machine.cpus)
    job = ("ray", "job", "submit", "--address", f"http://127.0.0.1:{port}", "--working-dir", ".", "--")
    output = machine.run(*job, "crescendo", "sweep", study, "--output", machine.home / "job", RAY_AUTH_MODE="token")
    assert "succeeded" in output
    assert finished(machine.home / "job") == {TrialState.COMPLETE: 4}

    address = f"127.0.0.1:{machine.gcs_port}"
    machine.run("crescendo", "sweep", study, "--output", machine.home / "address", RAY_ADDRESS=address)
    assert finished(machine.home / "address") == {TrialState.COMPLETE: 4}


@contextmanager
def nodes(**head: int) -> Iterator[Any]:
    """A cluster of one node with what `head` names; more can be added."""
    import ray
    from ray import cloudpickle
    from ray.cluster_utils import Cluster

    cloudpickle.register_pickle_by_value(trivial_study_module)  # workers know nothing of the tests' folder
    cluster = Cluster(initialize_head=True, head_node_args={**head, "include_dashboard": False})
    try:
        ray.init(address=cluster.address, log_to_driver=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def entries(sweep: Sweep) -> list[TrialRecord]:
    return [
        entry
        for arm in arms_of(sweep.run.study)
        for phase in ("search", "confirm")
        for entry in sweep.run.entries(arm.name, phase)
    ]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("resources", ["{gpus: 0.5}", "{gpus: 1, cohort: 2}"])
def test_two_trials_or_cohorts_share_a_gpu(tmp_path, resources):
    """The first to step waits for the second, so that they meet however late that one starts."""
    events = tmp_path / "events.txt"

    def note(trial: Any) -> None:
        with events.open("a") as file:
            file.write(f"{os.getpid()} {os.environ['CUDA_VISIBLE_DEVICES']}\n")
        give_up = time.monotonic() + 200
        while len({line.split()[0] for line in events.read_text().splitlines()}) < 2:
            assert time.monotonic() < give_up, "the other trial does not start beside this one"
            time.sleep(0.05)

    study = trivial_study(tmp_path, trials=2, changes=(f"resources={resources}",))
    with nodes(num_cpus=4, num_gpus=1):
        sweep = run_study(study, tmp_path / "output", trainable=trivial(note=note))
    assert sweep.run.over
    assert sweep.run.problem is None
    assert not [entry.failures for entry in entries(sweep) if entry.failures]
    # The processes of the search are those of the confirmations.
    assert len({line.split()[0] for line in events.read_text().splitlines()}) == 2
    assert {line.split()[1] for line in events.read_text().splitlines()} == {"0"}


@pytest.mark.ray
@pytest.mark.slow
def test_node_taken_away_in_the_middle(tmp_path):
    """The node goes while a trial on it is in its first step; those on the other one wait for that."""
    study = trivial_study(tmp_path, trials=3, concurrent=2)
    events, there = tmp_path / "events.txt", tmp_path / "there"
    with nodes(num_cpus=1) as cluster:
        second = cluster.add_node(num_cpus=1)
        going = second.node_id

        def wait_for(file: Path) -> None:
            give_up = time.monotonic() + 200
            while not file.exists() and time.monotonic() < give_up:
                time.sleep(0.05)

        def note(trial: Any) -> None:
            import ray

            with events.open("a") as file:
                file.write(f"{trial.job.identity} {trial.saved['iteration']}\n")
            if ray.get_runtime_context().get_node_id() == going:
                there.touch()
                time.sleep(300)
            wait_for(there)

        def take_away() -> None:
            wait_for(there)
            cluster.remove_node(second, allow_graceful=False)

        thread = threading.Thread(target=take_away)
        thread.start()
        sweep = run_study(study, tmp_path / "output", trainable=trivial(note=note))
        thread.join()
    assert sweep.run.over
    assert sweep.run.problem is None
    found = entries(sweep)
    assert [entry.state for entry in found] == [TrialState.COMPLETE] * 10
    assert not any(entry.failures for entry in found), "a machine that is lost is not the fault of a trial"
    assert Counter(events.read_text().splitlines()).most_common(1)[0][1] == 1, "a step ran twice"
    assert len(events.read_text().splitlines()) == 30
    tracked = runs(local_store(tmp_path / "output"), "trivial")
    assert len(tracked) == 11
    assert {run.info.status for run in tracked.values()} == {"FINISHED"}
