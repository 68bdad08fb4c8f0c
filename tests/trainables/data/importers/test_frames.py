"""Frame labels: a vector of labels beside a matrix of features per recording."""

import tempfile
from itertools import groupby
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
from frame_sets import FEATURES, NUMBER_LABELS, TEXT_LABELS, write_set
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.importers.frames import import_frames
from crescendo.trainables.data.importers.gtea import ACTIVITIES, import_gtea
from crescendo.trainables.errors import InputError

NAMES = ("background", "run", "jump", "sit")
PARTS = {"train.bundle": ["a", "b"], "test.bundle": ["c"]}


def vector(text: str) -> np.ndarray:
    """Labels of frames, by their first letters."""
    return np.array([next(name for name in NAMES if name[0] == letter) for letter in text])


VECTORS = {"a": vector("bbrrrjjb" * 3), "b": vector("rrrrssssbbbb" * 2), "c": vector("jjjjjjjjjjjjbbbbbb")}


def literal(labels: list[str], fps: float) -> list[tuple[str, float, float]]:
    """Runs of equal labels, frame by frame."""
    segments, frame = [], 0
    for label, those in groupby(labels):
        count = len(list(those))
        if label != "background":
            segments.append((label, frame / fps, (frame + count) / fps))
        frame += count
    return segments


def segments(dataset, recording: str) -> list[tuple[str, float, float]]:
    return [(one.label, one.start, one.end) for one in dataset.annotations.recordings[recording].segments]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=40), min_size=3, max_size=3),
    st.sampled_from([1.0, 6.25, 29.97]),
    st.sampled_from(sorted(FEATURES)),
    st.one_of(
        st.sampled_from(sorted(NUMBER_LABELS)).map(lambda one: (one, True)),
        st.sampled_from(sorted(TEXT_LABELS)).map(lambda one: (one, False)),
    ),
    st.booleans(),
)
def test_every_format_gives_the_runs_of_a_literal_loop(frames, fps, features, labelled, transposed) -> None:
    kind, numbers = labelled
    transposed = transposed and features not in ("csv", "parquet")  # named columns: a row is a frame
    codes = {name: np.array(one) for name, one in zip("abc", frames, strict=True)}
    texts = {name: np.array([NAMES[code] for code in one]) for name, one in codes.items()}
    with tempfile.TemporaryDirectory() as folder:
        root = write_set(
            Path(folder) / "raw",
            codes if numbers else texts,
            features=features,
            labelled=kind,
            transposed=transposed,
            parts=PARTS,
            mapping=NAMES,
        )
        options = {"label_key": "y"} if kind == "npz" else {}
        dataset = import_frames(root, Path(folder) / "d", fps=fps, time_axis="1" if transposed else "0", **options)
        for name, text in texts.items():
            assert segments(dataset, name) == literal(text.tolist(), fps)
            # And back: the labels of the frames are those that were written.
            assert [dataset.labels[one] for one in dataset.frame_labels(name)] == text.tolist()
            expected = np.arange(len(text))[:, None] + np.arange(3) / 8
            np.testing.assert_array_equal(dataset.features(name), expected.astype(np.float32))


