"""The synthetic set."""

from pathlib import Path

import numpy as np
import pytest

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.synthetic import synthesize
from crescendo.trainables.errors import InputError

SMALL = {"recordings": 20, "labels": 6, "feature_dim": 8}


def content(path: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()]


def test_same_seed_same_bytes_other_seed_others(tmp_path: Path) -> None:
    for name, seed in [("a", 5), ("b", 5), ("c", 6)]:
        synthesize(tmp_path / name, seed=seed, **SMALL)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert Dataset(tmp_path / "a").content_hash != Dataset(tmp_path / "c").content_hash


def test_sizes_follow_the_options(tmp_path: Path) -> None:
    dataset = synthesize(tmp_path / "a", recordings=30, labels=9, feature_dim=5, fps=12.5)
    assert [len(dataset.recordings(subset)) for subset in ("training", "validation", "test")] == [30, 15, 15]
    assert (len(dataset.labels), dataset.feature_dim, dataset.fps) == (10, 5, 12.5)


def test_1_4_activities_a_recording_with_background_around(tmp_path: Path) -> None:
    dataset = synthesize(tmp_path / "a")
    for subset in ("training", "validation", "test"):
        counts = [len(dataset.annotations.recordings[name].segments) for name in dataset.recordings(subset)]
        assert np.mean(counts) == 1.4
        for name in dataset.recordings(subset):
            labels = dataset.frame_labels(name)
            assert len(labels) == dataset.frames(name)
            assert labels[0] == labels[-1] == 0
            assert (np.diff(labels) != 0).sum() == 2 * len(dataset.annotations.recordings[name].segments)


def test_early_stages_are_shared_and_late_ones_are_not(tmp_path: Path) -> None:
    dataset = synthesize(tmp_path / "a", noise=0.0, recordings=120, **{k: SMALL[k] for k in ("labels", "feature_dim")})
    starts: dict[str, list[np.ndarray]] = {label: [] for label in dataset.labels[1:]}
    ends: dict[str, list[np.ndarray]] = {label: [] for label in dataset.labels[1:]}
    for name, one in dataset.annotations.recordings.items():
        labels = dataset.frame_labels(name)
        changes = np.flatnonzero(np.diff(labels)) + 1
        for segment, first, last in zip(one.segments, changes[::2], changes[1::2], strict=True):
            starts[segment.label].append(dataset.features(name)[first])
            ends[segment.label].append(dataset.features(name)[last - 1])

    def distances(means: list[np.ndarray]) -> np.ndarray:
        return np.array([[np.linalg.norm(a - b) for b in means] for a in means])

    # Each recording's offset blurs the means of some forty segments by about 0.1.
    first = distances([np.mean(one, axis=0) for one in starts.values()])
    last = distances([np.mean(one, axis=0) for one in ends.values()])
    groups = np.arange(6) // 3
    same = groups[:, None] == groups
    assert first[same].max() < 0.6 < first[~same].min()
    assert last[~np.eye(6, dtype=bool)].min() > 0.6


@pytest.mark.parametrize("wrong", [{"recordings": 0}, {"labels": 0}, {"feature_dim": 0}, {"fps": 0}, {"noise": -1}])
def test_sizes_must_be_positive(absent: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="but got"):
        synthesize(absent, **{**SMALL, **wrong})


def test_small_sets_have_every_subset(tmp_path: Path) -> None:
    dataset = synthesize(tmp_path / "a", recordings=1, labels=1, feature_dim=1)
    assert [len(dataset.recordings(subset)) for subset in ("training", "validation", "test")] == [1, 1, 1]
