"""The ActivityNet importer."""

import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from crescendo.trainables.data.importers.activitynet import import_activitynet
from crescendo.trainables.errors import InputError


def official(folder: Path, gz: bool = False) -> Path:
    """Twelve videos of 5 s: t0 ... t9 training, v validation, x testing."""
    subsets = {**{f"t{n}": "training" for n in range(10)}, "v": "validation", "x": "testing"}
    database = {
        name: {
            "duration": 5.0,
            "subset": subset,
            "annotations": [] if subset == "testing" else [{"segment": [0.5, 4.0], "label": "Ballet"}],
            "url": f"https://{name}",
        }
        for name, subset in subsets.items()
    }
    folder.mkdir(parents=True)
    data = json.dumps({"version": "VERSION 1.3", "taxonomy": [], "database": database}).encode()
    path = folder / ("activity_net.v1-3.json.gz" if gz else "activity_net.v1-3.min.json")
    path.write_bytes(gzip.compress(data) if gz else data)
    return path


def matrix(name: str) -> np.ndarray:
    return np.full((30, 4), sum(name.encode()), np.float16)


NAMES = [*(f"t{n}" for n in range(10)), "v"]


def test_real_annotations(real_data: Path, tmp_path: Path) -> None:
    dataset = import_activitynet(real_data / "activitynet", tmp_path / "a", annotations_only=True)
    recordings = dataset.annotations.recordings
    counts = {subset: len(dataset.recordings(subset)) for subset in ("training", "validation", "test")}
    segments = {subset: sum(len(r.segments) for r in recordings.values() if r.subset == subset) for subset in counts}
    assert counts["test"] == 4728
    assert counts["validation"] == round((counts["training"] + counts["validation"]) / 5)
    assert (segments["training"] + segments["validation"], segments["test"]) == (14_859, 7_293)
    assert len(dataset.labels) - 1 == 200
    assert {r.extra["official_subset"] for r in recordings.values() if r.subset == "test"} == {"validation"}
    assert {r.extra["official_subset"] for r in recordings.values() if r.subset != "test"} == {"training"}
    assert len(recordings) + 4_851 == 19_228
    assert any("4,851 official testing videos" in note for note in dataset.metadata.notes)


@pytest.mark.parametrize("gz", [False, True])
def test_paper_split(tmp_path: Path, gz: bool) -> None:
    source = official(tmp_path / "s", gz)
    dataset = import_activitynet(source, tmp_path / "a", annotations_only=True)
    assert dataset.recordings("test") == ("v",)
    assert len(dataset.recordings("validation")) == 2
    assert len(dataset.recordings("training")) == 8
    assert "x" not in dataset.annotations.recordings
    assert dataset.annotations.recordings["v"].extra == {"url": "https://v", "official_subset": "validation"}


def _npy(folder: Path) -> None:
    for name in NAMES:
        np.save(folder / f"v_{name}.npy" if name == "v" else folder / f"{name}.npy", matrix(name))


def _hdf5(layout: str):
    def write(folder: Path) -> None:
        with h5py.File(folder / "features.hdf5", "w") as file:
            for name in NAMES:
                file[layout.format(name)] = matrix(name)

    return write


@pytest.mark.parametrize("store", [_npy, _hdf5("{}"), _hdf5("v_{}"), _hdf5("v_{}/c3d_features"), _hdf5("{}/x")])
def test_features_in_every_layout(tmp_path: Path, store) -> None:
    source = official(tmp_path / "s").parent
    store(source)
    dataset = import_activitynet(source, tmp_path / "a")
    assert (dataset.fps, dataset.feature_dim) == (6.0, 4)
    for name in NAMES:
        assert dataset.features(name).dtype == np.float16
        np.testing.assert_array_equal(dataset.features(name), matrix(name))


def test_features_elsewhere(tmp_path: Path, zipped) -> None:
    source = official(tmp_path / "s")
    (tmp_path / "f").mkdir()
    _npy(tmp_path / "f")
    _hdf5("{}")(tmp_path)
    hashes = {
        import_activitynet(source, tmp_path / name, features=features).content_hash
        for name, features in [
            ("a", tmp_path / "f"),
            ("b", zipped(tmp_path / "f", wrap="w")),
            ("c", tmp_path / "features.hdf5"),
        ]
    }
    assert len(hashes) == 1


