"""Anyone's data."""

import gzip
import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from frame_sets import FEATURES

from crescendo.trainables.data.importers.directory import import_directory
from crescendo.trainables.errors import InputError


@pytest.mark.parametrize(("given", "stored"), [("float16", "float16"), ("float32", "float32"), ("float64", "float32")])
def test_folder_and_zip(raw, zipped, tmp_path: Path, given: str, stored: str) -> None:
    root = raw.directory(given)
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    assert import_directory(zipped(root, wrap="x"), tmp_path / "b", fps=4.0).content_hash == dataset.content_hash
    assert (dataset.fps, dataset.labels, dataset.feature_dim) == (4.0, ("background", "jump", "run"), 3)
    assert [dataset.recordings(subset) for subset in ("training", "validation", "test")] == [("r0",), ("r1",), ("r2",)]
    assert dataset.features("r2").dtype == np.dtype(stored)
    np.testing.assert_array_equal(dataset.features("r2"), np.full((40, 3), 2))
    assert dataset.annotations.recordings["r2"].extra == {"camera": 2}


def test_npz_and_synonyms(raw, tmp_path: Path) -> None:
    root = raw.directory(subsets=("train", "val", "testing"))
    np.savez(root / "features/r0.npz", anything=np.ones((40, 3), np.float32))
    (root / "features/r0.npy").unlink()
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    assert dataset.features("r0").sum() == 120
    assert dataset.annotations.subsets() == ("test", "training", "validation")


