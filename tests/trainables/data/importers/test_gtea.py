"""The GTEA importer."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.fold_sets import fold_sets
from crescendo.trainables.data.frames import BACKGROUND_INDEX
from crescendo.trainables.data.importers.gtea import import_gtea
from crescendo.trainables.errors import InputError


@pytest.mark.parametrize("fold", [1, 3])
def test_real_counts_and_features_as_stored(real_data: Path, tmp_path: Path, fold: int) -> None:
    dataset = import_gtea(real_data / "gtea.zip", tmp_path / "gtea", fold=fold)
    recordings = dataset.annotations.recordings
    labels = np.concatenate([dataset.frame_labels(name) for name in recordings])
    assert (len(recordings), len(labels), len(dataset.labels) - 1) == (28, 29_822, 10)
    assert sum(len(one.segments) for one in recordings.values()) == 526
    assert round(100 * (labels == BACKGROUND_INDEX).mean(), 1) == 18.6
    subjects = {
        subset: {recordings[name].group for name in dataset.recordings(subset)}
        for subset in ("training", "validation", "test")
    }
    assert subjects["test"] == {f"S{fold}"}
    assert len(subjects["validation"]) == 1
    assert len(subjects["training"]) == 2
    assert len(set().union(*subjects.values())) == 4
    with zipfile.ZipFile(real_data / "gtea.zip") as archive:
        stored = scipy.io.loadmat(io.BytesIO(archive.read(f"features/GTEA/SpatialCNN/Split_{fold}/S2_Tea_C1.mat")))
    np.testing.assert_array_equal(dataset.features("S2_Tea_C1"), stored["A"])
    np.testing.assert_array_equal(dataset.frame_labels("S2_Tea_C1"), stored["Y"][:, 0])


def test_labels_of_frames_come_back_from_segments(raw, zipped, tmp_path: Path) -> None:
    dataset = import_gtea(zipped(raw.gtea(), wrap="gtea-master"), tmp_path / "g")
    np.testing.assert_array_equal(dataset.frame_labels("S1_Tea_C1"), np.repeat([0, 3, 3, 10, 0, 4], 5))
    assert dataset.recordings("test") == ("S1_Tea_C1",)
    assert dataset.recordings("validation") == ("S2_Tea_C1",)
    assert dataset.recordings("training") == ("S3_Tea_C1", "S4_Tea_C1")
    assert any("flatter" in note for note in dataset.metadata.notes)


def _mat(**matrices: np.ndarray):
    def damage(root: Path) -> None:
        scipy.io.savemat(root / "features/GTEA/SpatialCNN/Split_1/S3_Tea_C1.mat", matrices)

    return damage


def _cut(root: Path) -> None:
    path = root / "features/GTEA/SpatialCNN/Split_1/S3_Tea_C1.mat"
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "features/GTEA/SpatialCNN/Split_1/S3_Tea_C1.mat").unlink(), r"S3_Tea_C1\.mat: missing"),
        (_cut, r"S3_Tea_C1\.mat: (not a complete MATLAB file|lacks)"),
        (_mat(A=np.zeros((30, 8), "f4")), "lacks the matrix 'Y'"),
        (_mat(A=np.zeros((30, 8), "f4"), Y=np.zeros((29, 1), int)), "expected one label for each row"),
        (_mat(A=np.zeros((30, 8), "f4"), Y=np.full((30, 1), 11)), "whole numbers from 0 to 10"),
        (_mat(A=np.zeros((30, 9), "f4"), Y=np.zeros((30, 1), int)), r"shape \(30, 9\), expected \(30, 8\)"),
        (_mat(A=np.full((30, 8), np.nan, "f4"), Y=np.zeros((30, 1), int)), "frame 0 holds NaN"),
        (
            lambda root: (root / "splits/GTEA/Split_1/test.txt").write_text("S2_Tea_C1"),
            "must name recordings of different subjects",
        ),
    ],
)
def test_damaged_raw_data_is_refused(raw, absent: Path, damage, message: str) -> None:
    root = raw.gtea()
    damage(root)
    with pytest.raises(InputError, match=message):
        import_gtea(root, absent)


def test_fold_must_exist(raw, absent: Path) -> None:
    with pytest.raises(InputError, match="fold must be one of 1, 2, 3, 4, all but got 5"):
        import_gtea(raw.gtea(), absent, fold=5)


def test_all_folds_are_data_sets_in_a_folder(real_data: Path, tmp_path: Path) -> None:
    made = import_gtea(real_data / "gtea.zip", tmp_path / "gtea", fold="all")
    folders = fold_sets(tmp_path / "gtea")
    assert list(folders) == ["1", "2", "3", "4"]
    assert [dataset.path for dataset in made] == list(folders.values())
    assert made[2].content_hash == import_gtea(real_data / "gtea.zip", tmp_path / "third", fold="3").content_hash
    tested = [name for folder in folders.values() for name in Dataset(folder).recordings("test")]
    assert len(set(tested)) == len(tested) == 28


def test_of_folds_that_cannot_all_be_made_nothing_stays(raw, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Split_2"):
        import_gtea(raw.gtea(), tmp_path / "g", fold="all")
    assert not (tmp_path / "g").exists()
