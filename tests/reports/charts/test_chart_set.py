"""Charts show the model's numbers, look the same to everybody, and come out as the same bytes."""

import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_model import BASELINE, BETTER, FRACTIONS, IOU, LABELS, WORSE, estimate, invented, unfinished

from crescendo.reports.analysis.alarm_hours import AlarmHours
from crescendo.reports.analysis.arm_summary import ProgressionCurves, ProgressionSnapshot
from crescendo.reports.analysis.segmental import SegmentalSummary
from crescendo.reports.charts import style
from crescendo.reports.charts.budget import budget_curve
from crescendo.reports.charts.chart import Numbers
from crescendo.reports.charts.chart_set import charts
from crescendo.reports.charts.confusion import OTHERS
from crescendo.reports.charts.differences_of_causes import differences_of_causes
from crescendo.reports.charts.early_warning import time_to_detection
from crescendo.reports.charts.gains import gains, most_gained
from crescendo.reports.charts.progression import spread
from crescendo.reports.charts.search import map_against_lambda_r, map_against_merge_gap
from crescendo.reports.charts.style import ARMS, DARK, PAPER, STEPS, image, looks
from crescendo.reports.charts.style import BASELINE as GREY

CURVES = ProgressionCurves(*np.zeros((3, 20)))
ALL = [
    "difference_to_baseline",
    "mAP_against_iou",
    "early_against_fraction",
    "time_to_detection",
    "confusion_matrix",
    "differences_of_causes",
    "false_positives",
    "mAP_without",
    "errors_by_length_and_place",
    "reliability",
    "gains_detection",
    "gains_early",
    "progression",
    "progression_while_training",
    "budget_curve",
    "mAP_against_lambda_r",
    "mAP_against_merge_gap",
    "optimisation_history",
    "timeline_1",
    "timeline_2",
    "timeline_3",
]  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    found, left_out = charts(invented())
    assert left_out == []
    return {chart.name: chart for chart in found}


def test_a_complete_study_has_every_chart_and_each_says_how_it_was_computed(drawn):
    assert list(drawn) == ALL
    for chart in drawn.values():
        assert chart.title
        assert chart.caption.endswith(".")
        assert chart.numbers.rows


def test_where_nothing_was_tested_no_chart_speaks_of_a_test():
    found, _ = charts(replace(invented(), untested="there is no test part"))
    for chart in found:
        labels = [text for axes in chart.figure.axes for text in (axes.get_xlabel(), axes.get_ylabel())]
        said = (chart.title, chart.caption, *chart.numbers.columns, *labels)
        assert not [text for text in said if re.search(r"\btest\b", str(text), re.IGNORECASE)], chart.name


def test_numbers_are_the_models_in_percent(drawn):
    model = invented()
    numbers = drawn["mAP_against_iou"].numbers
    assert numbers.columns == ("IoU threshold", BASELINE, BETTER, WORSE)
    assert [row[0] for row in numbers.rows] == [float(key) for key in IOU]
    assert [row[2] for row in numbers.rows] == [
        pytest.approx(100 * model.arm(BETTER).detection[key].mean) for key in IOU
    ]
    early = drawn["early_against_fraction"].numbers
    assert early.columns[1] == f"IoU 0.4: {BASELINE}"
    assert [row[0] for row in early.rows] == [100 * float(fraction) for fraction in FRACTIONS]
    assert early.rows[0][1] == pytest.approx(100 * model.arm(BASELINE).early["0.30"]["0.40"].mean)
    [score, margin] = drawn["difference_to_baseline"].numbers.rows[:2]
    assert (score[1], score[5], margin[1], margin[5]) == (BETTER, "better", WORSE, "undecided")
    assert score[2:5] == pytest.approx((6.0, 4.5, 7.5))


