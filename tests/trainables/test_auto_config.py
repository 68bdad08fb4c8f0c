"""`config: auto`."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.auto_config import AutoConfig, auto_config
from crescendo.trainables.config import configuration
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.errors import InputError


def auto(folder, fps: float, lengths: list[int], background: int = 400) -> AutoConfig:
    """Return what auto stands for where one training recording has activities of `lengths` frames, and `background` frames."""
    bounds = np.cumsum([0, *lengths]).tolist()
    segments = tuple(Segment("a", first / fps, last / fps) for first, last in itertools.pairwise(bounds))
    recordings = {
        "r": Recording("training", (bounds[-1] + background) / fps, segments),
        "long": Recording("test", 10_000 / fps, (Segment("a", 0.0, 5000 / fps),)),
    }
    metadata = DatasetMetadata("x", fps, "none", "x", "x")
    return auto_config(write_dataset(folder / "d", metadata, Annotations(recordings)))


@pytest.mark.parametrize(
    ("fps", "median", "background", "settings", "says"),
    [
        (6.25, 79, 400, (100, 20, 20), "a quarter more than the median"),  # as HAPT
        (10, 13, 400, (100, 20, 3), "no fewer than the paper's 100"),  # as TUG
        (15, 29, 400, (100, 20, 7), "no fewer than the paper's 100"),  # as GTEA
        (6, 161, 400, (205, 41, 20), "a quarter more than the median"),  # as ActivityNet
        (30, 900, 400, (400, 80, 100), "no more than 400"),
        (10, 13, 27, (40, 8, 3), "the longest training recording"),
        (10, 1, 1, (2, 1, 1), "the longest training recording"),
    ],
)
def test_what_follows_from_rate_and_median_length(tmp_path, fps, median, background, settings, says) -> None:
    found = auto(tmp_path, fps, [median], background)
    assert tuple(found.settings) == ("sequence_length", "bptt", "merge_gap")
    assert tuple(found.settings.values()) == settings
    assert says in found.reasons[0]
    assert f"the median activity has {median} frame{'' if median == 1 else 's'} (" in found.reasons[0]
    assert [line.split()[1] for line in found.reasons] == [str(value) for value in settings]


@given(fps=st.sampled_from([0.5, 6.25, 29.97, 100.0]), lengths=st.lists(st.integers(1, 2000), min_size=1, max_size=9))
def test_the_settings_are_always_sound(tmp_path_factory, fps: float, lengths: list[int]) -> None:
    found = auto(tmp_path_factory.mktemp("auto"), fps, lengths).settings
    configuration(found)  # which refuses more BPTT than sequence
    assert 1 <= found["merge_gap"] <= max(1, math.ceil(np.median(lengths) / 4), 1)


@pytest.mark.parametrize(
    ("fps", "median", "says"),
    [
        (5, 70, "merge_gap 16 frames (3.2 s): no more than the paper's 3.33 s"),  # 17 would be 3.4 s
        (6.25, 79, "merge_gap 20 frames (3.2 s): a quarter of the median activity"),
        (6, 161, "merge_gap 20 frames (3.33 s): no more than the paper's 3.33 s"),
    ],
)
def test_a_merge_gap_is_what_it_is_said_to_be(tmp_path, fps: float, median: int, says: str) -> None:
    assert auto(tmp_path, fps, [median]).reasons[2] == says


def test_without_a_segment_to_train_on_there_is_nothing_to_go_by(tmp_path) -> None:
    with pytest.raises(InputError, match="no training recording has any"):
        auto(tmp_path, 10, [])
