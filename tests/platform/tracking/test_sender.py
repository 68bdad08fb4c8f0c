from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from crescendo.platform.tracking.sender import together

RECORDS = st.lists(
    st.builds(
        lambda kind, identity: {"kind": kind, "identity": identity},
        st.sampled_from(["start", "metrics", "metrics", "metrics", "folder", "finish"]),
        st.sampled_from("abc"),
    )
)


def by_run(waiting):
    runs = defaultdict(list)
    for begin, record in waiting:
        runs[record["identity"]].append((begin, record["kind"]))
    return runs


@given(RECORDS)
def test_together_keeps_every_record_and_the_order_within_a_run(records):
    waiting = list(enumerate(records))
    groups = together(waiting)
    assert by_run(one for group in groups for one in group) == by_run(waiting)
    assert [group[0][0] for group in groups] == sorted(group[0][0] for group in groups)


@given(RECORDS)
def test_only_metrics_of_one_run_are_told_together(records):
    for group in together(enumerate(records)):
        assert len({record["identity"] for _, record in group}) == 1
        assert len(group) == 1 or {record["kind"] for _, record in group} == {"metrics"}


@given(st.lists(st.sampled_from("ab"), min_size=1))
def test_reports_of_trials_that_run_side_by_side_make_one_request_each(identities):
    records = [{"kind": "metrics", "identity": identity} for identity in identities]
    assert len(together(enumerate(records))) == len(set(identities))