def test_every_number_of_a_chart_is_told_where_it_is_pointed_at(drawn):
    # Gains can be read off; on its way an activity is told in whole percent; shades have no text of their own.
    untold = {"largest gain", "course of the activity (%)", "from", "to"}
    for name, chart in drawn.items():
        told = "\n".join(spot.text for spot in chart.spots)
        lines = zip(chart.numbers.rows, chart.numbers.text(), strict=True)
        for row, texts in lines:
            for column, cell, shown in zip(chart.numbers.columns, row, texts, strict=True):
                if isinstance(cell, float) and (column not in untold or name == "difference_to_baseline"):
                    assert shown in told, (name, column)
        for spot in chart.spots:
            assert 0 <= spot.left < spot.left + spot.width < 100.01
            assert 0 <= spot.top < spot.top + spot.height < 100.01


def test_the_budget_curve_rises_to_the_best_trial_and_ends_with_the_confirmed_test(drawn):
    model, chart = invented(), drawn["budget_curve"]
    for arm in model.arms:
        rows = [row for row in chart.numbers.rows if row[0] == arm.name]
        assert [row[1] for row in rows] == [1, 2, 3]
        assert [row[2] for row in rows] == sorted(row[2] for row in rows)
        assert rows[-1][2] == pytest.approx(100 * (arm.search.best_objective))
        assert all(low <= best <= high for _, _, best, low, high, _ in rows)
        assert [row[5] for row in rows] == [100 * arm.detection["0.50"].mean] * 3
    assert "optimistic" in chart.caption
    assert "chose nothing" in chart.caption


def test_validation_figures_of_what_was_chosen_are_called_optimistic(drawn):
    for name in ("budget_curve", "mAP_against_lambda_r", "mAP_against_merge_gap", "optimisation_history"):
        assert "optimistic" in drawn[name].caption, name


def test_only_finished_trials_are_points_and_the_others_are_counted(drawn):
    for name in ("mAP_against_lambda_r", "optimisation_history"):
        assert "3 trials that did not finish are not shown" in drawn[name].caption
        assert all(row[1] <= 3 for row in drawn[name].numbers.rows)
    history = [row for row in drawn["optimisation_history"].numbers.rows if row[0] == BASELINE]
    assert [row[3] for row in history] == sorted(row[3] for row in history)
    assert {row[0] for row in drawn["mAP_against_lambda_r"].numbers.rows} == {BETTER, WORSE}


def searched(arm, variant, *names):
    """Return `arm` as if it added `variant`, its trials having searched settings of these names."""
    trials = tuple(
        replace(one, proposed={"dropout": 0.5, **dict.fromkeys(names, 0.1 * 2**one.number)})
        for one in arm.search.trials
    )
    found = replace(arm.search, trials=trials)
    replicates = tuple(replace(one, search=found) for one in arm.replicates)
    return replace(arm, name=f"variant={variant}", variant=variant, search=found, replicates=replicates)


def weights_of(*arms):
    """Return the chart of mAP against lambda_r of these arms."""
    [chart] = map_against_lambda_r(replace(invented(), arms=arms), looks([arm.name for arm in arms], arms[0].name))
    return chart


def test_an_arm_is_drawn_at_the_weight_of_its_own_loss_and_one_of_several_losses_is_named():
    first, second, third = invented().arms
    joint = "progress+smoothing"
    chart = weights_of(
        first,
        searched(second, "smoothing", "lambda_r.smoothing", "lambda_r"),
        searched(third, "my_losses:Own", "lambda_r.my_losses:Own"),
        searched(third, joint, "lambda_r.progress", "lambda_r.smoothing"),
        searched(third, "weighted", "lambda_r.confident"),
    )
    shown = {
        name: [row[2] for row in chart.numbers.rows if row[0] == name]
        for name in {row[0] for row in chart.numbers.rows}
    }
    weights = pytest.approx([0.1, 0.2, 0.4])
    assert shown == {"variant=smoothing": weights, "variant=my_losses:Own": weights}
    assert f"Not shown, for each of its losses has a weight of its own: variant={joint}." in chart.caption
    assert "ranking" not in chart.figure.axes[0].get_xlabel()