def test_labels_are_renamed_and_dropped(raw, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("jump: leap\nrun:\n")
    dataset = import_directory(raw.directory(), tmp_path / "a", fps=4.0, labels=tmp_path / "map.yaml")
    assert dataset.labels == ("background", "leap")
    found = [[(one.label, one.start) for one in each.segments] for each in dataset.annotations.recordings.values()]
    assert found == [[("leap", 1.0)]] * 3
    assert dataset.metadata.notes == ("labels renamed: 'jump' to 'leap'", "labels dropped: 'run' (3 segments)")


@pytest.mark.parametrize("kind", sorted(FEATURES))
def test_every_format_of_features_is_read(raw, tmp_path: Path, kind: str) -> None:
    root = raw.directory()
    matrices = {name: np.load(root / f"features/{name}.npy") for name in ("r0", "r1", "r2")}
    plain = import_directory(root, tmp_path / "plain", fps=4.0)
    for name, matrix in matrices.items():
        (root / f"features/{name}.npy").unlink()
        FEATURES[kind](root / "features", name, matrix)
    assert import_directory(root, tmp_path / "a", fps=4.0).features_hash == plain.features_hash


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("names", [["x y", "y,z", "z"], None])
def test_tables_may_have_decimal_commas(raw, tmp_path: Path, separator: str, names: list | None) -> None:
    root = raw.directory()
    for number in range(3):
        (root / f"features/r{number}.npy").unlink()
        matrix = np.arange(120).reshape(40, 3) / 4 - number
        rows = [*([names] if names else []), *[[f"{value:g}".replace(".", ",") for value in row] for row in matrix]]
        text = "\ufeff" + "".join(f"{separator.join(row)}\r\n" for row in rows)
        (root / f"features/r{number}.CSV").write_bytes(text.encode())
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    np.testing.assert_array_equal(dataset.features("r1"), np.arange(120).reshape(40, 3) / 4 - 1)


def test_features_that_lie_on_their_side_are_found(raw, tmp_path: Path) -> None:
    root = raw.directory()
    plain = import_directory(root, tmp_path / "plain", fps=4.0)
    for name in ("r0", "r1", "r2"):
        np.save(root / f"features/{name}.npy", np.load(root / f"features/{name}.npy").T)
    turned = import_directory(root, tmp_path / "a", fps=4.0)
    assert turned.features_hash == plain.features_hash
    assert turned.metadata.notes == ("features are stored as (features, frames): axis 1 is time, found by the lengths",)
    with pytest.raises(
        InputError, match=r"has 3 frames of 40 features, but 10 s at 4 fps are 40.*axes seem to be exchanged"
    ):
        import_directory(root, tmp_path / "b", fps=4.0, time_axis="0")


def test_which_of_several_files_and_arrays_are_features_is_said(raw, tmp_path: Path) -> None:
    root = raw.directory()
    plain = import_directory(root, tmp_path / "plain", fps=4.0)
    for name in ("r0", "r1", "r2"):
        matrix = np.load(root / f"features/{name}.npy")
        scipy.io.savemat(root / f"{name}.mat", {"fc6": matrix, "flow": matrix + 1, "about": "nothing"})
    with pytest.raises(InputError, match=r"stand for the same recording; say which .*--features-from"):
        import_directory(root, tmp_path / "a", fps=4.0)
    assert (
        import_directory(root, tmp_path / "a", fps=4.0, features_from="features").features_hash == plain.features_hash
    )
    with pytest.raises(
        InputError, match=r"r0\.mat: must hold one matrix but holds 3: fc6, flow, about; name it with --feature-key"
    ):
        import_directory(root, tmp_path / "b", fps=4.0, features_from="*.mat")
    chosen = import_directory(root, tmp_path / "b", fps=4.0, features_from="*.mat", feature_key="fc6")
    assert chosen.features_hash == plain.features_hash
    assert chosen.metadata.notes == tuple(
        f"the array {name!r} is no feature and was left out (3 files)" for name in ("flow", "about")
    )


@pytest.mark.parametrize(("stored", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_with_accents_large_suffixes_and_linked_folders(raw, tmp_path: Path, stored: str, written: str) -> None:
    root = raw.directory()
    (root / "features/r0.npy").rename(root / f"features/{unicodedata.normalize(stored, 'é')}.NPY")
    (root / "features").rename(tmp_path / "elsewhere")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    content = json.loads((root / "annotations.json").read_text())
    content["database"][unicodedata.normalize(written, "é")] = content["database"].pop("r0")
    (root / "gt[1].json").write_text(json.dumps(content))
    (root / "annotations.json").rename(root / "gt1.json")
    dataset = import_directory(root, tmp_path / "a", fps=4.0, annotations="gt[1].json")
    assert dataset.recordings("training") == (unicodedata.normalize(written, "é"),)


def test_a_name_of_annotations_is_a_pattern_only_where_no_file_is_called_so(raw, tmp_path: Path) -> None:
    root = raw.directory()
    plain = import_directory(root, tmp_path / "plain", fps=4.0)
    for number, name in enumerate(("annotations[.]json", "*.json")):
        made = import_directory(root, tmp_path / f"{number}", fps=4.0, annotations=name)
        assert made.content_hash == plain.content_hash
    (root / "annotations[.]json").write_text("{}")
    with pytest.raises(InputError, match=re.escape("annotations[.]json: is JSON, an object with nothing")):
        import_directory(root, tmp_path / "a", fps=4.0, annotations="annotations[.]json")
    with pytest.raises(InputError, match=re.escape("lacks '*.jsn'; expected a data set with *.jsn")):
        import_directory(root, tmp_path / "a", fps=4.0, annotations="*.jsn")


def test_validation_is_taken_from_training_where_there_is_none(raw, tmp_path: Path) -> None:
    dataset = import_directory(raw.directory(subsets=("training",) * 10 + ("test",)), tmp_path / "a", fps=4.0)
    assert dataset.recordings("validation") == ("r5", "r6")
    assert len(dataset.recordings("training")) == 8
    assert dataset.metadata.notes == ("no validation subset: 2 of 10 training recordings became one",)


def test_validation_is_taken_in_whole_groups(raw, tmp_path: Path) -> None:
    root = raw.directory(subsets=("training",) * 10 + ("test",))
    content = json.loads((root / "annotations.json").read_text())
    for number, one in enumerate(content["database"].values()):
        one["group"] = f"person {number % 4}"
    (root / "annotations.json").write_text(json.dumps({**content, "groups_are": "people"}))
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    groups = dataset.annotations.groups()
    held, trained = ({groups.of[name] for name in dataset.recordings(part)} for part in ("validation", "training"))
    assert len(held) == 1
    assert not held & trained
    assert groups.are == "people"
    assert dataset.metadata.notes[1] == (
        "1 of 4 people has recordings in several subsets (person 2 in test, "
        f"{'validation' if held == {'person 2'} else 'training'}): results do not tell how it would go with others"
    )


def test_annotations_are_found_packed(raw, tmp_path: Path) -> None:
    root = raw.directory()
    plain = import_directory(root, tmp_path / "plain", fps=4.0)
    (root / "annotations.json.gz").write_bytes(gzip.compress((root / "annotations.json").read_bytes()))
    (root / "annotations.json").unlink()
    assert import_directory(root, tmp_path / "a", fps=4.0).content_hash == plain.content_hash


def test_features_of_several_types_are_stored_as_one(raw, tmp_path: Path) -> None:
    root = raw.directory()
    plain = import_directory(root, tmp_path / "plain", fps=4.0)
    for name, kind in {"r0": "float16", "r1": "int16", "r2": "uint8"}.items():
        np.save(root / f"features/{name}.npy", np.load(root / f"features/{name}.npy").astype(kind))
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    assert dataset.features_hash == plain.features_hash
    assert dataset.metadata.notes == ("features of type float16 and int16 and uint8 are stored as float32",)


def test_what_is_left_out_or_read_otherwise_is_said(raw, tmp_path: Path) -> None:
    root = raw.directory()
    np.save(root / "features/more.npy", ones)
    content = json.loads((root / "annotations.json").read_text())
    content["database"]["r0"]["annotations"] += [{"segment": [3, 20], "label": " run "}]
    (root / "annotations.json").write_text(json.dumps(content))
    dataset = import_directory(root, tmp_path / "a", fps=4.0, clip=True)
    assert dataset.labels == ("background", "jump", "run")
    assert dataset.metadata.notes == (
        "segments that were cut to their recording: 1: r0 [3, 20]  run ",
        "1 label had blanks at the ends, which were dropped: ' run ' (1 segment)",
        "features that belong to no annotated recording are left out: 1: features/more.npy",
    )


def test_a_recording_without_features_is_told_what_lies_there_in_their_place(raw, absent: Path) -> None:
    root = raw.directory()
    (root / "features/r1.npy").rename(root / "features/r1_rgb.npy")
    with pytest.raises(InputError, match=r"looked for a file r1 or v_r1 \(.*\); left over are features/r1_rgb\.npy"):
        import_directory(root, absent, fps=4.0)


def test_a_file_of_another_kind_that_is_called_like_a_recording_is_named(raw, absent: Path) -> None:
    root = raw.directory()
    (root / "features/r2.npy").rename(root / "features/v_r2.pkl")
    with pytest.raises(
        InputError, match=r"'r2' has no features .*\.hdf5\), which features/v_r2\.pkl is not; no such file"
    ):
        import_directory(root, absent, fps=4.0)


def test_annotations_that_are_not_read_are_called_so(raw, tmp_path: Path) -> None:
    root = raw.directory()
    (root / "annotations.csv").write_text("recording,start,end,label\nr0,1,2,jump\n")
    (root / "old").mkdir()
    (root / "old/r0.TextGrid").write_text("File type")
    (root / "old/r1.txt").write_text("1\t2\tjump\n")
    (root / "old/all.json").write_text('{"database": {}}')
    (root / "old/settings.json").write_text('{"rate": 4}')
    (root / "old/readme.txt").write_text("hello")
    np.savetxt(root / "r9.csv", np.ones((40, 3)), delimiter=",")
    notes = import_directory(root, tmp_path / "a", fps=4.0).metadata.notes
    assert (
        "annotations that were not read, as those of annotations.json count (--annotations): 4: annotations.csv, old/all.json, "
        "old/r0.TextGrid, old/r1.txt"
    ) in notes
    assert "features that belong to no annotated recording are left out: 1: r9.csv" in notes


def _save(name: str, matrix: np.ndarray):
    return lambda root: np.save(root / f"features/{name}.npy", matrix)


def _database(change):
    def damage(root: Path) -> None:
        content = json.loads((root / "annotations.json").read_text())
        change(content["database"])
        (root / "annotations.json").write_text(json.dumps(content))

    return damage


def _segment(start: float, end: float):
    return _database(lambda base: base["r1"]["annotations"].append({"segment": [start, end], "label": "run"}))


ones = np.ones((40, 3), np.float32)
holed = ones.copy()
holed[7, 1] = np.nan


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda root: (root / "features/r1.npy").unlink(),
            r"recording 'r1' has no features \(1 of 3 lack them\): looked for a file r1 or v_r1 \(\.npy.*; no such file",
        ),
        (_save("r1", np.ones((40, 4), np.float32)), r"r1\.npy: has 4 features a frame, but 'r0' has 3"),
        (_save("r1", ones.T), r"r1\.npy: has 3 frames of 40 features, but .* axes seem to be exchanged; transpose it"),
        (_save("r1", ones.astype(bool)), r"r1\.npy: has shape \(40, 3\) and dtype bool"),
        (_save("r1", np.ones(40, np.float32)), r"r1\.npy: has shape \(40,\)"),
        (
            _save("r1", np.ones((80, 3), np.float32)),
            r"has 80 frames of 3 features, but 10 s at 4 fps are 40\.0 \(tolerance 4\.0\)",
        ),
        (_save("r1", np.ones((35, 3), np.float32)), r"has 35 frames"),
        (_save("r1", holed), r"features/r1\.npy: recording 'r1': frame 7 holds NaN"),
        (
            _save("r1", np.full((40, 3), 1e39)),
            r"features/r1\.npy: recording 'r1': frame 0 holds a value too large for float32",
        ),
        (_save("r1", np.array([{"a": 1}])), r"r1\.npy: has shape"),
        (lambda root: (root / "features/r1.npy").write_bytes(b"junk"), r"r1\.npy: not a NumPy file"),
        (
            lambda root: (root / "features/r1.npy").write_bytes((root / "features/r1.npy").read_bytes()[:-8]),
            r"r1\.npy: damaged",
        ),
        (lambda root: np.savez(root / "features/r1.npz", ones), "stand for the same recording"),
        (
            lambda root: (root / "annotations.json").unlink(),
            r"lacks 'annotations\.json'; expected a data set with annotations\.json",
        ),
        (lambda root: (root / "annotations.json").write_text("{"), r"annotations\.json: not valid JSON"),
        (_database(lambda base: base.clear()), "holds no recordings"),
        (_database(lambda base: base["r1"].pop("duration")), "recording 'r1' lacks the key 'duration'"),
        (_database(lambda base: base["r1"].update(subset="holdout")), "has subset 'holdout'"),
        (_segment(5, 3), "ends before it starts"),
        (_segment(3, 15), "lies outside the recording"),
    ],
)
def test_bad_input_is_refused(raw, absent: Path, damage, message: str) -> None:
    root = raw.directory()
    damage(root)
    with pytest.raises(InputError, match=message):
        import_directory(root, absent, fps=4.0)


