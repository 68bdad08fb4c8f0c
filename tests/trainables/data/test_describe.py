"""The description of a data set."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.data.describe import covered_frames, describe, overlapping_pairs
from crescendo.trainables.data.importers.activitynet import import_activitynet

times = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)
segments = st.lists(st.tuples(st.sampled_from("ab"), times).map(lambda one: Segment(one[0], *one[1])), max_size=7)


@given(segments)
def test_overlapping_pairs_agree_with_literal_reference(content: list[Segment]) -> None:
    shared = [max(a.start, b.start) < min(a.end, b.end) for a, b in combinations(content, 2)]
    assert overlapping_pairs(content) == sum(shared)


@given(segments)
def test_covered_frames_agree_with_literal_reference(content: list[Segment]) -> None:
    labels = [{one.label for one in content if one.start <= (t + 0.5) / 2 < one.end} for t in range(50)]
    some, several = sum(map(bool, labels)), sum(len(one) > 1 for one in labels)
    assert covered_frames(Recording("t", 30.0, tuple(content)), 50, 2.0) == (some, several)


def test_what_lasts_thirty_years_or_has_many_segments_is_counted_at_once(tmp_path: Path) -> None:
    whole = Recording("training", 1e9, (Segment("run", 0.0, 1e9),) * 20_000)
    content = describe(
        write_dataset(tmp_path / "d", DatasetMetadata("mine", 1e6, "", "", ""), Annotations({"a": whole}))
    )
    assert (content["all"]["overlapping_pairs"], content["all"]["background_share"]) == (199_990_000, 0.0)


def test_counts(tmp_path: Path) -> None:
    recordings = {
        "a": Recording("training", 1800.0, (Segment("run", 0.0, 900.0), Segment("jump", 600.0, 1200.0))),
        "b": Recording("test", 1800.0, (Segment("run", 10.0, 10.05),)),
    }
    metadata = DatasetMetadata("mine", 1.0, "none", "here", "free", ("a note",))
    content = describe(write_dataset(tmp_path / "d", metadata, Annotations(recordings)))
    assert json.loads(json.dumps(content)) == content
    assert list(content["subsets"]) == ["training", "test"]
    assert content["notes"] == [
        "a note",
        "there is no validation part: no training can be validated",
        "no test segment covers a frame at 1 frame a second: nothing is tested",
        "1 segment covers no frame's centre, too short or after the last frame, and none is trained on: b [10, 10.05] run",
    ]
    whole, training = content["all"], content["subsets"]["training"]
    assert (whole["recordings"], whole["hours"], whole["frames"], whole["segments"]) == (2, 1.0, 3600, 3)
    assert whole["segments_per_label"] == {"jump": 1, "run": 2}
    assert training["segments_per_label"] == {"jump": 1, "run": 1}
    assert (training["overlapping_pairs"], training["overlapping_frames"], training["too_short"]) == (1, 300, 0)
    assert (whole["background_share"], training["background_share"]) == pytest.approx((2400 / 3600, 600 / 1800))
    assert content["subsets"]["test"]["too_short"] == 1
    assert whole["length_seconds"]["0.5"] == 600
    assert training["length_frames"] == dict(zip(["0", "0.25", "0.5", "0.75", "1"], np.r_[600:900:5j], strict=True))


def test_segments_without_a_frame_are_those_of_the_note(tmp_path: Path) -> None:
    metadata = DatasetMetadata("mine", 1.0, "none", "here", "free")
    runs = (Segment("run", 0.0, 2.0), Segment("run", 3.1, 3.2), Segment("run", 4.0, 6.0), Segment("run", 5.1, 5.9))
    content = describe(
        write_dataset(
            tmp_path / "d",
            metadata,
            Annotations({"a": Recording("training", 5.0, runs)}),
            frames={"a": 5},
            features=[np.zeros((5, 1), np.float32)],
            feature_dim=1,
        )
    )
    assert any(note.startswith("2 segments cover no frame's centre") for note in content["notes"])
    assert content["all"]["too_short"] == 2
    assert content["all"]["length_frames"] == {"0": 0, "0.25": 0, "0.5": 0.5, "0.75": 1.25, "1": 2}


def test_recordings_without_segments(tmp_path: Path) -> None:
    metadata = DatasetMetadata("mine", 1.0, "none", "here", "free")
    content = describe(write_dataset(tmp_path / "d", metadata, Annotations({"a": Recording("training", 5.0, ())})))
    assert content["all"]["length_seconds"] is None
    assert content["all"]["background_share"] == 1.0


def test_groups_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    metadata = DatasetMetadata("mine", 1.0, "none", "here", "free")
    names = ["user 11", "user 2", "user 100", "guest"]
    of = {name: Recording("training", 5.0, (), group=name) for name in names}
    content = describe(write_dataset(tmp_path / "d", metadata, Annotations(of)))
    assert content["groups"] == {"training": ["guest", "user 2", "user 11", "user 100"]}


def test_known_counts_of_activitynet(real_data: Path, tmp_path: Path) -> None:
    content = describe(import_activitynet(real_data / "activitynet", tmp_path / "a", annotations_only=True))
    assert content["all"]["overlapping_pairs"] == 574
    assert content["all"]["segments"] == 22_152
    assert content["subsets"]["test"]["too_short"] >= 3