def test_a_searched_variant_is_drawn_at_the_weight_of_each_trials_variant():
    arm = invented().arms[1]
    names = ("none", "naive", "linear_early", "naive+weighted")
    values = ({}, {"lambda_r": 3.0}, {"lambda_r.linear_early": 0.7}, {"lambda_r.naive": 1.0, "lambda_r.weighted": 2.0})
    trials = tuple(
        replace(one, state="finished", objective=0.5, proposed={"variant": name, **weights})
        for one, name, weights in zip(arm.search.trials, names, values, strict=True)
    )
    found = replace(arm.search, trials=trials)
    one = replace(arm, variant=None, search=found, replicates=(replace(arm.replicates[0], search=found),))
    chart = weights_of(invented().arms[0], one)
    assert [row[1:3] for row in chart.numbers.rows] == [(2, 3.0), (3, 0.7)]


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        ((0, 3, 5, 10, 20), "the 5 merge gaps that were tried, 0 to 20"),
        ((2, 40), "the 2 merge gaps that were tried, 2 to 40"),
        ((7,), "a merge gap of 7"),
    ],
)
def test_only_merge_gaps_that_were_tried_are_points_joined_by_lines(tried, said):
    arm = invented().arms[1]
    found = replace(arm.search, gap_curve=tuple((gap, 0.5 + gap / 100) for gap in tried), merge_gap=tried[-1])
    model = replace(invented(), arms=(replace(arm, search=found),))
    [chart] = map_against_merge_gap(model, looks([arm.name], arm.name))
    curve, chosen = chart.figure.axes[0].lines
    assert (curve.get_drawstyle(), curve.get_marker() == "None") == ("default", False)
    assert list(curve.get_xdata()) == list(tried) == [row[0] for row in chart.numbers.rows]
    assert list(chosen.get_xdata()) == [tried[-1]]
    assert f"decoded with {said};" in chart.caption


def shifted(*gained):
    """Return what the charts of the labels that gained most show of labels that gained so, in points."""
    labels = [f"label {number}" for number in range(len(gained))]
    ap = {label: estimate(0.5) for label in labels}
    after = {label: estimate(0.5 + gain / 100) for label, gain in zip(labels, gained, strict=True)}
    first, second, _ = invented().arms
    arms = (replace(first, labels=ap, early_labels=ap), replace(second, labels=after, early_labels=after))
    return list(gains(replace(invented(), arms=arms), looks([BASELINE, BETTER], BASELINE)))


@pytest.mark.parametrize(
    ("gained", "flatter"), [((-3, 2), True), ((-3, -1), False), ((0, -4, -2), False), ((0, 0), False)]
)
def test_gains_are_said_to_flatter_where_there_are_any(gained, flatter):
    for chart in shifted(*gained):
        assert ("these gains flatter" in chart.caption, "No label gained" in chart.caption) == (flatter, not flatter)


@pytest.mark.parametrize("labels", [1, 2, 5])
def test_the_first_and_the_last_label_stand_within_the_frame(labels):
    for chart in shifted(*range(labels)):
        low, high = sorted(chart.figure.axes[0].get_ylim())
        assert (low <= -0.5, high >= labels - 0.5) == (True, True)


def test_the_axis_of_the_budget_does_not_name_one_split_for_points_of_two():
    model = invented()
    for untested in (None, "there is no test part"):
        one = replace(model, untested=untested)
        [chart] = budget_curve(one, looks([arm.name for arm in one.arms], BASELINE))
        [axes] = chart.figure.axes
        assert axes.get_ylabel() == "mAP at IoU 0.5 (%)"
        assert "validation" in axes.get_xlabel()
        assert axes.get_xticklabels()[-1].get_text() == one.scored


def test_every_column_of_a_charts_numbers_has_a_name(drawn):
    for name, chart in drawn.items():
        assert all(chart.numbers.columns), name


def test_scores_along_an_activity_are_told_in_percent(drawn):
    model = invented()
    of_arm = model.arm(BETTER).progression
    rows, columns = drawn["progression"].numbers.rows, drawn["progression"].numbers.columns
    for title, values in (
        ("score of the true label (%)", of_arm.score),
        ("score of the worst negative (%)", of_arm.worst_negative),
        ("margin (points)", of_arm.margin),
    ):
        place = columns.index(f"{title}: {BETTER}")
        assert [row[place] for row in rows] == pytest.approx(100 * values)


