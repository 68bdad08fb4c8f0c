"""What is seen first: question, answers, the picture of the differences, and what it cost."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from invented_model import BASELINE, BETTER, WORSE, invented, unfinished

from crescendo.reports.page.first_screen import first_screen
from crescendo.reports.page.forest import scale_of, strip_of


@pytest.fixture(scope="module")
def screen():
    return first_screen(invented())


def test_the_question_names_baseline_measure_and_margin(screen):
    assert screen.question == (
        f"Which arms are better or worse than {BASELINE}, and which are equivalent to it within 1 point, in test mAP at IoU 0.5?"
    )
    early = first_screen(replace(invented(), primary="early"))
    assert early.question.endswith("in test mAP at IoU 0.5 of early detection (30 % observed)?")


def test_every_arm_has_its_answer_with_difference_and_interval(screen):
    assert screen.headline == "1 arm is better and 1 arm is undecided,"
    assert screen.limits == "which holds for the settings that were chosen; the search's luck is not in it."
    baseline, better, undecided = screen.rows
    assert (baseline.arm, baseline.kind, baseline.reached, baseline.strip) == (BASELINE, "baseline", "65.0 ± 5.0", None)
    assert (better.arm, better.kind, better.difference, better.interval) == (BETTER, "better", "+6.0", "+4.5 to +7.5")
    assert (undecided.arm, undecided.kind, undecided.interval) == (WORSE, "undecided", "-2.0 to +2.0")
    assert better.told == f"{BETTER}: better\n+6.0 points, 95 % interval +4.5 to +7.5\np = 0.008"


def test_what_it_stands_on_and_what_it_cost(screen):
    assert dict(screen.facts) == {
        "Data": "synthetic",
        "Test": "50 recordings, 6 labels",
        "Each arm": "3 seeds",
        "Cost": "21 trainings, 54 minutes of training",
    }
    study = replace(invented().studies[0], provenance={"device": ("one machine", "another")})
    assert dict(first_screen(replace(invented(), studies=(study,))).facts)["Machine"] == "one machine; another"


@pytest.mark.parametrize(
    ("repeats", "folds", "end", "limits"),
    [
        (3, {}, ",", "which holds for this division into training and test recordings."),
        (1, {"1": 0.01, "2": 0.02, "3": 0.0}, ".", ""),
        (2, {"1": 0.01, "2": 0.02, "3": 0.0}, ".", ""),
    ],
)
@pytest.mark.parametrize("late", [(), ("seeds",), ("trials", "seeds")])
def test_what_the_answer_does_not_cover_stands_beside_it(repeats, folds, end, limits, late):
    def searched(arm):
        found = {key: replace(one, repeats=repeats, folds=folds) for key, one in arm.difference.items()}
        return replace(arm, difference=found)

    model = replace(invented(), arms=tuple(map(searched, invented().arms)), added_late=late)
    screen = first_screen(model)
    assert screen.headline == f"1 arm is better and 1 arm is undecided{end}"
    added = " and ".join(late).capitalize()
    assert screen.limits == " ".join(
        filter(None, [limits, f"{added} added after looking: p no longer holds." if late else ""])
    )


def test_arms_without_a_result_say_why():
    screen = first_screen(unfinished())
    assert screen.headline == "Nothing yet: no arm has a confirmed run."
    assert screen.limits == ""
    assert [row.kind for row in screen.rows] == ["baseline", "none", "none"]
    assert screen.rows[1].told == "none of its seeds is confirmed yet"
    assert screen.scale is None
    assert screen.explained == ""


ENDS = st.floats(-2, 2).map(lambda one: round(one, 4))


@example([(0.0, 0.0)], 0.0)
@example([(0.0, 0.0)], 1e-300)
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(ENDS, ENDS).map(sorted), min_size=1, max_size=5), st.floats(0, 0.2))
def test_everything_stands_on_the_axis_in_its_order(intervals, margin):
    scale = scale_of(intervals, margin)
    places = [place for place, _ in scale.ticks]
    assert places == sorted(places)
    assert len(places) >= 2
    assert scale.margin[0] <= scale.zero <= scale.margin[1]
    for place, text in scale.ticks:
        assert scale.place(float(text)) == pytest.approx(place)
    for low, high in intervals:
        strip = strip_of(scale, (low + high) / 2, low, high)
        assert 0 <= strip.left <= strip.at <= strip.left + strip.width + 0.02 <= 100.04


def test_an_interval_beyond_what_a_difference_can_be_ends_there():
    scale = scale_of([(-1.7, 1.7)], 0.01)
    assert scale.low == pytest.approx(-106)
    assert strip_of(scale, 0.0, -1.7, 1.7).at == 50
