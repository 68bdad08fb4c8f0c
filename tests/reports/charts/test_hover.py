"""What a chart tells of a place: where the place is, and what it says."""

import pytest
from matplotlib.figure import Figure

from crescendo.reports.charts.hover import hover, hover_along, hover_rows, spots
from crescendo.reports.charts.style import panels


def blank(*, log=False):
    """A chart of 10 x 5 inches whose axes lie from a tenth to nine tenths of it; 0 to 8 across, 0 to 4 up."""
    figure, [[axes]] = panels(1, 1, 10, 5)
    figure.set_layout_engine(None)
    axes.set_position((0.1, 0.1, 0.8, 0.8))
    if log:
        axes.set_xscale("log")
    axes.set_xlim((1, 100) if log else (0, 8))
    axes.set_ylim(0, 4)
    return figure, axes


def centre(spot):
    return spot.left + spot.width / 2, spot.top + spot.height / 2


def test_a_point_is_told_where_it_is_drawn_and_is_large_enough_to_be_met():
    figure, axes = blank()
    hover(axes, "here", x=2.0, y=1.0)
    [spot] = spots(figure)
    # A quarter of the axes from their left and from their bottom.
    assert centre(spot) == pytest.approx((30, 70), abs=0.01)
    assert spot.width * 10 / 100 == pytest.approx(0.13, abs=0.001)
    assert spot.height * 5 / 100 == pytest.approx(0.13, abs=0.001)
    assert spot.text == "here"


def test_a_point_on_a_logarithmic_axis_is_told_where_it_is_drawn():
    figure, axes = blank(log=True)
    hover(axes, "here", x=10.0, y=4.0)
    assert centre(spots(figure)[0]) == pytest.approx((50, 10), abs=0.01)


def test_a_rectangle_keeps_its_edges_within_the_axes():
    figure, axes = blank()
    hover(axes, "here", x=(4.0, 99.0), y=(1.0, 2.0))
    [spot] = spots(figure)
    assert (spot.left, spot.top, spot.width, spot.height) == pytest.approx((50, 50, 40, 20), abs=0.01)


def test_points_on_one_another_are_one_place_that_tells_all():
    figure, axes = blank()
    for name, x in (("first", 2.0), ("second", 2.01), ("apart", 3.0)):
        hover(axes, name, x=x, y=1.0)
    assert [spot.text for spot in spots(figure)] == ["first\nsecond", "apart"]


def test_rows_are_told_from_the_first_on():
    figure, axes = blank()
    axes.set_ylim(3.5, -0.5)
    hover_rows(axes, ["a", "b"])
    first, second = spots(figure)
    assert (first.top, first.height, first.left, first.width) == pytest.approx((10, 20, 10, 80), abs=0.01)
    assert second.top == pytest.approx(30, abs=0.01)


def test_along_an_axis_every_place_tells_all_lines_the_highest_first():
    figure, axes = blank()
    lines = {"low {}": ([1, 2, 6], [1, 1, 1]), "high": ([1, 2], [2, 3])}
    hover_along(axes, "at {:g}".format, lines)
    found = spots(figure)
    assert [spot.text for spot in found] == [
        "at 1\n2.0 %  high\n1.0 %  low {}",
        "at 2\n3.0 %  high\n1.0 %  low {}",
        "at 6\n1.0 %  low {}",
    ]
    # Half the way to the neighbours, and as far to the other side at the ends: 0.5 to 1.5, to 4, to 8.
    assert [spot.left for spot in found] == pytest.approx([15, 25, 50], abs=0.01)
    assert [spot.left + spot.width for spot in found] == pytest.approx([25, 50, 90], abs=0.01)


def test_an_only_place_has_everything():
    figure, axes = blank()
    hover_along(axes, str, {"line": ([3], [1])}, unit=" points")
    [spot] = spots(figure)
    assert (spot.left, spot.width, spot.text) == (10, 80, "3.0\n1.0 points  line")


def test_a_figure_that_tells_nothing_has_no_places():
    assert spots(Figure()) == []
    with pytest.raises(TypeError):
        hover(Figure().subplots(), "here", x=1.0)
