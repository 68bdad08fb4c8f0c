import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.remote import open_dataset
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.errors import InputError
from crescendo.trainables.training.job import Job
from crescendo.trainables.training.trainable import DetectorTrainable


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def bucket(tmp_path):
    return synthesize(tmp_path / "bucket", recordings=4, labels=2, feature_dim=4).path


def test_a_data_set_at_a_uri_is_the_data_set(bucket):
    opened, there = open_dataset(bucket.as_uri()), Dataset(bucket)
    assert opened.path != bucket
    assert opened.content_hash == there.content_hash
    name = there.recordings("training")[0]
    np.testing.assert_array_equal(opened.features(name), there.features(name))


def test_it_is_copied_once(bucket, cache):
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_dataset, [bucket.as_uri()] * 4))
    assert len({one.path for one in opened}) == 1
    assert len([one for one in (cache / "crescendo" / "datasets").iterdir() if one.is_dir()]) == 1
    shutil.rmtree(bucket / "features")
    assert open_dataset(bucket.as_uri()).features(opened[0].recordings("training")[0]).shape[1] == 4


def test_another_data_set_at_the_same_uri_is_another_copy(bucket):
    before = open_dataset(bucket.as_uri())
    shutil.rmtree(bucket)
    synthesize(bucket, recordings=4, labels=2, feature_dim=4, seed=1)
    after = open_dataset(bucket.as_uri())
    assert after.content_hash == Dataset(bucket).content_hash != before.content_hash


@pytest.mark.parametrize("address", ["file:///nowhere/at/all", "nonsense://bucket/data", "s3://"])
def test_what_cannot_be_reached_is_named(address):
    with pytest.raises(InputError, match=f"^{address}: no prepared data set can be read there"):
        open_dataset(address)


def test_a_hash_cannot_lead_out_of_the_cache(bucket):
    (bucket / "dataset.json").write_text('{"content_hash": "../../elsewhere"}')
    with pytest.raises(InputError, match="holds no content hash"):
        open_dataset(bucket.as_uri())


def test_a_trial_runs_on_it(bucket, tmp_path):
    job = Job(
        identity="t",
        phase="search",
        dataset=bucket.as_uri(),
        settings={"iterations": 2, "sequences": 2, "hidden_size": 4, "threads": 1, "device": "cpu"},
        folder=str(tmp_path / "trial"),
        metric="mAP/mean",
    )
    assert DetectorTrainable(config={"jobs": (job,)}).train()["step"].reports["t"].done


def test_a_key_in_its_address_is_not_shown():
    with pytest.raises(InputError, match=r"^nonsense://bucket/data: no prepared data set") as refusal:
        open_dataset("nonsense://key:secret@bucket/data?token=secret")
    assert "secret" not in str(refusal.value)
