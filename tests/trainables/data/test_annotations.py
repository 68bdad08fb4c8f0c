"""ActivityNet's annotation format."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Annotations, Recording, Segment, read_annotations
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.json_files import write_json


def file_of(folder: Path, *segments: object, **entry: object) -> Path:
    one = {"duration": 10.0, "subset": "training", "annotations": list(segments), **entry}
    path = folder / "a.json"
    path.write_text(json.dumps({"version": "1", "database": {"r": one}}))
    return path


def segment(start: object, end: object) -> dict[str, object]:
    return {"segment": [start, end], "label": "run"}


times = st.floats(0, 100, allow_nan=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(min_size=1),
        st.tuples(
            st.sampled_from(["training", "test"]),
            st.none() | st.text().filter(str.strip),
            st.lists(st.tuples(st.text().filter(str.strip), st.tuples(times, times).map(sorted))),
        ),
    )
)
def test_round_trip(tmp_path: Path, content) -> None:
    annotations = Annotations(
        {
            name: Recording(
                subset, 100.0, tuple(Segment(label, *bounds) for label, bounds in segments), {"key": [1]}, group
            )
            for name, (subset, group, segments) in content.items()
        },
        "version 7",
        ({"node": 1},),
        groups_are="people",
    )
    write_json(tmp_path / "a.json", annotations.to_json())
    assert read_annotations(tmp_path / "a.json") == annotations


def test_gzip_is_read_and_a_cut_one_refused(tmp_path: Path) -> None:
    data = gzip.compress(file_of(tmp_path, segment(1, 2)).read_bytes())
    (tmp_path / "b.json.gz").write_bytes(data)
    assert read_annotations(tmp_path / "b.json.gz").recordings["r"].segments == (Segment("run", 1.0, 2.0),)
    (tmp_path / "b.json.gz").write_bytes(data[:-10])
    with pytest.raises(InputError, match=r"b\.json\.gz: not a complete gzip file"):
        read_annotations(tmp_path / "b.json.gz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "lacks the object 'database'"),
        ('{"database": []}', "lacks the object 'database'"),
        ('{"database": {"r": 1}}', "recording 'r' is no object"),
        ('{"database": {"r": {"subset": "training", "annotations": []}}}', "lacks the key 'duration'"),
        ('{"database": {"r": {"duration": 1, "annotations": []}}}', "lacks the key 'subset'"),
        ('{"database": {"r": {"duration": 1, "subset": "training"}}}', "lacks the key 'annotations'"),
        ('{"database": {"r": {"duration": NaN, "subset": "t", "annotations": []}}}', "has duration nan"),
        ('{"database": {"r": {"duration": "1", "subset": "t", "annotations": []}}}', "has duration '1'"),
        ('{"database": {"r": {"duration": 1, "subset": "t", "annotations": {}}}}', "must be a list"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_annotations(tmp_path / "a.json")
    assert str(tmp_path / "a.json") in str(error.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (segment(5, 3), r"\[5\.0, 3\.0\] of 'run' ends before it starts"),
        (segment(-1.1, 3), r"lies outside the recording's \[0, 10\.0\] by more than 1 s"),
        (segment(8, 11.5), "lies outside the recording"),
        (segment("1", 2), "expected \\[start, end\\] in seconds"),
        (segment(1, None), "expected \\[start, end\\] in seconds"),
        ({"segment": [1, 2]}, "lacks 'segment' or 'label'"),
        ({"label": "run"}, "lacks 'segment' or 'label'"),
        ({"segment": [1, 2, 3], "label": "run"}, "expected \\[start, end\\]"),
    ],
)
def test_bad_segments_are_refused(tmp_path: Path, entry: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_annotations(file_of(tmp_path, segment(1, 2), entry))


def test_further_faults_are_counted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"and 2 more faults"):
        read_annotations(file_of(tmp_path, segment(5, 3), segment(-2, 2), segment(7, 6)))


def test_clip_cuts_and_drops(tmp_path: Path) -> None:
    path = file_of(tmp_path, segment(-1, 3), segment(8, 12), segment(11, 12), segment(5, 3), segment(1, 2))
    found = read_annotations(path, clip=True)
    assert found.recordings["r"].segments == (
        Segment("run", 0.0, 3.0),
        Segment("run", 8.0, 10.0),
        Segment("run", 1.0, 2.0),
    )
    assert found.notes == (
        "segments that were cut to their recording: 2: r [-1, 3] run, r [8, 12] run",
        "segments that were dropped, nothing is left of them: 2: r [11, 12] run, r [5, 3] run",
    )


def test_rounded_ends_and_zero_lengths_are_kept(tmp_path: Path) -> None:
    path = file_of(tmp_path, segment(8, 10.85), segment(4, 4), segment(-0.5, 1))
    assert len(read_annotations(path).recordings["r"].segments) == 3


def test_subset_that_is_empty_names_the_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="subset 'test' has no recordings; there are: training"):
        read_annotations(file_of(tmp_path)).of("test")


@pytest.mark.parametrize("label", [None, "", "  ", {}, {"name": "run"}, [], ["run"], True, False])
def test_what_is_no_label_is_refused_with_its_recording_and_place(tmp_path: Path, label) -> None:
    path = file_of(tmp_path, segment(0, 1), {"segment": [1, 2], "label": label})
    with pytest.raises(
        InputError, match=r"recording 'r': annotation 1 has label .* it must be the name of an activity"
    ):
        read_annotations(path)


def test_labels_that_are_numbers_become_text_and_it_is_said(tmp_path: Path) -> None:
    numbers = [{"segment": [0, 1], "label": label} for label in (3, 3, 2.5, "run", "3")]
    found = read_annotations(file_of(tmp_path, *numbers))
    assert [one.label for one in found.recordings["r"].segments] == ["3", "3", "2.5", "run", "3"]
    assert found.notes == ("labels that are numbers were read as text: 3, 2.5",)
    assert read_annotations(file_of(tmp_path, segment(0, 1))).notes == ()


@pytest.mark.parametrize("subset", [None, 3, {}, ["training"]])
def test_what_is_no_subset_is_refused(tmp_path: Path, subset) -> None:
    with pytest.raises(InputError, match=r"recording 'r' has subset .* it must be a text"):
        read_annotations(file_of(tmp_path, segment(0, 1), subset=subset))


@pytest.mark.parametrize("value", [float("nan"), [1, float("inf")], {"deep": {"er": float("-inf")}}])
def test_what_could_not_be_written_again_is_refused_where_it_is_read(tmp_path: Path, value) -> None:
    with pytest.raises(InputError, match="recording 'r': 'url' holds NaN or infinity"):
        read_annotations(file_of(tmp_path, segment(0, 1), url=value))
    path = tmp_path / "b.json"
    path.write_text(json.dumps({"taxonomy": [value], "database": {}}))
    with pytest.raises(InputError, match="'taxonomy' holds NaN or infinity"):
        read_annotations(path)


@pytest.mark.parametrize("group", ["", "  ", ["a"], {"a": 1}, True])
def test_a_group_that_is_no_name_is_refused(tmp_path: Path, group: object) -> None:
    with pytest.raises(InputError, match=r"a\.json: recording 'r' has group .*; it must be a text"):
        read_annotations(file_of(tmp_path, group=group))


def test_a_group_may_be_a_number_or_left_out(tmp_path: Path) -> None:
    assert read_annotations(file_of(tmp_path, group=7)).groups().of == {"r": "7"}
    assert read_annotations(file_of(tmp_path, group=None)).groups().of == {}


@pytest.mark.parametrize("noun", ["", 3, None])
def test_what_groups_are_called_is_a_text(tmp_path: Path, noun: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"groups_are": noun, "database": {}}))
    with pytest.raises(InputError, match=r"a\.json: 'groups_are' is .*; it must be a noun in the plural"):
        read_annotations(tmp_path / "a.json")