def test_the_usual_layout_is_found_also_in_a_zip(zipped, tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", VECTORS, transposed=True, parts=PARTS, mapping=(*NAMES, "fall"))
    dataset = import_frames(root, tmp_path / "d", fps=6.0)
    assert import_frames(zipped(root, wrap="set"), tmp_path / "z", fps=6.0).content_hash == dataset.content_hash
    assert dataset.labels == ("background", "run", "jump", "sit")
    assert [dataset.recordings(part) for part in ("training", "validation", "test")] == [("a",), ("b",), ("c",)]
    assert dataset.metadata.notes == (
        "background: 'background'",
        "1 of 5 labels of the mapping occurs in no recording: fall",
        "features are stored as (features, frames): axis 1 is time, found by the lengths",
        "no validation subset: 1 of 2 training recordings became one",
        "1 label without a training segment, which cannot be learned (AP 0 where scored): sit (2 in validation)",
    )


def test_one_hdf5_file_holds_all_features(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", VECTORS, parts=PARTS)
    apart = import_frames(root, tmp_path / "apart", fps=6.0)
    with h5py.File(root / "all.h5", "w") as file:
        for name in VECTORS:
            file[f"{name}/fc6"] = np.load(root / f"features/{name}.npy")
    whole = import_frames(root, tmp_path / "whole", fps=6.0, features_from="all.h5")
    assert whole.features_hash == apart.features_hash


def test_a_table_holds_both_features_and_labels(tmp_path: Path) -> None:
    for name, labels in VECTORS.items():
        table = pd.DataFrame({"x": np.arange(len(labels)), "y_acc": 0.5, "when": "noon", "Label": labels})
        table.loc[table["Label"] == "background", "Label"] = "None"
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    for part in ("train", "val", "test"):
        (tmp_path / f"{part}.txt").write_text({"train": "a", "val": "b", "test": "c"}[part])
    dataset = import_frames(tmp_path, tmp_path / "d", fps=6.0)
    assert segments(dataset, "c") == [("jump", 0.0, 2.0)]
    assert (dataset.feature_dim, dataset.metadata.features) == (2, "as given, the columns x, y_acc")
    assert dataset.metadata.notes == (
        "background: 'None'",
        "the column 'when' is no feature and was left out (3 files)",
        "features of type float64 are stored as float32",
        "1 label without a training segment, which cannot be learned (AP 0 where scored): sit (2 in validation)",
    )


def test_numbered_splits_are_folds(tmp_path: Path) -> None:
    lists = {
        "train.split1.bundle": ["a", "b"], "test.split1.bundle": ["c"],
        "train.split2.bundle": ["c", "b"], "test.split2.bundle": ["a"],
    }  # fmt: skip
    root = write_set(tmp_path / "set", VECTORS, parts=lists)
    dataset = import_frames(root, tmp_path / "d", fps=6.0, split="2")
    assert dataset.recordings("test") == ("a",)
    assert {fold: parts["test"] for fold, parts in dataset.splits.items()} == {"1": ("c",), "2": ("a",)}
    assert {"split 2 of 1, 2", "2 splits became folds: 1, 2"} <= set(dataset.metadata.notes)


@pytest.mark.parametrize(
    ("numbers", "split", "tested", "said"),
    [
        ("12", "", "c", "the split lists without a number count, as no fold; pass --split for a numbered split: 1, 2"),
        ("12", "2", "b", "split 2 of 1, 2; the split lists without a number are left out"),
        ("7", "", "c", "the split lists without a number count, as no fold; pass --split for a numbered split: 7"),
        ("7", "7", "a", "split 7 of 7; the split lists without a number are left out"),
    ],
)
def test_lists_without_a_number_are_no_fold(tmp_path: Path, numbers: str, split: str, tested: str, said: str) -> None:
    tests = dict(zip(numbers, "ab", strict=False))
    lists = {f"train_{fold}.txt": sorted(set("abc") - {test}) for fold, test in tests.items()}
    lists |= {f"test_{fold}.txt": [test] for fold, test in tests.items()}
    root = write_set(tmp_path / "set", VECTORS, parts={**PARTS, **lists})
    dataset = import_frames(root, tmp_path / "d", fps=6.0, split=split)
    assert dataset.recordings("test") == (tested,)
    assert list(dataset.splits) == (list(numbers) if len(numbers) > 1 else [])
    assert said in dataset.metadata.notes


def test_what_is_longer_is_cut_and_what_is_in_no_list_is_left_out(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", VECTORS, parts={"train.txt": ["a"], "val.txt": ["b"]})
    np.save(root / "features/a.npy", np.zeros((21, 3), np.float32))
    np.save(root / "features/b.npy", np.zeros((25, 3), np.float32))
    dataset = import_frames(root, tmp_path / "d", fps=6.0)
    assert [dataset.frames(name) for name in "ab"] == [21, 24]
    assert segments(dataset, "a") == literal(VECTORS["a"].tolist()[:21], 6.0)
    assert dataset.annotations.recordings["a"].duration == 21 / 6
    assert dataset.metadata.notes[:2] == (
        "no test list",
        "1 recording with labels stands in no list and is left out: c",
    )
    assert dataset.metadata.notes[3] == (
        "2 of 2 recordings had more labels (1) or more features (1) than the other and were cut to the shorter, by 3 frames at "
        "most ('a')"
    )


def test_labels_that_mean_nothing_are_named_or_found(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", VECTORS, parts=PARTS)
    dataset = import_frames(root, tmp_path / "d", fps=6.0, background=["sit", "run"])
    assert dataset.labels == ("background", "jump")
    numbers = {name: np.array([NAMES.index(one) for one in labels]) for name, labels in VECTORS.items()}
    other = import_frames(write_set(tmp_path / "numbers", numbers, parts=PARTS), tmp_path / "n", fps=6.0)
    assert other.labels == ("background", "0", "1", "2", "3")
    assert other.metadata.notes[0].startswith(
        "no label means background, every frame is of an activity; if one of '0', "
    )


@pytest.mark.parametrize("labelled", [one for one in TEXT_LABELS if one != "mat"])  # MATLAB fills up with blanks itself
def test_blanks_at_the_ends_of_labels_are_dropped_counted_and_listed(tmp_path: Path, labelled: str) -> None:
    spoilt = {**VECTORS, "a": np.array(["run " if one == "run" else one for one in VECTORS["a"].tolist()])}
    root = write_set(tmp_path / "set", spoilt, parts=PARTS, labelled=labelled, mapping=NAMES)
    (root / "mapping.txt").write_text("0 background\n1 run\n2 jump \n3\tsit\n")
    dataset = import_frames(root, tmp_path / "d", fps=6.0)
    for name, labels in VECTORS.items():
        assert segments(dataset, name) == literal(labels.tolist(), 6.0)
    assert "1 label had blanks at the ends, which were dropped: 'run ' (9 frames)" in dataset.metadata.notes
    assert (
        "1 label had blanks at the ends, which were dropped: 'jump ' (1 line of mapping.txt)" in dataset.metadata.notes
    )


def test_labels_are_renamed_merged_and_dropped(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", VECTORS, parts=PARTS, mapping=NAMES)
    changes = tmp_path / "map.yaml"
    changes.write_text("jump: move\nrun: move\nsit: null\n")
    dataset = import_frames(root, tmp_path / "d", fps=6.0, labels=changes)
    merged = {"jump": "move", "run": "move", "sit": "background"}
    for name, labels in VECTORS.items():
        assert segments(dataset, name) == literal([merged.get(one, one) for one in labels.tolist()], 6.0)
    assert dataset.metadata.notes[:4] == (
        "labels renamed: 'jump' to 'move', 'run' to 'move'",
        "labels dropped: 'sit' (8 frames)",
        "labels that stay as they are: 'background'",
        "background: 'background', 'sit'",
    )


def test_files_without_a_partner_are_said(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", VECTORS, parts=PARTS)
    np.save(root / "features/v_a.npy", np.load(root / "features/a.npy"))
    (root / "features/a.npy").unlink()
    np.save(root / "features/alone.npy", np.zeros((4, 3), np.float32))
    (root / "groundTruth/other.txt").write_text("run")
    dataset = import_frames(root, tmp_path / "d", fps=6.0)
    assert {
        "1 recording with labels stands in no list and is left out: other",
        "2 files have labels or features alone and are left out: alone, other",
    } <= set(dataset.metadata.notes)


def test_public_frames_give_what_their_own_importer_gives(real_data: Path, tmp_path: Path) -> None:
    inside = "features/GTEA/SpatialCNN/Split_1"
    found = import_frames(
        real_data / "gtea.zip", tmp_path / "frames", fps=15, labels_from=inside, features_from=inside, label_key="Y",
        feature_key="A", splits="splits/GTEA/Split_1", background=["0"],
    )  # fmt: skip
    own = import_gtea(real_data / "gtea.zip", tmp_path / "gtea")
    for name in own.annotations.recordings:
        named = [(ACTIVITIES[int(label) - 1], start, end) for label, start, end in segments(found, name)]
        assert named == segments(own, name)
        np.testing.assert_array_equal(found.features(name), own.features(name))


def _only(then):
    """Another file of labels of `a`."""

    def damage(root: Path) -> None:
        (root / "groundTruth/a.txt").unlink()
        then(root)

    return damage


def test_a_mapping_may_lie_beside_the_data(tmp_path: Path) -> None:
    labels = {name: np.repeat([0, 1, 2], 8) for name in "abc"}
    (tmp_path / "names.txt").write_text("0 background\n1 run\n2 jump\n")
    root = write_set(tmp_path / "set", labels)
    dataset = import_frames(root, tmp_path / "made", fps=4.0, mapping=str(tmp_path / "names.txt"))
    assert dataset.labels == ("background", "run", "jump")


def test_no_list_of_what_was_left_out_ends_within_a_name(tmp_path: Path) -> None:
    labels = {f"participant-{number:03d}-morning": np.repeat(["background", "run"], 8) for number in range(12)}
    parts = {"train.txt": list(labels)[:2], "test.txt": list(labels)[2:4]}
    dataset = import_frames(write_set(tmp_path / "set", labels, parts=parts), tmp_path / "made", fps=4.0)
    listed = ", ".join(list(labels)[4:9])
    assert f"8 recordings with labels stand in no list and are left out: {listed} and 3 more" in dataset.metadata.notes


def _mat(**variables):
    return _only(lambda root: scipy.io.savemat(root / "groundTruth/a.mat", variables))


def _npy(values):
    return _only(lambda root: np.save(root / "groundTruth/a.npy", values))


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (lambda root: np.save(root / "features/a.npy", np.zeros((40, 3), np.float32)), {},
         r"a\.npy: recording 'a' has 40 frames of features \(shape \(40, 3\)\) but 24 labels \(.*a\.txt\), more than 6 apart"),
        (lambda root: (root / "groundTruth/b.txt").unlink(), {}, r"recording 'b' of the split lists has no labels \(1 of 3"),
        (lambda root: (root / "features/b.npy").unlink(), {}, r"recording 'b' has no features \(1 of 3"),
        (lambda root: (root / "splits/val.txt").write_text("b"), {}, r"val\.txt: names 'b', which .*train\.bundle names already"),
        (lambda root: (root / "splits/train.txt").write_text("a"), {}, "both list the training part"),
        (lambda root: (root / "splits/test.bundle").write_text("\n"), {}, r"test\.bundle: lists no recording"),
        (lambda root: (root / "mapping.txt").write_text("0 background\n1 run\n"), {}, r"label 'jump' is not in mapping\.txt"),
        (lambda root: (root / "mapping.txt").write_text("background\n"), {}, r"mapping\.txt: line 1 is 'background'"),
        (lambda root: (root / "mapping.txt").write_text("0 a\n0 b\n"), {}, r"mapping\.txt: line 2: '0' stands twice"),
        (lambda root: (root / "groundTruth/a.txt").write_text("run\n\n" * 12), {}, r"a\.txt: has a frame without a label"),
        (lambda root: (root / "groundTruth/a.txt").write_text(""), {}, r"a\.txt: has shape \(0,\)"),
        (lambda root: None, {"background": ["walk"]}, "--background: 'walk' is no label; there are background, jump, run, sit"),
        (lambda root: None, {"labels_from": "nowhere"}, r"holds nothing at 'nowhere' \(--labels-from\)"),
        (lambda root: None, {"splits": "features"}, "features holds no list of recordings"),
        (lambda root: None, {"split": "3"}, r"has no split '3' \(--split\); its lists have no numbers"),
        (lambda root: None, {"time_axis": "2"}, "--time-axis must be one of auto, 0, 1 but got '2'"),
        (lambda root: None, {"time_axis": "1"}, r"recording 'a' has 3 frames of features \(shape \(24, 3\)\) but 24 labels"),
        (lambda root: None, {"mapping": "no.txt"}, r"holds no file 'no.txt' \(--mapping\)"),
        (lambda root: None, {"fps": -1.0}, "fps must be a positive number but got -1"),
        (_npy(np.full(24, 0.5)), {}, r"frame 0 has label 0\.5"),
        (_npy(np.eye(24)), {}, r"has shape \(24, 24\); expected one label"),
        (_npy(np.array(["a", None])), {}, "holds values of type object"),
        (_mat(u=np.ones(24), v=np.ones(24)), {}, r"a\.mat: has 2 arrays \(u, v\); name .* --label-key"),
        (_mat(u=np.ones(24)), {"label_key": "w"}, r"a\.mat: has no array 'w' \(--label-key\); it has u"),
        (_mat(u=np.array(["a", "b"], dtype=object)), {}, "a cell array or another"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(damage, options: dict, message: str, tmp_path: Path, absent: Path) -> None:
    root = write_set(tmp_path / "set", VECTORS, parts=PARTS)
    damage(root)
    with pytest.raises(InputError, match=message):
        import_frames(root, absent, **{"fps": 6.0, **options})


def test_an_axis_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    vectors = {name: vector("bbrrrjjb") for name in "abc"}
    root = write_set(tmp_path / "set", vectors, parts=PARTS, width=8)
    with pytest.raises(
        InputError, match="both of 8 x 8 agree with 8 labels, in every recording; pass --time-axis 0 or 1"
    ):
        import_frames(root, tmp_path / "d", fps=6.0)
    given = import_frames(root, tmp_path / "d", fps=6.0, time_axis="1")
    np.testing.assert_array_equal(given.features("a"), np.load(root / "features/a.npy").T)
    assert given.metadata.notes[1] == "features are stored as (features, frames): axis 1 is time"
