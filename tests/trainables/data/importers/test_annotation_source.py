"""Recordings that people annotated with their tools: what becomes of usual and of odd files."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from annotation_tools import TOOLS

from crescendo.trainables.data.dataset import SUBSETS
from crescendo.trainables.data.importers.directory import import_directory
from crescendo.trainables.errors import InputError

MARKS = {f"r{number}": [(1.0, 2.5, "跳ぶ"), (4.0, 9.0 + number / 4, "run")] for number in range(4)}
HEADER = "recording,start,end,label\n"
WITH_PYMPI = pytest.mark.skipif(find_spec("pympi") is None, reason="ELAN documents take pympi")


def features(root: Path, names=tuple(MARKS), frames: int = 40, transposed: bool = False) -> Path:
    (root / "features").mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        matrix = np.full((frames + number, 3), number, np.float32)
        np.save(root / f"features/{name}.npy", matrix.T if transposed else matrix)
    return root


def files(root: Path, content: dict[str, str | bytes]) -> Path:
    for name, text in content.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def segments_of(dataset) -> dict:
    return {
        name: [(one.start, one.end, one.label) for one in recording.segments]
        for name, recording in dataset.annotations.recordings.items()
    }


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("transposed", [False, True])
def test_every_tool_makes_the_same_data_set(zipped, tmp_path: Path, tool: str, transposed: bool) -> None:
    root = features(tmp_path / "mine", transposed=transposed)
    where = TOOLS[tool](root, MARKS)
    dataset = import_directory(zipped(root, wrap="x"), tmp_path / "a", fps=4.0, annotations=where, test=0.25)
    assert {name: sorted(found) for name, found in segments_of(dataset).items()} == MARKS
    assert dataset.labels == ("background", "run", "跳ぶ")
    assert [len(dataset.recordings(subset)) for subset in SUBSETS] == [2, 1, 1]
    durations = {name: one.duration for name, one in dataset.annotations.recordings.items()}
    assert durations == {"r0": 10.0, "r1": 10.25, "r2": 10.5, "r3": 10.75}
    np.testing.assert_array_equal(dataset.features("r2"), np.full((42, 3), 2))
    assert dataset.metadata.notes[0].startswith("annotations: ")
    assert any(
        "recordings last 10 to 10.75 s, by their features at 4 frames" in note for note in dataset.metadata.notes
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_blanks_at_the_ends_of_labels_are_dropped_counted_and_listed(tmp_path: Path, tool: str) -> None:
    marks = {"r0": [(1.0, 2.0, "run "), (3.0, 4.0, "run"), (5.0, 6.0, " a b ")], "r1": [(1.0, 2.0, "run ")]}
    root = features(tmp_path / "mine", marks)
    dataset = import_directory(root, tmp_path / "a", fps=4.0, annotations=TOOLS[tool](root, marks))
    plain = {name: [(start, end, label.strip()) for start, end, label in found] for name, found in marks.items()}
    assert {name: sorted(found) for name, found in segments_of(dataset).items()} == plain
    said = "2 labels had blanks at the ends, which were dropped: ' a b ' (1 segment), 'run ' (2 segments)"
    assert said in dataset.metadata.notes


def test_annotations_that_nobody_names_are_found(tmp_path: Path) -> None:
    by_hand = {"audacity": "labels", "table": "annotations.csv"}
    hashes = set()
    for tool, where in by_hand.items():
        root = features(tmp_path / tool)
        assert TOOLS[tool](root, MARKS) == where
        hashes.add(import_directory(root, tmp_path / f"{tool}_made", fps=4.0).content_hash)
    assert len(hashes) == 1


def test_columns_of_a_table_say_part_group_and_length(tmp_path: Path) -> None:
    rows = [
        f"{name};{start};{end};{label};{part};p{name[1]};10,{name[1]}"
        for (name, found), part in zip(MARKS.items(), ("Train", "training", "val", "test"), strict=True)
        for start, end, label in found
    ]
    table = "recording;start;end;label;subset;subject;duration\n" + "\n".join(rows)
    root = files(features(tmp_path / "mine"), {"annotations.csv": table})
    dataset = import_directory(root, tmp_path / "a", fps=4.0, group="subject")
    assert [dataset.recordings(subset) for subset in SUBSETS] == [("r0", "r1"), ("r2",), ("r3",)]
    assert [one.group for one in dataset.annotations.recordings.values()] == ["p0", "p1", "p2", "p3"]
    assert dataset.annotations.groups_are == "subjects"
    assert dataset.annotations.recordings["r3"].duration == 10.3


def test_lists_say_the_parts_and_what_is_in_none_is_left_out(tmp_path: Path) -> None:
    root = features(tmp_path / "mine")
    lists = {"splits/train.txt": "r0\nr1\n", "splits/test.txt": "r2\nr9\n"}
    files(
        root,
        {**lists, "labels/r0.txt": "1\t2\ta\n", "labels/r1.txt": "", "labels/r2.txt": "1\t2\tb", "labels/r3.txt": ""},
    )
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    assert segments_of(dataset) == {"r0": [(1, 2, "a")], "r1": [], "r2": [(1, 2, "b")]}
    assert dataset.recordings("test") == ("r2",)
    assert "parts: as splits/train.txt, splits/test.txt list them" in dataset.metadata.notes
    assert "annotated recordings that stand in no list are left out: 1: r3" in dataset.metadata.notes
    assert "listed recordings that nobody annotated are left out: 1: r9" in dataset.metadata.notes


@pytest.mark.parametrize(
    ("subsets", "lists", "expected", "said"),
    [
        (
            ["test", "", "", ""],
            {},
            {"test": "r0"},
            ["3 recordings say no part and train: r1, r2, r3"],
        ),
        (
            ["train", "", "", ""],
            {"train.txt": "r1", "val.txt": "r2", "test.txt": "r0\nr3"},
            {"validation": "r2", "test": "r3", "training": "r0 r1"},
            [
                "parts: as train.txt, val.txt, test.txt list them where annotations do not say",
                "recordings whose annotations say another part, which counts: 1: r0",
            ],
        ),
        (
            ["train", "val", "", ""],
            {"lists/train.txt": "r0\nr2"},
            {"training": "r0 r2", "validation": "r1"},
            ["annotated recordings that stand in no list are left out: 1: r3"],
        ),
        (
            ["train", "train", "val", "test"],
            {"train.txt": "r0", "old/train.txt": "r1"},
            {"training": "r0 r1", "validation": "r2", "test": "r3"},
            ["lists of parts that were not read, as the annotations say the parts: 2: old/train.txt, train.txt"],
        ),
        (
            ["", "", "", ""],
            {"train_2.txt": "r3\nr2", "train_3.txt": "r1", "val_2.txt": "r1", "test_2.txt": "r0", "test_3.txt": "r0"},
            {"training": "r2 r3", "validation": "r1", "test": "r0"},
            [
                "parts: as train_2.txt, val_2.txt, test_2.txt list them",
                "lists of parts that were not read, as one division counts: 2: test_3.txt, train_3.txt",
            ],
        ),
    ],
)
def test_parts_come_from_the_annotations_before_lists_and_what_is_not_read_is_said(
    tmp_path: Path, subsets: list[str], lists: dict, expected: dict, said: list[str]
) -> None:
    rows = "".join(f"r{number},1,2,a,{subset}\n" for number, subset in enumerate(subsets))
    table = {"annotations.csv": f"recording,start,end,label,subset\n{rows}"}
    dataset = import_directory(files(features(tmp_path / "mine"), {**table, **lists}), tmp_path / "a", fps=4.0)
    recordings = dataset.annotations.recordings.items()
    of = {part: " ".join(name for name, one in recordings if one.subset == part) for part in expected}
    assert of == expected
    assert set(said) <= set(dataset.metadata.notes)


def test_lists_beside_annotations_that_say_all_parts_are_told(raw, tmp_path: Path) -> None:
    root = files(raw.directory(), {"test.txt": "no recording"})
    notes = import_directory(root, tmp_path / "a", fps=4.0).metadata.notes
    assert "lists of parts that were not read, as the annotations say the parts: 1: test.txt" in notes


def test_of_several_annotators_the_newest_counts(tmp_path: Path) -> None:
    root = features(tmp_path / "mine", ("r0", "r1", "r2"))
    for number, who in enumerate(("ann", "bob")):
        file = files(root, {f"by/{who}/r0.txt": f"1\t2\t{who}\n"}) / f"by/{who}/r0.txt"
        os.utime(file, (10**9 + number, 10**9 + number))
    files(root, {"by/r1.txt": "1\t2\tann", "by/r2.txt": "1\t2\tann"})
    dataset = import_directory(root, tmp_path / "files", fps=4.0, annotations="by")
    assert segments_of(dataset)["r0"] == [(1, 2, "bob")]
    said = "1 of 3 recordings has several annotators, the newest counts: of 'r0' that of by/bob/r0.txt (2001-09-09), not by/ann/r0.txt"  # noqa: E501
    assert said in dataset.metadata.notes
    os.utime(root / "by/ann/r0.txt", (10**9 + 1, 10**9 + 1))
    with pytest.raises(InputError, match="both annotate recording 'r0' and are equally new"):
        import_directory(root, tmp_path / "tie", fps=4.0, annotations="by")

    def rows(*times: str) -> str:
        told = zip(("ann", "bob", "ann"), ("r0", "r0", "r1"), times, strict=True)
        return "recording,start,end,label,annotator,annotated\n" + "".join(
            f"{name},1,2,{who},{who},{time}\n" for who, name, time in told
        )

    files(root, {"last.csv": rows("", "", ""), "dated.csv": rows("2026-02-01", "2026-01-31 10:00", "2026-01-01")})
    for table, who in (("last.csv", "bob"), ("dated.csv", "ann")):
        made = import_directory(root, tmp_path / table, fps=4.0, annotations=table)
        assert segments_of(made) == {"r0": [(1, 2, who)], "r1": [(1, 2, "ann")]}
        (said,) = (line for line in made.metadata.notes if line.startswith("1 of 2 recordings has several annotators"))
        # Nobody is called newer by the date of a file that holds both.
        assert (
            "that of bob (last in last.csv), not ann" if who == "bob" else "that of ann (2026-02-01), not bob"
        ) in said


def label_studio(*annotations: dict) -> str:
    return json.dumps([{"data": {"csv": "up/r0.csv"}, "annotations": list(annotations)}])


def region(start: object, end: object, *labels: object, kind: str = "timeserieslabels") -> dict:
    return {"type": kind, "value": {"start": start, "end": end, kind: list(labels)}}


@pytest.mark.parametrize(
    ("content", "options", "expected", "note"),
    [
        # A table with everything odd that spreadsheets do.
        ({"annotations.csv": "\ufeffRecording;Start;End;Label\r\n\r\nr0;1,5;2,25;Öl; \r\n ;;;\r\nr0.npy;0:00:03;00:04,5;b\r\n"}, {}, {"r0": [(1.5, 2.25, "Öl"), (3, 4.5, "b")]}, "annotations: a table"),  # noqa: E501
        ({"annotations.csv": ("sep=;\n" + HEADER.replace(",", ";") + "r0;1;2;a").encode("utf-16")}, {}, {"r0": [(1, 2, "a")]}, ""),  # noqa: E501
        ({"annotations.csv": 'r0,1,2,"a, b"\nr1,3,4,"c ""d"""\n'}, {}, {"r0": [(1, 2, "a, b")], "r1": [(3, 4, 'c "d"')]}, ""),
        ({"ANNOTATIONS.TSV": "label\tt_start\tt_end\tvideo\na\t1\t2\tr0.mp4\n"}, {"annotations": "ANNOTATIONS.TSV"}, {"r0": [(1, 2, "a")]}, ""),  # noqa: E501
        ({"annotations.csv": HEADER + "r0,1,2,a\nr1,,,\n"}, {}, {"r0": [(1, 2, "a")], "r1": []}, ""),
        ({"annotations.csv": HEADER + "r0,1,3,a\nr0,2,4,b\nr0,1,3,a\n"}, {}, {"r0": [(1, 3, "a"), (2, 4, "b"), (1, 3, "a")]}, "more than once"),  # noqa: E501
        ({"annotations.csv": HEADER + "r0,8,99,a\nr0,1,2,b\n"}, {"clip": True}, {"r0": [(8, 10, "a"), (1, 2, "b")]}, "were cut"),
        ({"annotations.csv": HEADER + "r0,8,10.9,a\nr0,5,5,b\n"}, {}, {"r0": [(8, 10.9, "a")]}, "left out, marks without length (points): 1: r0 5 s b"),  # noqa: E501
        ({"labels/r0.csv": "Start;End;Label\n1,5;2;a\n", "labels/r1.csv": "start,end,label\n", "labels/._r1.csv": b"\0\xff"}, {}, {"r0": [(1.5, 2, "a")], "r1": []}, "a table (2 files)"),  # noqa: E501
        ({"labels/r0.tsv": "1,2,a b\n"}, {}, {"r0": [(1, 2, "a b")]}, ""),
        # Tools.
        ({"labels/r0.TXT": "\ufeff1,5\t2,5\tå\r\n\\\t1\t2\r\n3\t3\t\r\n"}, {}, {"r0": [(1.5, 2.5, "å")]}, "marks without length (points): 1: r0 3 s"),  # noqa: E501
        ({"labels/r0.txt": "1\t2\ta", "labels/r1.txt": "", "labels/readme.md": "x"}, {}, {"r0": [(1, 2, "a")], "r1": []}, "Audacity (2 files)"),  # noqa: E501
        ({"e.csv": "Observation id,Subject,Behavior,Status,Time\nr0,A,a,START,1\nr0,B,a,START,2\nr0,A,a,STOP,3\nr0,B,a,STOP,4\nr0,A,p,POINT,4\n"}, {"annotations": "e.csv"}, {"r0": [(1, 3, "a"), (2, 4, "a")]}, "BORIS"),  # noqa: E501
        ({"e.json": label_studio({"completed_by": {"id": 1, "email": "a@x"}, "updated_at": "2026-01-01T00:00:00Z", "result": [region(1, 2, "old")]}, {"completed_by": 2, "updated_at": "2026-01-02T00:00:00Z", "result": [region(1, 2, "new"), region(3, 3, "point"), {"type": "choices", "value": {}}]}, {"was_cancelled": True, "result": []})}, {"annotations": "e.json"}, {"r0": [(1, 2, "new")]}, "that of annotator 2 (2026-01-02), not annotator a@x"),  # noqa: E501
    ],
)  # fmt: skip
def test_odd_files_are_read(tmp_path: Path, content: dict, options: dict, expected: dict, note: str) -> None:
    root = files(features(tmp_path / "mine", ("r0", "r1")), content)
    dataset = import_directory(root, tmp_path / "a", fps=4.0, **options)
    assert segments_of(dataset) == expected
    assert note in "\n".join(dataset.metadata.notes)


