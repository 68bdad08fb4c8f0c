"""Folds: every recording is tested once, no group is cut, and no feature is copied."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.fold_sets import fold_sets, write_fold_sets
from crescendo.trainables.data.folds import Division, deal, made_folds, own_folds, remarks_on
from crescendo.trainables.data.groups import Groups
from crescendo.trainables.errors import InputError

SUBSETS = ("training", "validation", "test")


def dealt_out(frames: dict[str, int], groups: dict[str, str], count: int) -> list[set[str]]:
    """The rule of `deal`, literally."""
    members: dict[tuple[bool, str], set[str]] = {}
    for name in frames:
        members.setdefault((name in groups, groups.get(name, name)), set()).add(name)
    waiting = dict(members)
    parts: list[set[str]] = [set() for _ in range(count)]
    while waiting:
        key = min(
            waiting,
            key=lambda one: (
                -sum(frames[name] for name in waiting[one]),
                hashlib.sha256(one[1].encode()).hexdigest(),
                one[0],
            ),
        )
        part = min(range(count), key=lambda one: (sum(frames[name] for name in parts[one]), one))
        parts[part] |= waiting.pop(key)
    return parts


recordings = st.dictionaries(st.text(max_size=4), st.integers(0, 50), min_size=1, max_size=25)


@given(recordings, st.integers(3, 6), st.randoms(), st.data())
def test_parts_are_those_of_the_literal_rule_whatever_the_order(frames, count, random, data) -> None:
    some = st.none() | st.sampled_from("abcde")
    groups = {name: group for name in frames if (group := data.draw(some)) is not None}
    parts = deal(frames, Groups(groups), count)
    assert [set(part) for part in parts] == dealt_out(frames, groups, count)
    names = random.sample(list(frames), len(frames))
    assert deal({name: frames[name] for name in names}, Groups(groups), count) == parts
    assert sorted(name for part in parts for name in part) == sorted(frames)  # each in one part
    for group in set(groups.values()):
        assert sum(any(groups.get(name) == group for name in part) for part in parts) == 1


def made(folder: Path, groups: int = 5, each: int = 2, **options) -> Dataset:
    """A data set of some groups of recordings; each group does what no other does, and all run."""
    content = {
        f"r{group}{number}": Recording(
            SUBSETS[min(group, 2)],
            10.0 + group,
            (Segment("run", 0.0, 3.0), Segment(f"only{group}", 4.0, 6.0)),
            group=f"g{group}",
        )
        for group in range(groups)
        for number in range(each)
    }
    frames = {name: int(one.duration) for name, one in content.items()}
    return write_dataset(
        folder / "data",
        DatasetMetadata("made", 1.0, "noise", "here", "free"),
        Annotations(content, groups_are="people"),
        frames=frames,
        features=[np.full((count, 3), number, np.float32) for number, count in enumerate(frames.values())],
        feature_dim=3,
        **options,
    )


def test_every_recording_is_tested_in_one_fold_and_validates_in_one(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    before, content_hash = dict(dataset.annotations.recordings), dataset.content_hash
    folds = [division.of(dataset) for division in made_folds(5, "group")]
    for subset in ("test", "validation"):
        found = [name for fold in folds for name in fold.recordings(subset)]
        assert sorted(found) == sorted(before)
    for fold, after in zip(folds, [*folds[1:], folds[0]], strict=True):
        assert fold.recordings("validation") == after.recordings("test")
        assert sorted(name for subset in SUBSETS for name in fold.recordings(subset)) == sorted(before)
        groups = [{fold.annotations.recordings[name].group for name in fold.recordings(subset)} for subset in SUBSETS]
        assert sum(map(len, groups)) == len(set().union(*groups)) == 5
        assert all(np.shares_memory(fold.features(name), dataset.features(name)) for name in before)
        assert fold.labels == dataset.labels
    assert len({content_hash, *(fold.content_hash for fold in folds)}) == 6
    assert (dataset.annotations.recordings, dataset.content_hash) == (before, content_hash)
    again = [division.of(Dataset(dataset.path)) for division in made_folds(5, "group")]
    assert [fold.content_hash for fold in again] == [fold.content_hash for fold in folds]


def test_recordings_one_by_one_may_part_a_group(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    folds = [division.of(dataset) for division in made_folds(10, "recording")]
    assert [len(fold.recordings("test")) for fold in folds] == [1] * 10


def test_a_data_set_of_annotations_alone_is_divided_too(tmp_path: Path) -> None:
    annotations = Annotations({name: Recording("training", 5.0, ()) for name in "abc"})
    dataset = write_dataset(tmp_path / "d", DatasetMetadata("d", 1.0, "none", "here", "free"), annotations)
    folds = [division.of(dataset) for division in made_folds(3, "group")]
    assert sorted(name for fold in folds for name in fold.recordings("test")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("count", "by", "said"),
    [
        (6, "group", "has 5 people, too few for 6 folds; ask for at most 5"),
        (11, "recording", "has 10 recordings, too few for 11 folds; ask for at most 10"),
    ],
)
def test_more_folds_than_groups(tmp_path: Path, count: int, by, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made_folds(count, by)[0].of(made(tmp_path))


def test_two_groups_make_no_folds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 2 people, and folds need 3: one to test, one to validate, one to train"):
        made_folds(3, "group")[0].of(made(tmp_path, groups=2))


def test_what_a_fold_cannot_learn_is_said(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    folds = {division.fold: division.of(dataset) for division in made_folds(5, "group")}
    said = list(remarks_on(folds))
    assert len(said) == 5
    for line, fold in zip(said, folds.values(), strict=True):
        unseen = {fold.annotations.recordings[fold.recordings(subset)[0]].group for subset in ("test", "validation")}
        lacking = ", ".join(sorted(f"only{group[1:]}" for group in unseen))
        assert line.endswith(f"its training part has no {lacking}, which nobody can learn there")


def test_people_who_are_divided_by_recording_are_told_of(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    cut = " divided among the training, validation and test part of a fold ("
    by_recording = {division.fold: division.of(dataset) for division in made_folds(5, "recording")}
    [said] = [line for line in remarks_on(by_recording) if cut in line]
    number = int(said.split()[0])
    people = {one.group for one in dataset.annotations.recordings.values()}
    assert 1 <= number <= len(people)
    assert said.split("(")[1].split(",")[0] in people
    whole = {division.fold: division.of(dataset) for division in made_folds(5, "group")}
    assert not any(cut in line for line in remarks_on(whole))


OWN = {
    "first": {"training": ["r00", "r01"], "validation": ["r10"], "test": ["r20", "r21"]},
    "second": {"training": ["r20"], "validation": ["r11"], "test": ["r00", "r20" + "x"]},
}


def own(**changes):
    content = json.loads(json.dumps(OWN))
    content["second"]["test"] = ["r00", "r21"]
    return {**content, **changes}


def test_the_folds_that_a_data_set_brings_along(tmp_path: Path) -> None:
    plain = made(tmp_path / "plain")
    dataset = made(tmp_path, splits=own())
    assert dataset.content_hash != plain.content_hash
    assert plain.splits == {}
    assert not (plain.path / "splits.json").exists()
    divisions = own_folds(Dataset(dataset.path))
    assert divisions == (Division("first"), Division("second"))
    folds = {division.fold: division.of(dataset) for division in divisions}
    for name, fold in folds.items():
        assert {subset: list(fold.recordings(subset)) for subset in SUBSETS} == own()[name]
    said = list(remarks_on(folds))
    assert said[-2:] == [
        "1 recording is tested in more than one fold (r21, for one)",
        "3 recordings are tested in no fold (r01, for one)",
    ]
    with pytest.raises(InputError, match="has no fold third"):
        Division("third").of(dataset)


def test_splits_that_were_changed_or_taken_away_are_another_data_set(tmp_path: Path) -> None:
    file = made(tmp_path, splits=own()).path / "splits.json"
    written = file.read_text()
    file.write_text(written.replace("r01", "r11"))
    with pytest.raises(InputError, match=r"splits\.json was changed"):
        Dataset(file.parent)
    file.unlink()
    with pytest.raises(InputError, match="was changed"):
        Dataset(file.parent)
    file.write_text(written)
    Dataset(file.parent)


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (
            own(second={**OWN["first"], "dev": ["r00"]}),
            "fold second has a subset 'dev'; expected training, validation, test",
        ),
        (own(second={"training": ["r00"], "test": ["r10"]}), "fold second has no recordings for validation"),
        (own(second=OWN["second"]), "fold second names 'r20x', which is no recording of the data set"),
        (
            own(second={"training": ["r00"], "validation": ["r10"], "test": ["r00"]}),
            "fold second names 'r00' 2 times; once is right",
        ),
    ],
)
def test_splits_that_do_not_fit(tmp_path: Path, splits, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made(tmp_path, splits=splits)
    assert not (tmp_path / "data").exists()


def test_a_folder_of_folds(tmp_path: Path) -> None:
    def make(fold: str, folder: Path) -> None:
        annotations = Annotations({fold: Recording("test", 5.0, ())})
        write_dataset(folder, DatasetMetadata(fold, 1.0, "none", "here", "free"), annotations)

    sets = write_fold_sets(tmp_path / "all", ("1", "2"), make)
    found = fold_sets(tmp_path / "all")
    assert list(found) == ["1", "2"]
    assert [Dataset(folder).content_hash for folder in found.values()] == [one.content_hash for one in sets]
    assert fold_sets(tmp_path) == {}
    with pytest.raises(InputError, match="holds a data set of each of several folds; name one of the folders in it"):
        Dataset(tmp_path / "all")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "must name two or more folds"),
        ('{"1": "a"}', "must name two or more folds"),
        ('{"1": "a", "2": "../b"}', "fold '2': '../b' is no folder beside it"),
        ('{"1": "a", "2": 3}', "fold '2': 3 is no folder beside it"),
        ('{"1": "a", "x y": "b"}', "a fold is called 'x y'"),
    ],
)
def test_a_damaged_folder_of_folds(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "folds.json").write_text(content)
    with pytest.raises(InputError, match=said):
        fold_sets(tmp_path)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 4), min_size=3, max_size=12), st.sampled_from(["group", "recording"]))
def test_whatever_the_groups_every_recording_is_tested_once(tmp_path_factory, groups: list[int], by) -> None:
    content = {
        f"r{number}": Recording("training", 1.0 + number, (), group=f"g{one}") for number, one in enumerate(groups)
    }
    metadata = DatasetMetadata("d", 1.0, "none", "here", "free")
    dataset = write_dataset(tmp_path_factory.mktemp("folds") / "d", metadata, Annotations(content))
    most = len(set(groups)) if by == "group" else len(groups)
    if most < 3:
        return
    for count in range(3, min(most, 5) + 1):
        folds = [division.of(dataset) for division in made_folds(count, by)]
        assert sorted(name for fold in folds for name in fold.recordings("test")) == sorted(content)
