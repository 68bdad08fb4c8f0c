"""The prepared data set."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.metadata import content_hash
from crescendo.trainables.errors import InputError

FACTS = DatasetMetadata("mine", 4.0, "counted", "here", "free", ("a note",))
ANNOTATIONS = Annotations(
    {
        "a": Recording("training", 5.0, (Segment("run", 1.0, 2.0),), {"camera": 3}),
        "b": Recording("test", 2.5, (Segment("jump", 0.0, 1.0), Segment("run", 0.5, 2.0))),
    }
)


def make(destination: Path, **options) -> Dataset:
    matrices = [np.full((20, 2), 1.0, np.float32), np.full((10, 2), 2.0, np.float32)]
    arguments = {"frames": {"a": 20, "b": 10}, "features": matrices, "feature_dim": 2, **options}
    return write_dataset(destination, FACTS, ANNOTATIONS, **arguments)


def test_blanks_at_the_ends_of_labels_are_dropped_whoever_writes(tmp_path: Path) -> None:
    segments = (Segment("run\t", 1.0, 2.0), Segment(" run", 3.0, 4.0), Segment("a b", 3.0, 4.0))
    annotations = Annotations({"a": Recording("training", 5.0, segments), "b": Recording("test", 5.0, segments[:1])})
    for number, labels in enumerate((None, ("run\t", "a b", " run"))):
        dataset = write_dataset(tmp_path / f"{number}", FACTS, annotations, labels=labels)
        assert dataset.labels == ("background", *(("a b", "run") if labels is None else ("run", "a b")))
        assert [one.label for one in dataset.annotations.recordings["a"].segments] == ["run", "run", "a b"]
        said = "2 labels had blanks at the ends, which were dropped: ' run' (1 segment), 'run\\t' (2 segments)"
        assert said in dataset.metadata.notes


def test_round_trip(tmp_path: Path) -> None:
    make(tmp_path / "d")
    dataset = Dataset(tmp_path / "d")
    odd = (
        "there is no validation part: no training can be validated",
        "1 label without a training segment, which cannot be learned (AP 0 where scored): jump (1 in test)",
    )
    assert dataset.metadata == replace(FACTS, notes=(*FACTS.notes, *odd))
    assert (dataset.fps, dataset.labels, dataset.feature_dim) == (4.0, ("background", "jump", "run"), 2)
    assert dataset.annotations.recordings == ANNOTATIONS.recordings
    assert dataset.recordings("training") == ("a",)
    assert dataset.frames("b") == 10
    assert dataset.features("b").sum() == 40
    np.testing.assert_array_equal(dataset.frame_labels("b"), [1, 1, 2, 2, 2, 2, 2, 2, 0, 0])


def test_whole_numbers_are_seconds_and_rates_like_any_others(tmp_path: Path) -> None:
    metadata = DatasetMetadata("mine", 4, "counted", "here", "free")
    annotations = Annotations({"a": Recording("training", 5, (Segment("run", 1, 2),))})
    dataset = write_dataset(
        tmp_path / "d", metadata, annotations, frames={"a": 20}, features=[np.ones((20, 2))], feature_dim=2
    )
    assert Dataset(tmp_path / "d").content_hash == dataset.content_hash


def test_empty_subset_is_an_error_that_names_the_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"d: subset 'validation' has no recordings; there are: test, training"):
        make(tmp_path / "d").recordings("validation")


def test_annotations_only(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", FACTS, ANNOTATIONS)
    assert (dataset.feature_dim, dataset.frames("b")) == (None, 10)
    assert dataset.frame_labels("b").tolist() == [1, 1, 2, 2, 2, 2, 2, 2, 0, 0]
    assert not (tmp_path / "d/features").exists()
    with pytest.raises(InputError, match="holds annotations only"):
        dataset.features("b")


def test_labels_may_be_ordered_and_must_be_complete(tmp_path: Path) -> None:
    assert make(tmp_path / "d", labels=["run", "jump", "fly"]).labels == ("background", "run", "jump", "fly")
    with pytest.raises(InputError, match="'run' is not among the labels"):
        make(tmp_path / "e", labels=["jump"])
    with pytest.raises(InputError, match="stands twice"):
        make(tmp_path / "f", labels=["jump", "run", "background"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d"]


def test_content_hash_follows_features_annotations_labels_and_fps(tmp_path: Path) -> None:
    original = make(tmp_path / "a").content_hash
    assert make(tmp_path / "b").content_hash == original
    other = [np.full((20, 2), 1.0, np.float32), np.full((10, 2), 3.0, np.float32)]
    assert make(tmp_path / "c", features=other).content_hash != original
    assert make(tmp_path / "d", labels=["run", "jump"]).content_hash != original
    assert write_dataset(tmp_path / "e", FACTS, ANNOTATIONS).content_hash != original


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "dataset.json").unlink(), "not a prepared data set"),
        (lambda d: (d / "dataset.json").write_text("{"), r"dataset\.json: not valid JSON"),
        (lambda d: (d / "dataset.json").write_text("{}"), r"dataset\.json: lacks the key 'name'"),
        (lambda d: (d / "dataset.json").write_text("[]"), r"dataset\.json"),
        (lambda d: (d / "annotations.json").unlink(), r"annotations\.json: no such file"),
        (lambda d: _edit(d / "annotations.json", "5.0", "6.0"), "content hash differs"),
        (lambda d: _edit(d / "dataset.json", '"fps": 4.0', '"fps": 5.0'), "content hash differs"),
        (lambda d: (d / "features/features.arrow").unlink(), "holds no features"),
        (lambda d: (d / "features/features.arrow").write_bytes(b"ARROW1"), "not a complete Arrow file"),
        (lambda d: _edit(d / "dataset.json", '"feature_dim": 2', '"feature_dim": 3'), "2 columns"),
    ],
)
def test_damaged_data_set_is_refused(tmp_path: Path, damage, message: str) -> None:
    make(tmp_path / "d")
    damage(tmp_path / "d")
    with pytest.raises(InputError, match=message):
        Dataset(tmp_path / "d")


def _edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_recording_without_features_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="recording 'b' is annotated but has no features"):
        make(tmp_path / "d", frames={"a": 20})
    assert not list(tmp_path.iterdir())


def test_unknown_keys_survive(tmp_path: Path) -> None:
    make(tmp_path / "d")
    assert json.loads((tmp_path / "d/annotations.json").read_text())["database"]["a"]["camera"] == 3


def test_the_layer_after_fc6_comes_back(tmp_path: Path) -> None:
    layer = (torch.randn(3, 2), torch.randn(3))
    plain, with_layer = make(tmp_path / "plain"), make(tmp_path / "d", fc7=layer)
    assert plain.fc7() is None
    assert with_layer.content_hash != plain.content_hash
    found = Dataset(tmp_path / "d").fc7()
    assert found is not None
    assert all(torch.equal(one, other) for one, other in zip(found, layer, strict=True))
    file = tmp_path / "d" / "fc7.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError, match=r"fc7.safetensors: was changed"):
        with_layer.fc7()
    file.unlink()
    with pytest.raises(InputError, match=r"fc7.safetensors: no such file"):
        with_layer.fc7()


@pytest.mark.parametrize(
    "labels", [["background"], ["run", "background", "jump"], ["background", "jump", "run", "run"]]
)
def test_labels_that_are_not_those_of_the_annotations_are_refused(labels: list[str], tmp_path: Path) -> None:
    made = make(tmp_path / "d")
    stored = made.path / "dataset.json"
    digest = content_hash(made.metadata, tuple(labels), made.annotations, made.features_hash, {})
    content = json.loads(stored.read_text()) | {"labels": labels, "content_hash": digest}
    stored.write_text(json.dumps(content))
    with pytest.raises(InputError, match="its labels must be background and then every label"):
        Dataset(made.path)