def test_a_timeline_lists_ground_truth_and_detections(drawn):
    rows = drawn["timeline_1"].numbers.rows
    assert rows[0] == ("ground truth", "jump", 2.0, 5.5, None)
    assert (BETTER, "jump", 2.5, 5.4, 0.8) in rows


def test_time_to_detection_has_a_point_for_each_rate_that_was_reached(drawn):
    model = invented()
    numbers = drawn["time_to_detection"].numbers
    assert numbers.columns == (
        "arm", "allowed a label", "false alarms/h", "seen, median (%)", "seen, 90 % quantile (%)", "announced (%)",
    )  # fmt: skip
    assert [row[:2] for row in numbers.rows[:3]] == [(BASELINE, "0.5/h"), (BASELINE, "1/h"), (BASELINE, "10/h")]
    assert numbers.rows[0][2:] == (1.0, pytest.approx(40.0), None, pytest.approx(70.0))
    shown = [[line.get_xdata().tolist() for line in axes.lines] for axes in drawn["time_to_detection"].figure.axes]
    assert shown == [[[1.0, 10.0, 100.0]] * 3, [[10.0, 100.0]] * 3, [[1.0, 10.0, 100.0]] * 3]
    costly = {rate: {**one, "cost": one["detected"]} for rate, one in model.arms[0].alarms.items()}
    [chart] = [
        one
        for one in charts(replace(model, arms=(replace(model.arms[0], alarms=costly), *model.arms[1:])))[0]
        if one.name == "time_to_detection"
    ]
    assert chart.numbers.columns[-1] == "cost, mean over alpha (%)"
    assert [row[-1] for row in chart.numbers.rows[:4]] == [*(pytest.approx(one) for one in (70.0, 80.0, 90.0)), None]
    assert len(chart.figure.axes) == 4
    share = model.arms[0].alarms["1/h"]["detected"]
    late = {rate: {**one, "latency_median": estimate(3.5)} for rate, one in costly.items()}
    arms = (replace(model.arms[0], alarms=late), *model.arms[1:])
    [chart] = time_to_detection(replace(model, arms=arms), looks([arm.name for arm in arms], BASELINE))
    assert chart.numbers.columns[-2:] == ("latency, median (s)", "cost, mean over alpha (%)")
    assert [row[-2] for row in chart.numbers.rows[:4]] == [3.5, 3.5, 3.5, None]
    assert "in seconds since the activity began" in chart.caption
    *shown, empty = chart.figure.axes
    assert (len(shown), empty.get_visible()) == (5, False)
    assert next(list(line.get_ydata()) for line in shown[3].lines) == [3.5, 3.5, 3.5]
    quiet = {"1/h": {"false_alarms_per_hour": share, "detected": share}}
    arms = tuple(replace(arm, alarms=quiet) for arm in model.arms)
    [chart] = [one for one in charts(replace(model, arms=arms))[0] if one.name == "time_to_detection"]
    assert chart.numbers.rows[0][3:] == (None, None, pytest.approx(80.0))
    assert len(chart.figure.axes) == 1
    assert "Seen:" not in chart.caption
    assert "a panel of what was seen" in chart.caption
    median = {"1/h": {**quiet["1/h"], "seen_median": share}}
    arms = tuple(replace(arm, alarms=median) for arm in model.arms)
    [chart] = time_to_detection(replace(model, arms=arms), looks([arm.name for arm in arms], BASELINE))
    assert "Seen: the part of an activity" in chart.caption


def test_no_axis_goes_past_what_a_share_can_be(drawn):
    for name in ("mAP_against_iou", "early_against_fraction", "time_to_detection", "budget_curve", "mAP_against_lambda_r",
                 "mAP_against_merge_gap", "optimisation_history"):  # fmt: skip
        for axes in drawn[name].figure.axes:
            low, high = axes.get_ylim()
            assert (low >= 0, high <= 100) == (True, True), name
    for axes in drawn["progression"].figure.axes:
        assert (axes.get_xlim(), max(map(abs, axes.get_ylim())) <= 100) == ((0, 100), True)
    wide = replace(invented().arms[1].difference["mAP/iou_0.50"], low=-2.5, high=2.6)
    arms = tuple(replace(arm, difference={"mAP/iou_0.50": wide} if arm.difference else {}) for arm in invented().arms)
    [chart] = [one for one in charts(replace(invented(), arms=arms))[0] if one.name == "difference_to_baseline"]
    assert chart.figure.axes[0].get_xlim() == (-100, 100)


