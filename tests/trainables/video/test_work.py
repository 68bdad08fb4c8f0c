"""The work folder: frames in any order, finished or absent, and never those of another video."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crescendo.trainables.video.work import WorkFolder


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"0123456789")
    return path


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(5)), sizes=st.lists(st.integers(1, 4), min_size=5, max_size=5))
def test_frames_come_back_in_order(tmp_path: Path, video: Path, order: list[int], sizes: list[int]) -> None:
    total = sum(sizes)
    first = np.cumsum([0, *sizes])
    features = np.random.default_rng(0).normal(size=(total, 3)).astype(np.float16)
    jpegs = [bytes([number]) * (number + 1) for number in range(total)]
    folders = WorkFolder(tmp_path / "features", 3), WorkFolder(tmp_path / "pictures", None)
    for place, chunk in enumerate(order):
        numbers = np.arange(first[chunk], first[chunk + 1])
        told = total if chunk == 4 else None
        for folder, values in zip(folders, (features[numbers], [jpegs[number] for number in numbers]), strict=True):
            assert folder.frames("a/b", video) is None or place == 0
            assert folder.add("a/b", video, numbers, values, told) == (place == 4)
    assert [folder.frames("a/b", video) for folder in folders] == [total, total]
    np.testing.assert_array_equal(folders[0].matrix("a/b", total), features)
    assert list(folders[1].pictures("a/b")) == jpegs
    for folder in folders:
        next(folder.path.glob("*.arrow")).unlink()


def test_a_video_that_changed_counts_as_new(tmp_path: Path, video: Path) -> None:
    folder = WorkFolder(tmp_path / "work", 2)
    folder.add("a", video, np.arange(2), np.zeros((2, 2), np.float16), 2)
    assert WorkFolder(tmp_path / "work", 2).frames("a", video) == 2
    video.write_bytes(b"another video")
    assert WorkFolder(tmp_path / "work", 2).frames("a", video) is None


def test_unfinished_videos_leave_nothing(tmp_path: Path, video: Path) -> None:
    folder = WorkFolder(tmp_path / "work", 2)
    for name in ("dropped", "left", "killed"):
        folder.add(name, video, np.arange(2), np.zeros((2, 2), np.float16), None)
    folder.drop("dropped")
    assert len(list(folder.path.iterdir())) == 2
    assert not any(WorkFolder(tmp_path / "work", 2).path.iterdir())


def test_damaged_files_count_as_not_there(tmp_path: Path, video: Path) -> None:
    folder = WorkFolder(tmp_path / "work", 2)
    folder.add("a", video, np.arange(2), np.zeros((2, 2), np.float16), 2)
    stored = next(folder.path.iterdir())
    stored.write_bytes(stored.read_bytes()[:100])
    assert folder.frames("a", video) is None
