"""Whatever a file holds, it is read, or refused in one line."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.importers.annotation_tools.recognition import recognised
from crescendo.trainables.data.importers.annotation_tools.track import MarkedFile
from crescendo.trainables.errors import InputError

PIECES = st.sampled_from(
    [
        "recording", "start", "end", "label", "Observation id", "Behavior", "Status", "Time", "Start (s)", "Stop (s)", "START",
        "STOP", "POINT", "r0", "a b", "1", "2.5", "3,5", "0:01:02", "1e999", "nan", "-1", "", " ", '"', "\\", ",", ";", "\t", "\n",  # noqa: E501
        "\r\n", "\n\n", "\x00", "é", "跳", "{", "}", "[", "]", ":", "null", "1e400", '"data"', '"annotations"', '"result"', '"value"',  # noqa: E501
        '"type"', '"timeserieslabels"', '"start"', '"end"', '"annotation_id"', '"csv"', "sep=;", "<ANNOTATION_DOCUMENT>", "<", "/>",  # noqa: E501
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["data", "annotations", "result", "value", "type", "start", "end", "timeserieslabels", "labels", "id",
                         "completed_by", "updated_at", "annotation_id", "csv", "was_cancelled"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
NAMES = st.sampled_from(["x.csv", "x.txt", "x.tsv", "x.json", "x.eaf"])


def check(name: str, text: str) -> None:
    said, tracks = name, ()
    try:
        tracks = recognised(MarkedFile(name, name, text, 1.0)).tracks
    except InputError as error:
        said = str(error)
    assert name in said
    assert "\n" not in said
    assert all(segment.end > segment.start for track in tracks for segment in track.segments)
    assert all(track.names and all(track.names) for track in tracks)


@settings(max_examples=40)
@given(name=NAMES, pieces=st.lists(PIECES, max_size=30))
def test_pieces_of_every_form(name: str, pieces: list[str]) -> None:
    check(name, "".join(pieces))


@settings(max_examples=40)
@given(
    rows=st.lists(st.lists(PIECES, min_size=3, max_size=5), max_size=6),
    head=st.sampled_from(
        ["recording,start,end,label", "Observation id,Behavior,Status,Time", "Behavior,Start (s),Stop (s)", ""]
    ),
)
def test_rows_below_every_line_of_names(rows: list[list[str]], head: str) -> None:
    check("x.csv", "\n".join([head, *(",".join(row) for row in rows)]))


@settings(max_examples=40)
@given(
    tasks=st.lists(
        st.dictionaries(st.sampled_from(["data", "annotations", "annotation_id", "csv", "label"]), JSON, max_size=4)
    )
)
def test_json_of_every_shape(tasks: list) -> None:
    check("x.json", json.dumps(tasks))
