"""What is noticed of a data set that is replaced, changed, touched or taken away while it is in use."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.pixels import encode_picture
from crescendo.trainables.data.same_dataset import SameDataset, file_states, verify_features
from crescendo.trainables.errors import DatasetChangedError, InputError, SurroundingsError


def write(folder: Path, seed: int = 0, label: str = "walk", *, pixels: bool = False) -> Dataset:
    random, frames = np.random.default_rng(seed), {"a": 7, "b": 5}
    recordings = {
        name: Recording(subset, count / 5, (Segment(label, 0.2, 0.8),))
        for (name, count), subset in zip(frames.items(), ("training", "test"), strict=True)
    }
    features = [
        [encode_picture(random.integers(0, 255, (3, 8, 8), dtype=np.uint8)) for _ in range(count)]
        if pixels
        else random.normal(size=(count, 3)).astype(np.float32)
        for count in frames.values()
    ]
    return write_dataset(
        folder,
        DatasetMetadata("same", 5.0, "numbers", "made for the tests", "MIT"),
        Annotations(recordings),
        frames=frames,
        features=features,
        feature_dim=3 * 8 * 8 if pixels else 3,
        dtype="jpeg" if pixels else "float32",
    )


@pytest.fixture(params=[False, True], ids=["numbers", "pictures"])
def make(request) -> Callable[..., Dataset]:
    return lambda *arguments, **options: write(*arguments, **options, pixels=request.param)


def opened(dataset: Dataset) -> SameDataset:
    return SameDataset(str(dataset.path), dataset.content_hash, file_states(dataset.path))


def put(folder: Path, file: str, content: bytes) -> None:
    """Write into a file, of the same size or not, at another time."""
    (folder / file).write_bytes(content)
    later(folder / file)


def later(file: Path) -> None:
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 10**9))


def another(folder: Path, make) -> None:
    shutil.rmtree(folder)
    make(folder, seed=1)


def other_labels(folder: Path, make) -> None:
    make(folder.with_name("other"), label="swim")
    for file in ("annotations.json", "dataset.json"):
        put(folder, file, (folder.with_name("other") / file).read_bytes())


def other_features(folder: Path, make) -> None:
    make(folder.with_name("other"), seed=1)
    put(folder, "features/features.arrow", (folder.with_name("other") / "features" / "features.arrow").read_bytes())


def other_annotations(folder: Path, make) -> None:
    put(folder, "annotations.json", (folder / "annotations.json").read_bytes().replace(b"0.8", b"0.6"))


@pytest.mark.parametrize("change", [another, other_labels, other_features, other_annotations])
def test_another_data_set_is_found_while_it_is_used_and_when_it_is_opened(tmp_path, make, change):
    dataset = make(tmp_path / "data")
    first, states, used = dataset.content_hash, file_states(dataset.path), opened(dataset)
    used.check()
    change(dataset.path, make)
    with pytest.raises(DatasetChangedError):
        used.check()
    with pytest.raises(SurroundingsError if change is other_annotations else DatasetChangedError):
        SameDataset(str(dataset.path), first, states)


def test_both_hashes_are_said(tmp_path, make):
    dataset = make(tmp_path / "data")
    used = opened(dataset)
    another(dataset.path, make)
    both = f"was {dataset.content_hash}, is {Dataset(dataset.path).content_hash}"
    with pytest.raises(DatasetChangedError, match=re.escape(both)):
        used.check()
    with pytest.raises(DatasetChangedError, match=re.escape(both)):
        SameDataset(str(dataset.path), dataset.content_hash)


def test_one_that_is_the_same_is_taken_for_the_same(tmp_path, make):
    """Touched, made anew, or copied with other times: what counts is what is in it."""
    dataset = make(tmp_path / "data")
    states, used = file_states(dataset.path), opened(dataset)
    for file in dataset.path.rglob("*.*"):
        later(file)
    used.check()
    assert file_states(dataset.path) != states
    SameDataset(str(dataset.path), dataset.content_hash, states)
    shutil.rmtree(dataset.path)
    make(tmp_path / "data")
    used.check()
    assert used.dataset.content_hash == dataset.content_hash


def test_one_that_is_away_cannot_be_opened_and_is_used_on(tmp_path, make):
    dataset = make(tmp_path / "data")
    used = opened(dataset)
    dataset.path.rename(tmp_path / "away")
    used.check()
    assert np.asarray(used.dataset.features("a")).shape[0] == 7
    with pytest.raises(SurroundingsError, match=r"cannot be opened now.*data"):
        SameDataset(str(dataset.path), dataset.content_hash)
    (tmp_path / "away").rename(dataset.path)
    opened(dataset).check()


def test_verifying_finds_every_byte(tmp_path, make):
    dataset = make(tmp_path / "data")
    verify_features(dataset)
    file = dataset.path / "features" / "features.arrow"
    content = bytearray(file.read_bytes())
    rows = dataset.store.encoded("b", 4) if dataset.holds_pixels else dataset.features("b").tobytes()
    content[content.rfind(rows) + len(rows) - 1] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="features were changed"):
        verify_features(Dataset(dataset.path))
