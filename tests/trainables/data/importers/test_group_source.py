"""Groups of anyone's recordings, and the test part that is made of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from frame_sets import write_set
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.data.dataset import SUBSETS
from crescendo.trainables.data.importers.directory import import_directory
from crescendo.trainables.data.importers.frames import import_frames
from crescendo.trainables.data.importers.splits import given_split
from crescendo.trainables.errors import InputError

WHO = {f"r{number}": "AAABBBCCCD"[number] for number in range(10)}
ALL_TRAIN = ("training",) * 10


def groups_of(dataset) -> dict:
    return {name: one.group for name, one in dataset.annotations.recordings.items()}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("who.csv", "recording,subject\n" + "".join(f"{name},{who}\n" for name, who in WHO.items())),
        ("who.csv", "\ufeffsubject;age;recording\r\n".replace("subject;age;recording", "recording;age;subject")
         + "".join(f"{name}.npy;4,5;{who}\r\n" for name, who in WHO.items())),
        ("WHO.TSV", "".join(f"{name}\t{who}\n" for name, who in WHO.items())),
        ("who.json", json.dumps(WHO)),
        ("who.json", "\ufeff" + json.dumps({who: [one for one in WHO if WHO[one] == who] for who in "ABCD"})),
        ("who.yaml", "".join(f"{name}: {who}\n" for name, who in WHO.items())),
    ],
)  # fmt: skip
@pytest.mark.parametrize("inside", [True, False])
def test_a_file_says_the_groups(raw, tmp_path: Path, file: str, text: str, inside: bool) -> None:
    root = raw.directory(subsets=ALL_TRAIN)
    (root if inside else tmp_path).joinpath(file).write_bytes(text.encode())
    dataset = import_directory(root, tmp_path / "a", fps=4.0, group=file if inside else str(tmp_path / file), test=0.3)
    assert groups_of(dataset) == WHO
    assert dataset.annotations.groups_are == ("subjects" if "subject" in text else "groups")
    named = dataset.annotations.groups_are
    assert dataset.metadata.notes[0].endswith(f": 10 recordings of 4 {named}")
    assert dataset.metadata.notes[1].startswith("no test subset: ")
    parts = {subset: {WHO[name] for name in dataset.recordings(subset)} for subset in SUBSETS}
    assert sum(map(len, parts.values())) == 4


def test_a_key_and_a_pattern_say_the_groups(raw, tmp_path: Path) -> None:
    root = raw.directory()
    by_key = import_directory(root, tmp_path / "key", fps=4.0, group="camera")
    assert groups_of(by_key) == {"r0": "0", "r1": "1", "r2": "2"}
    assert by_key.annotations.groups_are == "cameras"
    assert import_directory(root, tmp_path / "large", fps=4.0, group="Camera").content_hash == by_key.content_hash
    by_name = import_directory(root, tmp_path / "name", fps=4.0, group="(r)[01]")
    assert groups_of(by_name) == {"r0": "r", "r1": "r", "r2": None}
    assert by_name.metadata.notes[:2] == (
        "groups by (r)[01]: 2 recordings of 1 group",
        "1 recording has no group and stands alone: r2",
    )


def test_a_file_that_lacks_some_leaves_them_their_own_group(raw, tmp_path: Path) -> None:
    root = raw.directory(subsets=("training", "training", "validation", "test"))
    content = json.loads((root / "annotations.json").read_text())
    for name in ("r0", "r1"):
        content["database"][name]["group"] = f"old {name}"
    (root / "annotations.json").write_text(json.dumps(content))
    (root / "who.json").write_text(json.dumps({"r1": "new", "r2": "new"}))
    dataset = import_directory(root, tmp_path / "a", fps=4.0, group="who.json")
    assert groups_of(dataset) == {"r0": "old r0", "r1": "new", "r2": "new", "r3": None}
    assert dataset.metadata.notes[1:3] == (
        "1 recording keeps the group of the annotations: r0",
        "1 recording has no group and stands alone: r3",
    )


def test_frames_have_groups_and_a_test_part_too(tmp_path: Path) -> None:
    recordings = {
        f"P{person}_{number}": np.array(["x"] * 20 + ["bg"] * 20) for person in range(5) for number in range(2)
    }
    root = write_set(tmp_path / "set", recordings)
    (root / "who.csv").write_text("".join(f"{name},{name[:2]}\n" for name in recordings))
    given_file = import_frames(root, tmp_path / "file", fps=6.0, group="who.csv", test=0.2)
    by_name = import_frames(root, tmp_path / "name", fps=6.0, group="(P.)_.*", test=0.2)
    assert groups_of(given_file) == groups_of(by_name) == {name: name[:2] for name in recordings}
    assert [len(given_file.recordings(subset)) for subset in SUBSETS] == [6, 2, 2]
    assert given_file.content_hash == by_name.content_hash


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"group": "subject"}, "neither a file nor a key .* there are the keys camera"),
        ({"group": "who.csv"}, r"who\.csv: no such file"),
        ({"group": "(x)(y)"}, "one part in brackets"),
        ({"group": "(x"}, "no regular expression"),
        ({"group": "(x)y"}, "fits no recording"),
        ({"test": 0.2}, "has a test part already, of 1 recording"),
        ({"test": 1.0}, "--test must be a share"),
        ({"group": ("g.csv", "r0,A,1\nr1,B,2\n")}, "3 columns"),
        ({"group": ("g.csv", "r0\n")}, "RECORDING,GROUP"),
        ({"group": ("g.csv", "r0,\n")}, "'r0' has no group"),
        ({"group": ("g.csv", "r0,A\nr0,B\n")}, "is of 'A' and of 'B'"),
        ({"group": ("g.csv", "x,A\n")}, "says nothing of any recording"),
        ({"group": ("g.csv", b"r0,\xff\n")}, "UTF-8"),
        ({"group": ("g.json", "[1]")}, "must map recordings to groups"),
        ({"group": ("g.json", "{")}, "not valid JSON"),
        ({"group": ("g.yaml", "r0: []")}, "says nothing of any recording"),
        ({"group": ("g.yaml", "r0: {a: 1}")}, "'r0' has no group"),
    ],
)
def test_what_says_no_groups_is_refused(raw, tmp_path: Path, absent: Path, options: dict, says: str) -> None:
    root = raw.directory()
    if isinstance(options.get("group"), tuple):
        name, text = options["group"]
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        options = {"group": name}
    with pytest.raises(InputError, match=says) as caught:
        import_directory(root, absent, fps=4.0, **options)
    assert "\n" not in str(caught.value)


def test_too_few_groups_make_no_test_part(raw, tmp_path: Path, absent: Path) -> None:
    root = raw.directory(subsets=("training",) * 4)
    with pytest.raises(InputError, match="has 1 group to divide; it takes 3"):
        import_directory(root, absent, fps=4.0, group="(r).", test=0.2)
    alone = import_directory(root, tmp_path / "a", fps=4.0, group="(r).")
    assert alone.metadata.notes[1:] == (
        "no validation subset, and none can be made: 4 training recordings are of one group",
        "there is no validation part: no training can be validated",
        "there is no test part: nothing is tested",
    )


@given(
    groups=st.lists(st.sampled_from([None, "a", "b", "c", "d", "e"]), min_size=3, max_size=30),
    share=st.floats(0.01, 0.99),
)
def test_parts_that_are_made_never_cut_a_group(groups: list, share: float) -> None:
    recordings = {f"r{number}": Recording("training", 1.0, (), {}, group) for number, group in enumerate(groups)}
    annotations = Annotations(recordings)
    there = annotations.groups().count(list(recordings))
    if there < 3:
        with pytest.raises(InputError, match="it takes 3"):
            given_split(annotations, "x", share)
        return
    split, notes = given_split(annotations, "x", share)
    parts = {subset: split.of(subset) for subset in SUBSETS}
    assert sum(map(len, parts.values())) == len(recordings)
    assert sum(split.groups(part).count(list(part)) for part in parts.values()) == there
    assert len(notes) == 2
    # No more than its share but for the group that reaches it.
    largest = max(map(len, annotations.groups().members(list(recordings))))
    assert len(parts["test"]) < max(round(share * len(recordings)), 1) + largest
