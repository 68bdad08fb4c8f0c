import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.platform.tracking.records import is_identity, is_whole

RUN = {"identity": "0123456789abcdef", "time": 1}
WHOLE = [
    {"kind": "study", "experiment": "quick", "study": "0123456789abcdef"},
    {"kind": "start", **RUN, "name": "none search 0", "tags": {"a": "b"}, "params": {"lambda_r": "6"}},
    {"kind": "metrics", **RUN, "source": "report", "metrics": [["loss", 0.5, 1], ["n", 3, 1]]},
    {"kind": "file", **RUN, "file": "study.json"},
    {"kind": "folder", **RUN, "folder": "trials/x", "place": ""},
    {"kind": "tags", **RUN, "tags": {"a": "b"}},
    {"kind": "finish", **RUN, "status": "FINISHED", "tags": {}},
    {"kind": "finish", **RUN, "status": "KILLED", "reason": None},
]


@pytest.mark.parametrize("record", WHOLE, ids=lambda record: record["kind"])
def test_a_record_is_whole_with_all_its_fields_and_with_none_taken_away_or_changed(record):
    assert is_whole(record)
    assert is_whole({**record, "of a later version": 1})
    for field in record.keys() - {"place", "reason"}:
        assert not is_whole({name: value for name, value in record.items() if name != field})
        for value in ([], 5.5, {"a": 1}, {"a": {}}, None, True) if field != "time" else ("x", -1, 2**63):
            assert not is_whole({**record, field: value}), (field, value)


@pytest.mark.parametrize("points", [[], [[]], ["loss"], [["loss", "0.5", 1]], [["loss", 0.5]], [["loss", 0.5, 2**70]]])
def test_points_of_another_form_are_no_metrics(points):
    assert not is_whole({"kind": "metrics", **RUN, "source": "rows", "metrics": points})
    assert not is_whole({"kind": "metrics", **RUN, "source": "rows", "metrics": [["loss", 10**400, 1]]})


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a\udcffb"])
def test_what_no_store_could_hold_is_no_text(text):
    for record in WHOLE:
        for field in record.keys() & {"experiment", "name", "file", "folder", "place", "status"}:
            assert not is_whole({**record, field: text}), field
        for field in record.keys() & {"tags", "params"}:
            assert not is_whole({**record, field: {"a": text}}), field
            assert not is_whole({**record, field: {text: "a"}}), field
        if record["kind"] == "metrics":
            assert not is_whole({**record, "metrics": [[text, 0.5, 1]]})


@pytest.mark.parametrize("place", ["..", "../../evil", "/evil", "model/../../evil"])
def test_a_place_among_artifacts_leads_nowhere_else(place):
    assert is_whole({"kind": "folder", **RUN, "folder": "trials/x", "place": "model/inner"})
    assert not is_whole({"kind": "folder", **RUN, "folder": "trials/x", "place": place})


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
)


@settings(max_examples=30)
@given(JSON)
def test_nothing_that_json_may_hold_breaks_the_look_at_it(content):
    assert is_whole(content) in (True, False)
    for record in WHOLE:
        for field in record:
            assert is_whole(json.loads(json.dumps({**record, field: content}))) in (True, False)


@pytest.mark.parametrize("text", ["", ".", "..", "../../evil", "a/b", "a b", "a'b", "x" * 65, "é", "a\n"])
def test_an_identity_is_no_path_and_no_query(text):
    assert not is_identity(text)
