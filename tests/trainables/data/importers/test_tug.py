"""The timed-up-and-go importer."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.importers.tug import RATE, TEST_SUBJECTS, VALIDATION_SUBJECTS, import_tug, resample
from crescendo.trainables.errors import InputError


@pytest.mark.parametrize("device", ["sp", "sw"])
def test_real_counts_and_no_subject_on_two_sides(real_data: Path, tmp_path: Path, device: str) -> None:
    dataset = import_tug(real_data / "tug.zip", tmp_path / "tug", device=device)
    recordings = dataset.annotations.recordings
    assert len(recordings) == 223
    assert dataset.labels == ("background", "STANDING_UP", "WALKING", "TURNING", "SITTING_DOWN")
    subjects = {
        subset: {recordings[name].group for name in dataset.recordings(subset)}
        for subset in ("training", "validation", "test")
    }
    assert {subset: len(one) for subset, one in subjects.items()} == {"training": 13, "validation": 4, "test": 6}
    assert len(set().union(*subjects.values())) == 23
    for one in recordings.values():
        assert {"STANDING_UP", "SITTING_DOWN"} <= {segment.label for segment in one.segments}
        assert all(0 <= segment.start < segment.end <= one.duration for segment in one.segments)


def test_subject_lists_do_not_meet() -> None:
    assert not TEST_SUBJECTS & VALIDATION_SUBJECTS


def test_device_is_chosen_and_seated_is_background(raw, tmp_path: Path) -> None:
    root = raw.tug()
    phone, watch = import_tug(root, tmp_path / "p"), import_tug(root, tmp_path / "w", device="sw")
    assert phone.recordings("training") == ("s01_01_sp",)
    assert (phone.recordings("validation"), phone.recordings("test")) == (("s02_01_sp",), ("s03_01_sp",))
    assert watch.recordings("training") == ("s01_01_sw",)
    one = phone.annotations.recordings["s01_01_sp"]
    assert [segment.label for segment in one.segments] == ["STANDING_UP", "WALKING", "TURNING", "SITTING_DOWN"]
    assert [(segment.start, segment.end) for segment in one.segments] == [(1, 2), (2, 3), (3, 4), (4, 5)]
    assert one.duration == pytest.approx(6.01)
    np.testing.assert_array_equal(phone.frame_labels("s01_01_sp"), np.repeat([0, 1, 2, 3, 4, 0], 10))
    with pytest.raises(InputError, match="device must be one of sp, sw but got 'phone'"):
        import_tug(root, tmp_path / "x", device="phone")


def test_features_do_not_know_the_future(raw, tmp_path: Path) -> None:
    root = raw.tug()
    before = import_tug(root, tmp_path / "a").features("s01_01_sp").copy()
    path = root / "DATA/s01/s01_01_sp.csv"
    table = pd.read_csv(path)
    later = table["timestamp"] >= table["timestamp"][0] + 3000
    table.loc[later, ["x_acc", "y_acc", "z_acc", "x_gyro", "y_gyro", "z_gyro"]] = 50.0
    # Later stamps move too: how the future is sampled must not matter either.
    table.loc[later, "timestamp"] += 4
    table.to_csv(path, index=False)
    after = import_tug(root, tmp_path / "b").features("s01_01_sp")
    np.testing.assert_array_equal(after[:30], before[:30])
    assert (after[30] != before[30]).any()


@given(
    gaps=st.lists(st.integers(0, 90), min_size=1, max_size=60),
    cells=st.integers(1, 200),
)
def test_resampling_agrees_with_literal_reference(gaps: list[int], cells: int) -> None:
    stamps = np.r_[0, np.cumsum(gaps)]
    signal = np.arange(1.0, len(stamps) + 1)[:, None] ** 2
    expected, last = [], 0.0
    for cell in range(cells):
        inside = [signal[i, 0] for i, stamp in enumerate(stamps) if 20 * cell <= stamp < 20 * (cell + 1)]
        last = sum(inside) / len(inside) if inside else last
        expected.append(last)
    assert RATE == 50
    np.testing.assert_allclose(resample(stamps / 1000, signal, cells)[:, 0], expected, rtol=1e-12)


def _edit(change):
    def damage(root: Path) -> None:
        path = root / "DATA/s02/s02_01_sp.csv"
        path.write_text(change(path.read_text()))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "DATA/s02/s02_01_sp.csv").unlink(), "subject s02 has 0 files of device sp"),
        (_edit(lambda text: text[:-20]), r"s02_01_sp\.csv: .*cut short"),
        (_edit(lambda text: "".join(text.splitlines(keepends=True)[:50])), r"s02_01_sp\.csv: time stamps must rise"),
        (_edit(lambda text: text.replace("label\n", "name\n", 1)), r"lacks the column 'label'"),
        (_edit(lambda text: text.replace("WALKING", "FLYING", 1)), "unknown label 'FLYING'"),
        (_edit(lambda text: text.replace("1657544372", "1557544372", 1)), "time stamps must rise"),
        (_edit(lambda text: ""), "not a CSV table"),
        (_edit(lambda text: text.splitlines(keepends=True)[0]), "empty"),
    ],
)
def test_damaged_raw_data_is_refused(raw, absent: Path, damage, message: str) -> None:
    root = raw.tug()
    damage(root)
    with pytest.raises(InputError, match=message):
        import_tug(root, absent)


def test_a_data_set_without_the_device_is_refused(raw, absent: Path) -> None:
    root = raw.tug()
    for path in root.rglob("*_sw.csv"):
        path.unlink()
    with pytest.raises(InputError, match=r"holds no DATA/sXX/sXX_YY_sw\.csv"):
        import_tug(root, absent, device="sw")
