"""A subset decoded at once holds what each recording holds alone, with every merge gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.decoded_subset import decode_subset
from crescendo.trainables.inference.decoding import decode


class Listed:
    """Recordings of one subset, in file order, with the labels background, run and walk."""

    labels = ("background", "run", "walk")

    def __init__(self, frames):
        self._frames = frames

    def recordings(self, subset):
        return tuple(self._frames)

    def frames(self, recording):
        return self._frames[recording]


@st.composite
def scored(draw):
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    return {
        name: draw(arrays(np.float32, (draw(st.integers(0, 25)), 3), elements=st.sampled_from((0.125, 0.25, 0.7))))
        for name in names
    }


@given(scored(), st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_each_merge_gap_gives_what_decoding_recording_by_recording_gives(scores, merge_gaps):
    dataset = Listed({name: len(matrix) for name, matrix in scores.items()})
    decoded = decode_subset(dataset, "test", scores, merge_gaps)
    assert decoded.recordings == tuple(sorted(scores))
    for gap in merge_gaps:
        alone = decoded.at(gap)
        assert alone.merge_gap == gap
        spans = alone.by_recording()
        assert list(spans) == sorted(scores)
        for name, matrix in scores.items():
            expected = decode(matrix, gap)
            for column in ("label", "start", "end", "score"):
                assert getattr(spans[name], column).tolist() == getattr(expected, column).tolist()
        rows = list(zip(*(getattr(alone.spans, key).tolist() for key in ("recording", "label", "start")), strict=True))
        assert rows == sorted(rows)


def test_of_several_merge_gaps_one_is_to_be_named():
    decoded = decode_subset(Listed({"a": 4}), "test", {"a": np.full((4, 3), 0.5)}, [0, 3])
    with pytest.raises(ValueError, match="too many values"):
        decoded.by_recording()
    with pytest.raises(ValueError, match="not in tuple"):
        decoded.at(7)


def test_scores_that_are_none_are_named_with_their_recording():
    dataset = Listed({"a": 4})
    with pytest.raises(InputError, match="'a' has no scores"):
        decode_subset(dataset, "test", {}, [0])
    with pytest.raises(InputError, match="'a': the scores have shape"):
        decode_subset(dataset, "test", {"a": np.zeros((3, 3))}, [0])
    with pytest.raises(InputError, match="'a': scores of frame 0 hold NaN"):
        decode_subset(dataset, "test", {"a": np.full((4, 3), np.nan)}, [0])
