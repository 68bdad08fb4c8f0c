import sqlite3

import pytest

from crescendo.reports.source.store import mlflow_client


def use(folder, experiment):
    client = mlflow_client(f"sqlite:///{folder}/mlflow.db")
    run = client.create_run(client.create_experiment(experiment))
    return [one.name for one in client.search_experiments()], run.info.run_id


def test_the_second_new_store_is_a_copy_that_holds_nothing_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first, run = use(tmp_path / "first", "one")
    second, other = use(tmp_path / "second", "two")
    assert len(list((tmp_path / "cache").rglob("mlflow-*.db"))) == 1
    assert set(first) == {"Default", "one"}
    assert set(second) == {"Default", "two"}
    assert run != other
    store = sqlite3.connect(tmp_path / "second" / "mlflow.db")
    [(place,)] = store.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 0")
    store.close()
    assert place == str(tmp_path / "second" / "mlartifacts" / "0")


@pytest.mark.parametrize("what", ["a file in its place", "nothing writable"])
def test_a_cache_that_cannot_be_written_is_done_without(what, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache if what == "a file in its place" else "/proc/crescendo"))
    assert set(use(tmp_path / "store", "one")[0]) == {"Default", "one"}
