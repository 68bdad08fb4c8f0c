"""Names of metrics: what is written reads back equal, and what MLflow cannot keep apart is refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crescendo.trainables.evaluation.metric_keys import MEAN_AP, SPLITS, MetricKey, mean_ap_keys, number_key

NAMES = {
    "mAP/mean": MetricKey("mAP/mean"),
    "mAP/iou_0.50": MetricKey("mAP", iou=0.5),
    "test/mAP/iou_0.50": MetricKey("mAP", "test", iou=0.5),
    "test/mAP/mean": MetricKey("mAP/mean", "test"),
    "test/early/fraction_0.30/iou_0.50": MetricKey("early", "test", fraction=0.3, iou=0.5),
    "test/violations/score/share": MetricKey("violations/score/share", "test"),
    "test/frame_mAP": MetricKey("frame_mAP", "test"),
    "test/segmental/F1/iou_0.25": MetricKey("segmental/F1", "test", iou=0.25),
    "test/diagnosis/mAP_without/wrong_label/iou_0.50": MetricKey("diagnosis/mAP_without/wrong_label", "test", iou=0.5),
    "test/starts/p_mAP/offset_10s": MetricKey("starts/p_mAP", "test", offset=10.0),
    "test/online/detected/1_per_hour": MetricKey("online/detected", "test", rate=1.0),
    "test/online/false_alarms_per_hour/0.5_per_hour": MetricKey("online/false_alarms_per_hour", "test", rate=0.5),
    "test/curve/mAP_against_observed_fraction/iou_0.50": MetricKey(
        "curve/mAP_against_observed_fraction", "test", iou=0.5
    ),
    "training/loss": MetricKey("loss", "training"),
    "chosen/merge_gap": MetricKey("chosen/merge_gap"),
    "objective": MetricKey("objective"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_written_and_read(name):
    assert str(NAMES[name]) == name
    assert MetricKey.read(name) == NAMES[name]


@st.composite
def keys(draw):
    word = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True)
    share = st.none() | st.integers(1, 100).map(lambda percent: percent / 100) | st.floats(0.001, 1)
    words = draw(st.lists(word, min_size=1, max_size=3))
    try:
        return MetricKey(
            "/".join(words),
            draw(st.none() | st.sampled_from(SPLITS)),
            draw(share),
            draw(share),
            draw(st.none() | st.floats(0.01, 1000)),
        )
    except ValueError:  # words that read as a split or a number
        return MetricKey("mAP")


@given(keys())
def test_a_key_that_is_written_reads_back_equal(key):
    assert MetricKey.read(str(key)) == key


@given(st.text(alphabet="aimou_0.5/tes-e+", max_size=25))
@example("mAP/iou_0.5")
@example("iou_0.50/mAP")
@example("mAP/iou_0.50/iou_0.50")
@example("test")
@example("")
def test_a_name_is_refused_or_written_again_as_it_was(name):
    try:
        key = MetricKey.read(name)
    except ValueError:
        return
    assert str(key) == name


@pytest.mark.parametrize(
    "name",
    ["", "test", "mAP//mean", "mAP/iou_0.5", "mAP/iou_.50", "mAP@0.5", "iou_0.50/mAP", "mAP/iou_0.50/fraction_0.30"],
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="must be"):
        MetricKey.read(name)


@pytest.mark.parametrize("measure", ["test", "test/mAP", "mAP/iou_0.50", "1_per_hour", "mAP mean", ""])
def test_a_measure_that_reads_as_something_else_is_refused(measure):
    with pytest.raises(ValueError, match="a measure must be words"):
        MetricKey(measure)


def test_a_split_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a split must be one of training, validation, test but got 'testing'"):
        MetricKey("mAP/mean", "testing")


def test_thresholds_that_are_written_alike_are_the_same_key():
    assert MetricKey("mAP", iou=0.1 + 0.2) == MetricKey("mAP", iou=0.3)
    assert [number_key(value) for value in (0.1 + 0.2, 0.5, 1.0, 0.125, 1 / 3)] == [
        "0.30", "0.50", "1.00", "0.125", "0.333333333333",
    ]  # fmt: skip


def test_the_keys_of_mean_ap_are_those_of_the_thresholds_and_their_mean():
    assert [str(key) for key in mean_ap_keys([0.1, 0.55])] == ["mAP/iou_0.10", "mAP/iou_0.55", "mAP/mean"]
    assert MEAN_AP.on("validation") == MetricKey("mAP/mean", "validation")