def test_npz_of_several_or_pickled_matrices_is_refused(raw, absent: Path) -> None:
    root = raw.directory()
    (root / "features/r1.npy").unlink()
    np.savez(root / "features/r1.npz", a=ones, b=ones)
    with pytest.raises(InputError, match=r"r1\.npz: must hold one matrix but holds 2: a, b"):
        import_directory(root, absent, fps=4.0)
    np.savez(root / "features/r1.npz", a=np.array([[object()]]))
    with pytest.raises(InputError, match=r"r1\.npz: damaged or not a plain matrix"):
        import_directory(root, absent, fps=4.0)


def test_clip_mends_segments(raw, tmp_path: Path) -> None:
    root = raw.directory()
    _segment(5, 3)(root)
    _segment(9.75, 15)(root)
    dataset = import_directory(root, tmp_path / "a", fps=4.0, clip=True)
    bounds = [(one.start, one.end) for one in dataset.annotations.recordings["r1"].segments]
    assert bounds == [(1.0, 4.0), (5.0, 9.5), (9.75, 10.0)]


@pytest.mark.parametrize("frames", [36, 44])
def test_lengths_within_the_tolerance_are_taken(raw, tmp_path: Path, frames: int) -> None:
    root = raw.directory()
    np.save(root / "features/r1.npy", np.ones((frames, 3), np.float32))
    assert import_directory(root, tmp_path / "a", fps=4.0).frames("r1") == frames


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_fps_must_be_positive(raw, absent: Path, fps: float) -> None:
    with pytest.raises(InputError, match="fps must be a positive number"):
        import_directory(raw.directory(), absent, fps=fps)