def test_what_label_studio_holds_besides_regions_is_counted(tmp_path: Path) -> None:
    tasks = [
        {
            "data": {"audio": "/data/upload/0a1b2c3d-r0.wav"},
            "annotations": [
                {"updated_at": "2026-01-01T00:00:00Z", "was_cancelled": True, "result": [region(1, 2, "a")]},
                {"updated_at": "2026-01-02T00:00:00Z", "result": [{"type": "rating", "value": {}}, region(3, 4, "b")]},
            ],
        },
        {"data": {}, "file_upload": "r1.csv", "annotations": [{"was_cancelled": True, "result": []}]},
    ]
    root = files(features(tmp_path / "mine", ("r0", "r1")), {"annotations.json": json.dumps(tasks)})
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    assert segments_of(dataset) == {"r0": [(3, 4, "b")]}
    assert {
        "left out, annotations that were cancelled: 2: r0, r1",
        "left out, results that are no labelled regions: 1: r0 rating",
    } <= set(dataset.metadata.notes)


def test_columns_that_say_several_things_of_a_recording_are_said(tmp_path: Path) -> None:
    rows = (
        "recording,start,end,label,sure,place,annotator\nr0,1,2,a,0.5,in,Ann\nr0,3,4,a,0.7,in,Ann\nr1,1,2,a,0.5,,Ann\n"
    )
    root = files(features(tmp_path / "mine", ("r0", "r1")), {"annotations.csv": rows})
    dataset = import_directory(root, tmp_path / "a", fps=4.0)
    assert {name: one.extra for name, one in dataset.annotations.recordings.items()} == {
        "r0": {"place": "in"},
        "r1": {"sure": "0.5"},
    }
    assert "left out, columns with several values in a recording: 1: r0 sure" in dataset.metadata.notes


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"annotations.csv": ""}, r"annotations\.csv: is empty"),
        ({"annotations.csv": b"PK\x03\x04xlsx"}, "is a spreadsheet, or another zip; save it as CSV"),
        ({"annotations.csv": "a,b\n1,2\n"}, "is text that begins 'a,b', no annotations that are known; expected ActivityNet's"),
        ({"annotations.csv": HEADER}, "annotates no recording"),
        ({"annotations.csv": HEADER + "r0,1,2\n"}, "row 2 has no label"),
        ({"annotations.csv": HEADER + ",1,2,a\n"}, "row 2 names no recording"),
        ({"annotations.csv": HEADER + "r0,one,2,a\n"}, "start 'one' and end '2'; expected seconds"),
        ({"annotations.csv": HEADER + "r0,nan,2,a\n"}, "start 'nan'"),
        ({"annotations.csv": HEADER + "r1,1,2,a\nr0,1,2,a\nr0,3,2,b\n"}, r"annotations\.csv: recording 'r0': segment 2 of 2, \[3, 2\] of 'b', ends before it starts"),  # noqa: E501
        ({"annotations.csv": HEADER + "r0,3,99,a\n"}, "up to 99 s, but its features .* last 10 s, 40 frames at 4 a .*--fps"),
        ({"annotations.csv": HEADER + "other,1,2,a\n"}, "recording 'other' has no features"),
        ({"annotations.csv": HEADER.encode() + b"r0,1,2,\xff\n"}, "must be UTF-8 text"),
        ({"annotations.csv": HEADER + "r0,1,2," + "x" * 200_000}, "is no table of cells"),
        ({"annotations.csv": "recording,start,end,label,subset\nr0,1,2,a,train\nr0,3,4,a,test\n"}, "several values of subset"),
        ({"annotations.csv": "recording,start,end,label,duration\nr0,1,2,a,long\n"}, "duration 'long'"),
        ({"annotations.json": "[1]"}, "is JSON, a list of 1, no annotations"),
        ({"annotations.json": '{"behaviors_conf": {}}'}, "project of BORIS; export its events"),
        ({"annotations.json": label_studio({"result": [region("2026-01-01", "2026-01-02", "a")]})}, "no times in seconds"),
        ({"annotations.json": label_studio({"result": [region(1, 2)]})}, "has 0 labels"),
        ({"annotations.json": label_studio({"result": 5})}, "Label Studio's tasks"),
        ({"annotations.json": label_studio({"completed_by": 1, "result": [region(1, 2, "a")]}, {"completed_by": 2, "result": [region(1, 3, "a")]})}, r"annotations\.json: annotator 1 and annotator 2 both annotate recording 'r0' and are equally new; leave one out"),  # noqa: E501
        ({"annotations.tsv": "Observation id\tMedia file name\tBehavior\tStart (s)\tStop (s)\nbefore\tr0.mp4\ta\t1\t2\nafter\tr0.mp4\ta\t3\t4\n"}, "before and after both annotate recording 'r0'"),  # noqa: E501
        ({"annotations.json": '[{"data": {}, "annotations": [{"result": []}]}]'}, "names no file"),
        ({"labels/r0.txt": "1\t2\ta\n1\tx\tb\n"}, "line 2 is no label"),
        ({"labels/r0.txt": "1\t2\t\n"}, "line 1 has no label"),
        ({"labels/r0.txt": "1\t2\ta", "train.txt": "r7"}, r"no annotated recording \(r0\) stands in the lists"),
        ({"labels/r0.txt": "hello"}, "is text that begins 'hello'"),
        ({"labels/r0.wav": "x"}, r"holds no annotations but labels/r0\.wav"),
        pytest.param({"annotations/r0.eaf": "<ANNOTATION_DOCUMENT>"}, "damaged ELAN document", marks=WITH_PYMPI),
        pytest.param({"annotations/r0.eaf": "<!DOCTYPE x><ANNOTATION_DOCUMENT/>"}, "declares entities", marks=WITH_PYMPI),
        ({"annotations/r0.eaf": "<TEI/>"}, "is XML that begins '<TEI/>'"),
        ({"annotations.tsv": "Observation id\tBehavior\tStatus\tTime\nr0\ta\tSTART\t1\n"}, "'a', which starts at 1 s, has no STOP"),  # noqa: E501
        ({"annotations.tsv": "Observation id\tBehavior\tStatus\tTime\nr0\ta\tSTOP\t1\n"}, "does not fit what comes before it"),
        ({"annotations.tsv": "Observation id\tBehavior\tStart (s)\tStop (s)\nr0\ta\tNA\t1\n"}, "'start \\(s\\)' is 'NA'"),
        ({"annotations.tsv": "Observation id\tBehavior\tStart (s)\tStop (s)\nr0\t\t1\t2\n"}, "without a behavior"),
        ({"annotations/a.json": '{"database": {}}', "annotations/b.json": '{"database": {}}'}, "is one of 2 files of annotations"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_cannot_be_read_ends_in_one_line(tmp_path: Path, absent: Path, content: dict, says: str) -> None:
    root = files(features(tmp_path / "mine", ("r0", "r1")), content)
    with pytest.raises(InputError, match=says) as caught:
        import_directory(root, absent, fps=4.0)
    assert "\n" not in str(caught.value)


def test_tiers_of_elan_are_named_where_it_cannot_be_told(tmp_path: Path, absent: Path) -> None:
    root = features(tmp_path / "mine", ("r0",))
    document = pytest.importorskip("pympi.Elan").Eaf(author="nobody")
    document.add_tier("deeds", ann="Ann", part="P7")
    document.add_tier("words", ann="Bob")
    document.add_annotation("deeds", 1000, 2000, "run")
    document.add_annotation("deeds", 3000, 4000)
    document.add_annotation("words", 1000, 2000, "hello")
    (root / "annotations").mkdir()
    document.to_file(str(root / "annotations/other.eaf"))
    document.to_file(str(root / "annotations/r0.eaf"))
    (root / "annotations/other.eaf").unlink()
    with pytest.raises(InputError, match=r"several annotators \(deeds by Ann; words by Bob\).*--tier"):
        import_directory(root, absent, fps=4.0)
    with pytest.raises(InputError, match="has no tier 'x'"):
        import_directory(root, absent, fps=4.0, tier=["x"])
    dataset = import_directory(root, tmp_path / "a", fps=4.0, tier=["deeds"], group="participant")
    assert segments_of(dataset) == {"r0": [(1, 2, "run"), (3, 4, "deeds")]}
    assert "annotations without text, called as their tier: 1: r0 3 s deeds" in dataset.metadata.notes
    assert dataset.annotations.recordings["r0"].group == "P7"


def test_elan_takes_pympi(tmp_path: Path, absent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = features(tmp_path / "mine")
    TOOLS["elan"](root, MARKS)
    monkeypatch.setitem(__import__("sys").modules, "pympi.Elan", None)
    with pytest.raises(InputError, match=r"takes pympi: pip install 'crescendo-ablation\[elan\]'"):
        import_directory(root, absent, fps=4.0)


def test_columns_of_tables_are_named_and_one_called_label_is_pointed_out(tmp_path: Path) -> None:
    rows = "acc,label\n" + "".join(f"{number / 8},{number % 2}\n" for number in range(40))
    tables = {f"features/{name}.csv": rows for name in MARKS}
    marks = HEADER + "".join(f"{name},1,3,run\n" for name in MARKS)
    dataset = import_directory(
        files(tmp_path / "mine", {"annotations.csv": marks, **tables}), tmp_path / "made", fps=4.0
    )
    assert dataset.metadata.features == "as given, the columns acc, label"
    assert [note for note in dataset.metadata.notes if note.startswith("the column 'label' is a feature")]


def test_the_index_that_pandas_writes_is_pointed_out(tmp_path: Path) -> None:
    root = files(tmp_path / "mine", {"annotations.csv": HEADER + "".join(f"{name},1,3,run\n" for name in MARKS)})
    for name in MARKS:
        pd.DataFrame({"acc": np.linspace(0, 1, 40), "gyro": np.linspace(1, 0, 40)}).to_csv(root / f"{name}.csv")
    dataset = import_directory(root, tmp_path / "made", fps=4.0)
    said = [note for note in dataset.metadata.notes if "is a feature" in note]
    assert said == [
        "the column 'Unnamed: 0' is a feature, as all columns of numbers are; take it out of the tables if it only counts the "
        "frames"
    ]


def test_one_matrix_that_lies_the_other_way_round_is_named(tmp_path: Path, absent: Path) -> None:
    root = features(tmp_path / "mine", ("r0", "r1", "r2"))
    features(root, ("r1",), transposed=True)
    files(root, {"annotations.csv": HEADER + "r0,8,9,a\nr1,8,9,a\nr2,8,9,a\n"})
    for clip in (False, True):
        with pytest.raises(
            InputError, match=r"r1\.npy: has 40 features a frame, but 'r0' has 3; its axes .* transpose it$"
        ):
            import_directory(root, absent, fps=4.0, clip=clip)
