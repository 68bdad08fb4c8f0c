"""The HAPT importer."""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from crescendo.trainables.data.importers.hapt import import_hapt
from crescendo.trainables.errors import InputError


def test_real_counts_before_framing(real_data: Path, tmp_path: Path) -> None:
    dataset = import_hapt(real_data / "hapt.zip", tmp_path / "hapt")
    recordings = dataset.annotations.recordings
    users = {subset: {recordings[name].group for name in dataset.recordings(subset)} for subset in SUBSETS}
    segments = [(name, s) for name, one in recordings.items() for s in one.segments]
    samples = sum(one.extra["samples"] for one in recordings.values())
    labelled = sum(round(50 * (segment.end - segment.start)) for _, segment in segments)

    assert len(recordings) == 61
    assert samples == 1_122_772
    assert len(dataset.labels) - 1 == 12
    assert len(segments) == 1_214
    assert round(100 * (1 - labelled / samples), 1) == 27.4
    assert len(set().union(*users.values())) == 30 == sum(map(len, users.values()))
    assert (len(users["training"] | users["validation"]), len(users["validation"]), len(users["test"])) == (21, 5, 9)
    for one in recordings.values():
        ordered = sorted(one.segments, key=lambda segment: segment.start)
        assert all(a.end <= b.start for a, b in pairwise(ordered))
    assert (dataset.fps, dataset.feature_dim) == (6.25, 84)
    assert sum(map(dataset.frames, recordings)) == sum(one.extra["samples"] // 8 for one in recordings.values())
    assert round(np.median([dataset.frame_labels(n).size for n in recordings])) > 1000


SUBSETS = ("training", "validation", "test")


def test_folder_zip_and_wrapped_zip_give_the_same_data_set(raw, zipped, tmp_path: Path) -> None:
    root = raw.hapt()
    plain = import_hapt(root, tmp_path / "a")
    wrapped = import_hapt(zipped(root, wrap="HAPT Data Set"), tmp_path / "b")
    assert plain.content_hash == wrapped.content_hash
    assert plain.labels == ("background", "WALKING", "SITTING")
    assert plain.recordings("training") == ("exp01_user01", "exp02_user02")
    assert plain.recordings("validation") == ("exp03_user03",)
    assert plain.recordings("test") == ("exp04_user04",)
    assert plain.annotations.recordings["exp04_user04"].extra == {"samples": 400}


def test_samples_are_counted_from_one_and_the_last_is_included(raw, tmp_path: Path) -> None:
    dataset = import_hapt(raw.hapt(), tmp_path / "a")
    first, second = dataset.annotations.recordings["exp01_user01"].segments
    assert (first.label, first.start, first.end) == ("WALKING", 0.0, 2.0)
    assert (second.start, second.end) == (4.0, 8.0)
    # Sample 101 begins frame 12.5: frame 12 (samples 97 to 104) has its centre at sample 101 and is background.
    np.testing.assert_array_equal(dataset.frame_labels("exp01_user01"), [1] * 12 + [0] * 13 + [2] * 25)


def test_features_do_not_know_the_future(raw, tmp_path: Path) -> None:
    root = raw.hapt()
    before = import_hapt(root, tmp_path / "a").features("exp01_user01").copy()
    for sensor in ("acc", "gyro"):
        path = root / f"RawData/{sensor}_exp01_user01.txt"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:240] + ["9.0 -9.0 9.0\n"] * 160))
    after = import_hapt(root, tmp_path / "b").features("exp01_user01")
    np.testing.assert_array_equal(after[:30], before[:30])
    assert (after[30:] != before[30:]).any(axis=1).all()


def _cut(path: Path, lines: int) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))


def _cut_both(root: Path) -> None:
    for sensor in ("acc", "gyro"):
        _cut(root / f"RawData/{sensor}_exp02_user02.txt", 399)


def _cut_in_line(root: Path) -> None:
    path = root / "RawData/acc_exp02_user02.txt"
    path.write_text(path.read_text()[:-12])


def _replace(name: str, old: str, new: str):
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "RawData/gyro_exp02_user02.txt").unlink(), r"gyro_exp02_user02\.txt: missing"),
        (lambda root: (root / "RawData/acc_exp02_user02.txt").unlink(), r"acc_exp02_user02\.txt is missing"),
        (lambda root: _cut(root / "RawData/acc_exp02_user02.txt", 300), "300 samples, its gyroscope file 400"),
        (lambda root: (root / "RawData/acc_exp02_user02.txt").write_text(""), "cut short"),
        (_cut_in_line, r"acc_exp02_user02\.txt"),
        (_cut_both, "labels samples 201 to 400 of experiment 2, whose signal has samples 1 to 399"),
        (_replace("RawData/labels.txt", "2 2 1 1 100", "2 2 1 0 100"), "line 3 labels samples 0 to 100"),
        (_replace("RawData/labels.txt", "2 2 1 1 100", "2 2 1 90 80"), "line 3 labels samples 90 to 80"),
        (_replace("RawData/labels.txt", "2 2 1 1 100", "2 2 7 1 100"), "line 3 has activity 7"),
        (_replace("RawData/labels.txt", "2 2 1 1 100", "2 2 1"), "line 3 is '2 2 1'; expected 5"),
        (_replace("activity_labels.txt", "2 SITTING", "SITTING"), "line 2"),
        (_replace("Test/subject_id_test.txt", "4\n4", "3\n4"), "user 3 is in the training and in the test part"),
        (_replace("Test/subject_id_test.txt", "4\n4\n", "5\n"), "user 4 is in neither"),
        (lambda root: (root / "Test/subject_id_test.txt").unlink(), r"subject_id_test\.txt: missing"),
        (lambda root: (root / "RawData/acc_exp02_user02.txt").write_text("nan 1 2\n" * 400), "line 1 holds NaN"),
    ],
)
def test_damaged_raw_data_is_refused(raw, absent: Path, damage, message: str) -> None:
    root = raw.hapt()
    damage(root)
    with pytest.raises(InputError, match=message):
        import_hapt(root, absent)


def test_destination_that_exists_is_left_alone(raw, tmp_path: Path) -> None:
    destination = tmp_path / "mine"
    destination.mkdir()
    (destination / "precious").write_text("x")
    with pytest.raises(InputError, match="exists already"):
        import_hapt(raw.hapt(), destination)
    assert [file.name for file in destination.iterdir()] == ["precious"]


def test_import_is_deterministic(raw, tmp_path: Path) -> None:
    root = raw.hapt()
    hashes = set()
    for name in ("a", "b"):
        import_hapt(root, tmp_path / name)
        files = sorted(file for file in (tmp_path / name).rglob("*") if file.is_file())
        hashes.add(tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files))
    assert len(hashes) == 1