def test_rates_that_are_not_calibrated_are_hollow_and_those_that_coincide_are_named():
    model = replace(invented(), alarm_hours=AlarmHours(validation=0.4, tested=2.0))
    [chart] = [one for one in charts(model)[0] if one.name == "time_to_detection"]
    assert [row[1:3] for row in chart.numbers.rows[:3]] == [("0.5/h", 0), ("1/h", 0), ("10/h", 4)]
    assert "allow 0, 0, 4 false alarms of a label" in chart.caption
    assert "(hollow points: 0.5, 1); 0.5 and 1 allow as many" in chart.caption
    hollow = [line for line in chart.figure.axes[0].lines if line.get_markerfacecolor() == PAPER]
    assert [list(line.get_xdata()) for line in hollow] == [[1.0, 10.0]] * 3


def test_runs_without_online_metrics_leave_the_chart_out_and_say_so():
    model = invented()
    found, left_out = charts(replace(model, arms=tuple(replace(arm, frame={}, alarms={}) for arm in model.arms)))
    assert [chart.name for chart in found] == [name for name in ALL if name != "time_to_detection"]
    assert [one.reason for one in left_out] == ["no confirmed run has online metrics; runs of this version have them"]


def test_without_frame_scores_the_timelines_say_so():
    model = invented()
    plain = replace(model, timelines=tuple(replace(one, scores={}, labels=(), fps=None) for one in model.timelines))
    found = {chart.name: chart for chart in charts(plain)[0]}
    assert "kept no frame scores" in found["timeline_1"].caption


def test_a_detection_of_a_label_that_the_test_split_lacks_has_a_row_of_its_own():
    model = invented()
    one = model.timelines[0]
    plain = replace(one, scores={}, labels=(), detections={BASELINE: (("swim", 1.0, 2.0, 0.5),)})
    [chart] = [chart for chart in charts(replace(model, timelines=(plain,)))[0] if chart.name == "timeline_1"]
    assert "swim" in image(chart.figure, "svg").decode()


def test_a_confusion_matrix_has_a_row_for_each_true_label(drawn):
    rows = drawn["confusion_matrix"].numbers.rows
    assert (BASELINE, "walk", "run", 20.0) in rows
    assert (BASELINE, "run", "run", 100.0) in rows
    assert len(rows) == 3 * 8


def test_why_arms_differ_is_drawn_in_numbers_for_a_hundred_activities(drawn):
    [first, *_] = drawn["false_positives"].numbers.rows
    assert first == (BASELINE, *[pytest.approx(30.0)] * 5, pytest.approx(150.0))
    assert drawn["mAP_without"].numbers.rows[-1] == ("missed", *[pytest.approx(5.0)] * 3)
    assert drawn["errors_by_length_and_place"].numbers.rows[4] == (
        BETTER, "length", "medium", pytest.approx(120.0), pytest.approx(14.0),
    )  # fmt: skip
    # A bin without frames has no point.
    assert [row[:2] for row in drawn["reliability"].numbers.rows[:2]] == [(BASELINE, 50.0), (BASELINE, 90.0)]
    assert drawn["reliability"].numbers.rows[1][2:] == (pytest.approx(85.0), 700)


