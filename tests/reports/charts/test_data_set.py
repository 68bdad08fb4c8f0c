"""The chart of a data set."""

import pytest
from matplotlib.figure import Figure

from crescendo.reports.charts.data_set import data_set_figure
from crescendo.reports.charts.style import image
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset

METADATA = DatasetMetadata("set_$x$", 2.0, "none", "x", "x")


def figure(folder, recordings: dict[str, Recording]) -> Figure:
    return data_set_figure(write_dataset(folder / "d", METADATA, Annotations(recordings)))


def test_segments_are_counted_by_part_and_the_most_varied_recordings_shown(tmp_path) -> None:
    def recording(subset: str, *labels: str) -> Recording:
        return Recording(subset, 10.0, tuple(Segment(label, float(at), at + 1.5) for at, label in enumerate(labels)))

    drawn = figure(
        tmp_path,
        {
            "dull": recording("training"),
            "one": recording("training", "a", "a"),
            "both": recording("training", "a", "b", "b"),
            "late": recording("test", "b"),
        },
    )
    counts, lengths, *timelines = drawn.axes
    assert [text.get_text() for text in counts.get_yticklabels()] == ["a", "b"]
    bars = [[bar.get_width() for bar in part] for part in counts.containers]
    assert bars == [[3, 2], [0, 1]]
    assert [text.get_text() for text in counts.get_legend().get_texts()] == ["training", "test"]
    titles = [one.get_title(loc="left") for one in timelines]
    assert titles == ["both (training)", "one (training)", "late (test)"]
    assert [len(one.collections[0].get_paths()) for one in timelines] == [3, 2, 1]
    assert "2 labels, 2 frames a second" in drawn.get_suptitle()
    assert lengths.get_xscale() == "log"


@pytest.mark.parametrize("labels", [0, 1, 60])
def test_any_number_of_labels_is_drawn(tmp_path, labels: int) -> None:
    segments = tuple(Segment(f"跳ぶ $x_{{{at}}}$ <b>", float(at), at + 1.0) for at in range(labels))
    drawn = figure(tmp_path, {"r": Recording("training", 100.0, (*segments, Segment("point", 5.0, 5.0)))})
    assert len(drawn.axes[0].get_yticks()) == min(labels + 1, 40)
    assert ("21 rarer labels are left out" in drawn.get_suptitle()) == (labels == 60)
    text = image(drawn, "svg").decode()
    assert ("跳ぶ $x_{0}$ &lt;b&gt;" in text) == (labels > 0)


@pytest.mark.parametrize("labels", [1, 4, 40])
def test_the_names_of_the_parts_lie_on_no_bar(tmp_path, labels: int) -> None:
    segments = tuple(Segment(f"label {at}", float(at), at + 1.0) for at in range(labels))
    parts = {subset: Recording(subset, 50.0, segments) for subset in ("training", "validation", "test")}
    drawn = figure(tmp_path, parts)
    drawn.draw_without_rendering()
    counts = drawn.axes[0]
    legend = counts.get_legend().get_window_extent()
    assert not legend.overlaps(counts.get_window_extent())
    assert not any(legend.overlaps(text.get_window_extent()) for text in counts.get_yticklabels())
    # It is narrower than its chart, and beside that is the one of the lengths.
    assert legend.x1 <= counts.get_window_extent().x1


def test_of_activities_that_overlap_the_one_that_started_later_lies_on_top(tmp_path) -> None:
    """As frames are labelled, wherever an activity stands in the file."""
    late, early = Segment("late", 4.0, 8.0), Segment("early", 1.0, 6.0)
    drawn = figure(tmp_path, {"one": Recording("training", 10.0, (late, early))})
    [bars] = drawn.axes[-1].collections
    assert [path.get_extents().x0 for path in bars.get_paths()] == [1.0, 4.0]
