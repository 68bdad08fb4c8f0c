"""Annotations of people's tools, read back."""

import itertools
import tempfile
from pathlib import Path

import pytest
from annotation_tools import KEEP_EMPTY, TOOLS
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.annotations import Segment
from crescendo.trainables.data.importers.annotation_tools.gathering import annotation_files, gathered, newest
from crescendo.trainables.data.importers.layout import selected
from crescendo.trainables.data.importers.raw_files import RawFiles

LABELS = st.sampled_from(["jump", "Übung 1", "跳ぶ", "a, b; c", "x \"y\" 'z'", "прыжок", "start", "1"])


@st.composite
def segments(draw) -> list[tuple[float, float, str]]:
    """Segments in order of time, in whole milliseconds, that do not touch."""
    bounds = draw(st.lists(st.integers(0, 90_000), max_size=8, unique=True).map(sorted))
    pairs = (
        itertools.batched(bounds, 2) if hasattr(itertools, "batched") else zip(bounds[::2], bounds[1::2], strict=False)
    )
    return [(pair[0] / 1000, pair[1] / 1000, draw(LABELS)) for pair in pairs if len(pair) == 2]


def read(folder: Path, where: str):
    with RawFiles(folder, "*", "annotations") as files:
        found = gathered(files, annotation_files(files, selected(files, where, "--annotations"), where))
    return newest(found.tracks, {"r-0", "é 1"}.__contains__)[0]


@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=15, deadline=None)
@given(first=segments(), second=segments())
def test_what_a_tool_wrote_is_read_back(tool: str, first: list, second: list) -> None:
    marks = {"r-0": first, "é 1": second}
    if tool not in KEEP_EMPTY:
        marks = {recording: found for recording, found in marks.items() if found} or {"r-0": [(1.0, 2.5, "jump")]}
    with tempfile.TemporaryDirectory() as folder:
        tracks = read(Path(folder), TOOLS[tool](Path(folder), marks))
    assert set(tracks) == set(marks)
    for recording, found in marks.items():
        expected = [Segment(label, start, end) for start, end, label in found]
        assert sorted(tracks[recording].segments, key=lambda one: one.start) == expected