def test_what_explains_a_difference_is_drawn_with_intervals_as_exploration(drawn):
    chart, model = drawn["differences_of_causes"], invented()
    rows = {row[:2]: row[2:] for row in chart.numbers.rows}
    assert {arm for _, arm in rows} == {BETTER, WORSE}
    gain = model.arm(WORSE).causes.gain["latency_median"]
    assert rows["latency of early warning (s)", WORSE] == (gain.mean, gain.low, gain.high)
    gain = model.arm(BETTER).causes.gain["double"]
    assert rows["double detections (for 100 activities)", BETTER] == (100 * gain.mean, 100 * gain.low, 100 * gain.high)
    assert "explores" in chart.caption
    markers = [line for axes in chart.figure.axes for line in axes.lines if line.get_marker() != "None"]
    assert {line.get_markerfacecolor() for line in markers} == {PAPER}


def test_differences_of_a_single_training_have_no_line_and_measures_that_no_run_has_no_panel():
    model = invented()
    few = {
        name: replace(one, low=None, high=None) for name, one in model.arm(WORSE).causes.gain.items() if "_" not in name
    }
    arms = (model.arm(BASELINE), replace(model.arm(WORSE), causes=replace(model.arm(WORSE).causes, gain=few)))
    [chart] = differences_of_causes(replace(model, arms=arms), looks([arm.name for arm in arms], BASELINE))
    assert {row[0].split(" (")[0] for row in chart.numbers.rows} == {
        "wrong label, poor overlap", "double detections", "background", "missed activities", "broken segments",
        "merging segments", "score below its maximum", "margin below its maximum",
    }  # fmt: skip
    assert {row[3:] for row in chart.numbers.rows} == {(None, None)}
    [left] = differences_of_causes(replace(model, arms=model.arms[:1]), looks([BASELINE], BASELINE))
    assert left.reason.startswith("it takes diagnosed runs")


def test_of_many_labels_those_with_the_most_wrong_frames_are_drawn():
    labels = tuple(f"label {number:02}" for number in range(30))
    confusion = 10 * np.eye(30, dtype=np.int64)
    confusion[25, 3] = 30
    many = SegmentalSummary({}, {}, labels, confusion)
    model = invented()
    arms = tuple(replace(arm, segmental=many) for arm in model.arms)
    [chart] = [one for one in charts(replace(model, arms=arms))[0] if one.name == "confusion_matrix"]
    named = {row[1] for row in chart.numbers.rows}
    assert len(named) == 20
    assert {"label 25", "label 03", OTHERS} <= named
    assert (BASELINE, "label 25", "label 03", 75.0) in chart.numbers.rows
    assert f"{19} labels with the most wrong frames" in chart.caption


def test_an_unfinished_study_leaves_charts_out_and_gives_the_reasons():
    found, left_out = charts(unfinished())
    assert found == []
    assert [one.name for one in left_out] == ALL[:-2]
    assert all(one.reason for one in left_out)


def test_a_single_seed_has_no_band_and_a_single_arm_no_differences():
    model = invented()
    one = model.arm(BASELINE)
    lone = {key: replace(value, low=None, high=None) for key, value in one.detection.items()}
    found, left_out = charts(replace(model, arms=(replace(one, detection=lone),), timelines=()))
    assert "mAP_against_iou" in {chart.name for chart in found}
    assert {"difference_to_baseline", "gains_detection"} <= {entry.name for entry in left_out}


def test_the_same_content_gives_the_same_bytes_whatever_the_users_settings(drawn):
    names = itertools.product(("mAP_against_iou", "timeline_1", "gains_detection"), ("svg", "pdf", "png"))
    before = {(name, kind): image(drawn[name].figure, kind) for name, kind in names}
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        again = {chart.name: chart for chart in charts(invented())[0]}
        assert mpl.rcParams["font.size"] == 30
    for (name, kind), content in before.items():
        assert image(again[name].figure, kind) == content, (name, kind)
    assert before["timeline_1", "pdf"] == image(drawn["timeline_1"].figure, "pdf")