def test_missing_features_are_refused_or_skipped(tmp_path: Path, absent: Path) -> None:
    source = official(tmp_path / "s").parent
    _npy(source)
    (source / "t3.npy").unlink()
    with pytest.raises(InputError, match=r"recording 't3' has no features \(1 of 11 lack them\)"):
        import_activitynet(source, absent)
    dataset = import_activitynet(source, tmp_path / "a", skip_missing=True)
    assert "t3" not in dataset.annotations.recordings
    assert "1 video has no features and is left out: t3" in dataset.metadata.notes


@pytest.mark.parametrize("given", [{"time_axis": "auto"}, {"time_axis": "1"}])
def test_features_are_named_and_turned_as_of_own_data(tmp_path: Path, absent: Path, given: dict) -> None:
    source = official(tmp_path / "s").parent
    for name in NAMES:
        np.savez(source / f"{name}.npz", rgb=matrix(name).T, flow=matrix(name).T + 1)
    with pytest.raises(InputError, match=r"must hold one matrix but holds 2: rgb, flow; name it with --feature-key"):
        import_activitynet(source, absent)
    with pytest.raises(InputError, match="--time-axis must be one of auto, 0, 1"):
        import_activitynet(source, absent, time_axis="2")
    with pytest.raises(InputError, match="or the axes of all with --time-axis"):
        import_activitynet(source, absent, feature_key="flow")
    dataset = import_activitynet(source, tmp_path / "a", feature_key="flow", **given)
    np.testing.assert_array_equal(dataset.features("t3"), matrix("t3") + 1)
    assert "the array 'rgb' is no feature and was left out (11 files)" in dataset.metadata.notes


def test_lengths_within_the_tolerance_are_counted(tmp_path: Path) -> None:
    source = official(tmp_path / "s").parent
    _npy(source)
    for name, frames in (("t1", 27), ("t2", 31), ("t5", 29)):
        np.save(source / f"{name}.npy", np.ones((frames, 4), np.float16))
    notes = import_activitynet(source, tmp_path / "a").metadata.notes
    [said] = [note for note in notes if "frames of features" in note]
    assert said.startswith(
        "3 of 11 recordings have more (1) or fewer (2) frames of features than their duration says, by 3 at most ('t1')"
    )


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda s: None, "no features"),
        (lambda s: (s / "features.h5").write_bytes(b"no"), "not a complete HDF5 file"),
        (lambda s: (s / "activity_net.v1-2.json").write_text("{}"), "holds 2 annotation files"),
        (lambda s: (s / "activity_net.v1-3.min.json").unlink(), "lacks 'activity_net"),
        (lambda s: (s / "activity_net.v1-3.min.json").write_text('{"database": {}}'), "no training or validation"),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, absent: Path, prepare, message: str) -> None:
    source = official(tmp_path / "s").parent
    prepare(source)
    with pytest.raises(InputError, match=message):
        import_activitynet(source, absent)


def test_hdf5_faults(tmp_path: Path, absent: Path) -> None:
    source = official(tmp_path / "s")
    path = tmp_path / "f.hdf5"
    _hdf5("{}")(tmp_path)
    (tmp_path / "features.hdf5").rename(path)
    with h5py.File(path, "a") as file:
        del file["t4"]
        file["t4/one"], file["t4/two"] = matrix("t4"), matrix("t4")
    with pytest.raises(InputError, match=r"f\.hdf5: t4: must hold one dataset but holds 2"):
        import_activitynet(source, absent, features=path)
    with pytest.raises(InputError, match="pass --features"):
        import_activitynet(source, absent)
    _hdf5("{}")(tmp_path)
    with pytest.raises(InputError, match=r"has 30 frames of \d features, but 5 s at 1 fps"):
        import_activitynet(source, absent, features=tmp_path / "features.hdf5", fps=1.0)


def test_other_subsets_are_refused(tmp_path: Path, absent: Path) -> None:
    source = official(tmp_path / "s")
    source.write_text(source.read_text().replace('"testing"', '"holdout"'))
    with pytest.raises(InputError, match="has the subset 'holdout'"):
        import_activitynet(source, absent, annotations_only=True)