FOLDS = {"a": {"train": ["r0", "r1"], "testing": ["r2"]}, "b": {"train": ["r2"], "val": ["r0"], "test": ["r1"]}}


def test_own_folds(raw, tmp_path: Path) -> None:
    root = raw.directory()
    (root / "folds").mkdir()
    (root / "folds/mine.json").write_text(json.dumps(FOLDS))
    dataset = import_directory(root, tmp_path / "a", fps=4.0, splits="folds/mine.json")
    found = {fold: {subset: list(names) for subset, names in parts.items()} for fold, parts in dataset.splits.items()}
    assert found == {
        "a": {"training": ["r0"], "validation": ["r1"], "test": ["r2"]},
        "b": {"training": ["r2"], "validation": ["r0"], "test": ["r1"]},
    }
    assert "fold a: no validation subset: 1 of 2 training recordings became one" in dataset.metadata.notes
    assert import_directory(root, tmp_path / "b", fps=4.0).splits == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "must hold two or more folds; expected {FOLD: {training"),
        ({"a": FOLDS["a"]}, "must hold two or more folds"),
        ({**FOLDS, "": FOLDS["a"]}, "a fold is called ''; its name must be at most 40 letters"),
        ({**FOLDS, "c": []}, r"fold c is \[\]; expected"),
        ({**FOLDS, "c": {"train": "r0"}}, "fold c: train must be a list of recordings but is 'r0'"),
        ({**FOLDS, "c": {"train": ["r0"], "val": ["r1"], "test": ["r9"]}}, "fold c names 'r9', which is no recording"),
        (
            {**FOLDS, "c": {"train": ["r0"], "training": ["r0"], "val": ["r1"], "test": ["r2"]}},
            "fold c names 'r0' 2 times",
        ),
        ({**FOLDS, "c": {"train": ["r0"], "val": ["r1"]}}, "fold c has no recordings for test"),
    ],
)
def test_folds_of_another_form(raw, tmp_path: Path, content, said: str) -> None:
    root = raw.directory()
    (root / "splits.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"splits\.json: {said}"):
        import_directory(root, tmp_path / "a", fps=4.0, splits="splits.json")
    assert not (tmp_path / "a").exists()


def test_recordings_that_stand_in_no_fold_are_said(raw, tmp_path: Path) -> None:
    root = raw.directory()
    content = json.loads((root / "annotations.json").read_text())
    content["database"] |= dict.fromkeys(("s1", "s2"), content["database"]["r0"])
    (root / "annotations.json").write_text(json.dumps(content))
    for name in ("s1", "s2"):
        np.save(root / f"features/{name}.npy", np.zeros((40, 3), np.float32))
    (root / "splits.json").write_text(json.dumps(FOLDS))
    notes = import_directory(root, tmp_path / "a", fps=4.0, splits="splits.json").metadata.notes
    assert "2 recordings stand in no fold, so that no study of these folds uses them: s1, s2" in notes


def test_folds_that_cut_a_group_are_said(raw, tmp_path: Path) -> None:
    root = raw.directory()
    content = json.loads((root / "annotations.json").read_text())
    for name in ("r0", "r2"):
        content["database"][name]["group"] = "Ada"
    (root / "annotations.json").write_text(json.dumps({**content, "groups_are": "people"}))
    (root / "splits.json").write_text(json.dumps(FOLDS))
    dataset = import_directory(root, tmp_path / "a", fps=4.0, splits="splits.json")
    [note] = [one for one in dataset.metadata.notes if "several subsets of fold" in one]
    assert note.startswith("people have recordings in several subsets of fold a, b (Ada, for one)")