def test_names_are_drawn_as_they_are(drawn):
    svg = image(drawn["gains_detection"].figure, "svg").decode()
    texts = {"".join(node.itertext()) for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    assert set(LABELS) <= texts


def test_on_the_page_every_colour_follows_the_theme(drawn):
    for chart in drawn.values():
        svg = style.themed_svg(chart.svg, chart.name, "a chart")
        ET.fromstring(svg)
        assert set(re.findall(r"#[0-9a-fA-F]{6}\b", re.sub(r"(base64,)[^\"]*", r"\1", svg))) <= {style.HEAT}
        assert set(re.findall(r"var\((--[0-9a-z]+)\)", svg)) <= set(re.findall(r"(--[0-9a-z]+):", style.theme()[1]))


def test_a_label_that_looks_like_a_colour_or_an_id_is_shown_as_it_is():
    text = f'{style.INK} id="a" href="#b" url(#c)'
    figure, [[axes]] = style.panels(1, 1, 3, 2)
    axes.set_title(text)
    assert text in "".join(ET.fromstring(style.themed_svg(image(figure, "svg"), "chart", "a chart")).itertext())


def test_arms_differ_in_more_than_colour():
    names = [f"arm {number}" for number in range(281)]
    found = looks(names, names[3])
    assert found[names[3]] == style.ArmStyle(GREY, "o", "-")
    assert len({(one.colour, one.marker, one.dashes) for one in found.values()}) == 281
    in_grey = [(one.marker, one.dashes) for one in list(found.values())[:8]]
    assert len(set(in_grey)) == 8


# Machado, Oliveira, Fernandes 2009, severity 1.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def linear(colour):
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(light):
    cones = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
    opponents = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
    return opponents @ np.cbrt(cones @ np.clip(light, 0, 1))


def contrast(colour, ground):
    luminances = sorted(np.array([0.2126, 0.7152, 0.0722]) @ linear(one) for one in (colour, ground))
    return (luminances[1] + 0.05) / (luminances[0] + 0.05)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("dark", [False, True])
def test_colour_blind_readers_tell_the_arms_apart(deficiency, dark):
    colours = [DARK[one] if dark else one for one in (GREY, *ARMS)]
    seen = [oklab(np.array(DEFICIENCIES[deficiency]) @ linear(one)) for one in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.06


def test_colours_stand_out_from_their_ground_and_shades_rise():
    for dark, ground in ((False, PAPER), (True, DARK[PAPER])):
        assert min(contrast(DARK[one] if dark else one, ground) for one in (GREY, *ARMS)) > 2.5
        steps = [contrast(DARK[one] if dark else one, ground) for one in STEPS]
        assert steps == sorted(steps)


@given(
    st.dictionaries(
        st.sampled_from(["none", "score", "margin"]),
        st.dictionaries(st.text("abc", min_size=1, max_size=2), st.floats(0, 1), min_size=1),
    ).filter(lambda ap: "none" in ap),
    st.integers(1, 5),
)
def test_no_label_left_out_gained_more_than_one_shown(ap, limit):
    def gain(label):
        others = [arm for name, arm in ap.items() if name != "none" and label in arm]
        return max((arm[label] - ap["none"][label] for arm in others if label in ap["none"]), default=0.0)

    shown = most_gained(ap, "none", limit)
    everything = {label for arm in ap.values() for label in arm}
    assert len(shown) == min(limit, len(everything))
    assert [gain(label) for label in shown] == sorted((gain(label) for label in shown), reverse=True)
    assert all(gain(label) <= gain(shown[-1]) for label in everything - set(shown))


@given(st.lists(st.integers(1, 1000), unique=True).map(sorted))
def test_snapshots_shown_are_few_and_hold_the_first_and_the_last(iterations):
    shown = [one.iteration for one in spread([ProgressionSnapshot(iteration, CURVES) for iteration in iterations])]
    assert len(shown) == min(len(iterations), 5)
    assert shown == sorted(set(shown))
    if iterations:
        assert (shown[0], shown[-1]) == (iterations[0], iterations[-1])


def test_numbers_are_written_as_their_columns_ask():
    numbers = Numbers(("name", "x", "y"), (("a", 0.123456, 51.25), ("b", 3, None)), ("", ".3g", ".1f"))
    assert numbers.text() == [["a", "0.123", "51.2"], ["b", "3", "–"]]


def test_a_home_that_cannot_be_written_is_not_talked_of():
    code = "import crescendo.reports.charts.style"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL"))}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**environment, "HOME": "/dev/null"}, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
