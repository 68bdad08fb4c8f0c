"""Small raw data sets in the form of the real ones."""

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import scipy.io


class RawData:
    """Writes tiny raw data sets below a folder; every method returns the set's own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hapt(self, samples: int = 400) -> Path:
        """Four experiments of users 1 to 4 (1, 2, 3 training, 4 test), two segments each."""
        root = self.folder / "hapt"
        generator = np.random.default_rng(0)
        labels = []
        for experiment in range(1, 5):
            for sensor in ("acc", "gyro"):
                signal = generator.standard_normal((samples, 3))
                write_signal(root / f"RawData/{sensor}_exp{experiment:02d}_user{experiment:02d}.txt", signal)
            labels += [f"{experiment} {experiment} 1 1 100", f"{experiment} {experiment} 2 201 {samples}"]
        write(root / "RawData/labels.txt", "\n".join(labels) + "\n")
        write(root / "activity_labels.txt", "1 WALKING  \n2 SITTING\n")
        write(root / "Train/subject_id_train.txt", "1\n1\n2\n3\n")
        write(root / "Test/subject_id_test.txt", "4\n4\n")
        return root

    def tug(self) -> Path:
        """One execution each of s01 (training), s02 (validation), s03 (test), both devices, 6 s at about 100 Hz."""
        root = self.folder / "tug"
        generator = np.random.default_rng(1)
        names = np.array(["SEATED", "STANDING_UP", "WALKING", "TURNING", "SITTING_DOWN", "SEATED"])
        for subject in ("s01", "s02", "s03"):
            for device in ("sp", "sw"):
                times = 10 * np.arange(601) + 1_657_544_371_567
                columns = ["x_acc", "y_acc", "z_acc", "x_gyro", "y_gyro", "z_gyro"]
                table = pd.DataFrame(generator.standard_normal((601, 6)), columns=columns)
                table["timestamp"], table["label"] = times, names[np.minimum(np.arange(601) // 100, 5)]
                path = root / f"DATA/{subject}/{subject}_01_{device}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                table.to_csv(path, index=False)
        write(root / "DATA/subjects_info.csv", "subject_id,age,executions\ns01,1,1\ns02,1,1\ns03,1,1\n")
        return root

    def gtea(self) -> Path:
        """Fold 1 of four subjects with one recording of 30 frames each."""
        root = self.folder / "gtea"
        generator = np.random.default_rng(2)
        names = [f"S{subject}_Tea_C1" for subject in range(1, 5)]
        for name in names:
            labels = np.repeat([0, 3, 3, 10, 0, 4], 5)[:, None]
            path = root / f"features/GTEA/SpatialCNN/Split_1/{name}.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            scipy.io.savemat(path, {"A": generator.standard_normal((30, 8)).astype(np.float32), "Y": labels})
        write(root / "splits/GTEA/Split_1/train.txt", "\n".join(names[1:]) + "\n")
        write(root / "splits/GTEA/Split_1/test.txt", names[0])
        return root

    def directory(self, dtype: str = "float32", subsets: tuple[str, ...] = ("training", "validation", "test")) -> Path:
        """Recordings r0, r1 ... of 10 s at 4 fps with 3 features, in `subsets` in turn."""
        root = self.folder / "mine"
        (root / "features").mkdir(parents=True)
        database = {}
        for number, subset in enumerate(subsets):
            name = f"r{number}"
            annotations = [{"segment": [1.0, 4.0], "label": "jump"}, {"segment": [5.0, 9.5], "label": "run"}]
            database[name] = {"duration": 10.0, "subset": subset, "annotations": annotations, "camera": number}
            np.save(root / f"features/{name}.npy", np.full((40, 3), number, dtype))
        write(root / "annotations.json", json.dumps({"version": "mine 1", "taxonomy": [], "database": database}))
        return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_signal(path: Path, signal: np.ndarray) -> None:
    write(path, "".join(" ".join(f"{value:.6f}" for value in row) + " \n" for row in signal))


@pytest.fixture
def raw(tmp_path: Path) -> RawData:
    return RawData(tmp_path / "raw")


@pytest.fixture
def zipped(tmp_path: Path):
    """Zip a folder, under one wrapping folder if `wrap` is given."""

    def make(folder: Path, wrap: str = "") -> Path:
        path = tmp_path / f"{folder.name}.zip"
        with ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, Path(wrap) / file.relative_to(folder))
        return path

    return make


@pytest.fixture
def absent(tmp_path: Path):
    """Check, after a failed import, that nothing stands at the destination or beside it."""
    destination = tmp_path / "out" / "prepared"
    yield destination
    assert not destination.parent.exists() or not any(destination.parent.iterdir())
