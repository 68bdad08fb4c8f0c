"""Tables as CSV, Markdown and LaTeX."""

import csv
import io
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_model import BASELINE, BETTER, WORSE, estimate, invented

from crescendo.reports.analysis.alarm_hours import AlarmHours
from crescendo.reports.analysis.estimates import Estimate
from crescendo.reports.analysis.report_json import report_json
from crescendo.reports.escaping import latex_text
from crescendo.reports.formatting import (
    difference_text,
    estimate_text,
    hourly_text,
    measure_name,
    p_text,
    plain,
    points,
    range_text,
    signed,
)
from crescendo.reports.page.sentences import opening
from crescendo.reports.tables.table import Cell, Table
from crescendo.reports.tables.table_set import tables
from crescendo.trainables.evaluation.rate_interval import rate_interval
from crescendo.trainables.evaluation.start_detection import OFFSETS

TABLE = Table(
    "one",
    "A title",
    "How 50 % came about.",
    ("Arm", "mAP", "Note"),
    (
        (Cell("a_1"), Cell("52.6 ± 1.0", 52.6, 51.6, 53.6, bold=True), Cell("x|y")),
        (Cell("b & c"), Cell("-", None), Cell('say "no", twice')),
    ),
)


def test_csv_keeps_numbers_and_gives_intervals_columns_of_their_own():
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows == [
        ["Arm", "mAP", "mAP low", "mAP high", "Note"],
        ["a_1", "52.6000", "51.6000", "53.6000", "x|y"],
        ["b & c", "-", "", "", 'say "no", twice'],
    ]


def test_markdown_aligns_numbers_and_escapes():
    lines = TABLE.markdown().splitlines()
    assert lines[1] == "| --- | ---: | --- |"
    assert lines[2] == r"| a_1 | **52.6 ± 1.0** | x\|y |"
    assert lines[-1] == "How 50 % came about."


def test_latex_escapes():
    text = TABLE.latex()
    assert r"a\_1 & \textbf{52.6 $\pm$ 1.0} & x\textbar{}y \\" in text
    assert r"b \& c" in text
    assert r"How 50 \% came about." in text
    assert latex_text("\\{}~^#$") == r"\textbackslash{}\{\}\textasciitilde{}\textasciicircum{}\#\$"


@given(st.floats(-2, 2))
def test_no_number_is_written_as_minus_zero(value):
    for shown in (points(value), signed(value)):
        assert shown.strip("+-") != "0.0" or shown == "0.0"


def test_latency_stands_beside_what_was_seen_where_runs_have_it():
    model = invented()
    [without] = [table for table in tables(model) if table.name == "online"]
    assert "Latency (s)" not in without.columns
    late = {"latency_median": estimate(4.25, 0.5), "latency_median_if_detected": estimate(3.0)}
    first, second, third = model.arms
    alarms = [
        {rate: {**of, **added} for rate, of in arm.alarms.items()}
        for arm, added in ((first, late), (second, {"latency_median_if_detected": estimate(3.0)}))
    ]
    arms = (replace(first, alarms=alarms[0]), replace(second, alarms=alarms[1]), third)
    [table] = [table for table in tables(replace(model, arms=arms)) if table.name == "online"]
    assert table.columns[-1] == "Latency (s)"
    assert [row[-1].text for row in table.rows][1:] == ["not reached"] * 2
    assert table.rows[0][-1].value == 4.25
    assert "in seconds since the activity began" in table.caption


def test_why_arms_differ_has_the_baselines_values_and_the_others_differences():
    made = {table.name: table for table in tables(invented())}
    table = made["causes"]
    assert table.columns == ("Measure", BASELINE, BETTER, WORSE)
    rows = {row[0].text: row[1:] for row in table.rows}
    assert len(rows) == 33
    assert rows["Score below its maximum so far (% of frames)"][0].value == pytest.approx(30)
    assert [cell.text.split(" ±")[0] for cell in rows["False positives, poor overlap (for 100 activities)"]] == [
        "30.0", "+6.0", "+0.5",
    ]  # fmt: skip
    assert rows["Beginning, median error (s)"][0].value == pytest.approx(-0.5)
    thirds = made["by_length_and_place"]
    assert [row[1].text for row in thirds.rows[:4]] == ["length"] * 3 + ["place"]
    assert thirds.columns[-2:] == ("Not found (%)", "Missed (%)")
    # Of the baseline values, of the others differences to it.
    assert [row[-1].text.split(" ±")[0] for row in thirds.rows] == ["20.0"] * 6 + ["+6.0"] * 6 + ["+0.5"] * 6
    mended = made["mAP_by_length_and_place"]
    assert mended.columns[3:] == (
        "Without wrong label", "Without poor overlap", "Without wrong label and poor overlap", "Without double detection",
        "Without background", "Without missed",
    )  # fmt: skip
    assert [row[4].text.split(" ±")[0] for row in mended.rows] == ["70.0"] * 6 + ["+6.0"] * 6 + ["+0.5"] * 6
    assert "p" not in {column.lower() for column in table.columns}


def test_starts_stand_at_every_offset_in_order():
    [table] = [one for one in tables(invented()) if one.name == "causes"]
    texts = " ".join(cell.text for row in table.rows for cell in row[:1])
    places = [texts.index(f"Starts, p-mAP at {offset:g} s (%)") for offset in OFFSETS]
    assert places == sorted(places)


def test_numbers_as_people_write_them():
    assert [points(0.5264), signed(0.021), signed(-0.021), signed(0.0)] == ["52.6", "+2.1", "-2.1", "0.0"]
    assert [p_text(0.0123), p_text(0.0004), p_text(1.0)] == ["0.012", "<0.001", "1.000"]
    assert [plain(6.0), plain(0.0045472), plain("none"), plain(20)] == ["6", "0.00455", "none", "20"]
    assert [measure_name("mAP/iou_0.50"), measure_name("mAP/mean")] == ["mAP at IoU 0.5", "mean mAP"]


def test_an_interval_that_says_nothing_is_shown_as_such():
    """Two seeds, as in the issue: Student's t makes +- 266.6 of them."""
    assert estimate_text(Estimate(0.526, 0.526 - 2.666, 0.526 + 2.666, (0.3, 0.75))) == "52.6 ± ?"
    assert estimate_text(Estimate(0.526, 0.1, 0.952, (0.3, 0.75))) == "52.6 ± 42.6"
    assert estimate_text(Estimate(0.1, -0.9, 1.1, (0.0, 0.2)), sign=True) == "+10.0 ± 100.0"
    assert estimate_text(Estimate(0.1, -1.9, 2.1, (0.0, 0.2)), sign=True) == "+10.0 ± ?"
    assert range_text(-2.1, 3.2) == "0 to 100, which says nothing"
    one = invented().arms[1].difference["mAP/iou_0.50"]
    assert difference_text(replace(one, low=-2.0, high=2.0, verdict=None)) == "+6.0 [?]"


def test_an_interval_wider_than_what_cannot_be_negative_is_shown_as_such():
    assert hourly_text(Estimate(102.1, -164.5, 368.7, (81.1, 123.1))) == "102.1 ± ?"
    assert hourly_text(Estimate(102.1, 0.0, 204.2, (81.1, 123.1))) == "102.1 ± 102.1"
    assert hourly_text(Estimate(0.0, 0.0, 0.0, (0.0, 0.0))) == "0.0 ± 0.0"
    model = invented()
    wide = {
        name: Estimate(mean, mean - 3.0, mean + 3.0, (mean, mean))
        for name, mean in (("start_error", -0.5), ("start_error/absolute", 0.75), ("pieces", 4.0))
    }
    first, *others = model.arms
    causes = replace(first.causes, measures={**first.causes.measures, **wide})
    [table] = [
        one for one in tables(replace(model, arms=(replace(first, causes=causes), *others))) if one.name == "causes"
    ]
    shown = {row[0].text: row[1].text for row in table.rows}
    assert shown["Beginning, median error (s)"] == "-0.50 ± 3.00"
    assert shown["Beginning, median absolute error (s)"] == "0.75 ± ?"
    assert shown["Pieces of a true segment"] == "4.00 ± 3.00"


def test_the_difference_and_its_p_come_first_and_stay_in_sight():
    made = {table.name: table for table in tables(invented())}
    for name in ("ablation", "early_detection"):
        assert made[name].columns[:3] == ("Arm", "Difference, mAP at IoU 0.5", "p (adjusted)")
        assert made[name].kept == 3
    assert made["differences"].columns[:4] == ("Arm", "Of", "mAP at IoU 0.5", "p (adjusted)")
    assert [cell.text for cell in made["differences"].rows[0][:4]] == [
        BETTER,
        "detection",
        "+6.0* [+4.5, +7.5]",
        "0.008",
    ]


def test_online_figures_stand_at_one_false_alarm_an_hour():
    model = invented()
    made = {table.name: table for table in tables(model)}
    assert [row[0].text for row in made["online"].rows] == [BASELINE, BETTER, WORSE]
    assert [cell.text for cell in made["online"].rows[1]] == [
        BETTER, "76.0 ± 5.0", "86.0 ± 5.0", "86.0 ± 5.0", "19.0 ± 5.0", "80.0 ± 5.0", "14.0 ± 5.0", "10.0 ± 0.5",
    ]  # fmt: skip
    assert [cell.bold for cell in made["online"].rows[1]][:3] == [False, True, True]
    costly = {"1/h": {**model.arms[0].alarms["1/h"], "cost": model.arms[0].alarms["1/h"]["detected"]}}
    arms = (replace(model.arms[0], alarms=costly), *model.arms[1:])
    [table] = [table for table in tables(replace(model, arms=arms)) if table.name == "online"]
    assert table.columns[-1] == "Cost"
    assert [row[-1].text for row in table.rows] == ["80.0 ± 5.0", "-", "-"]
    missed = {"1/h": {key: value for key, value in model.arms[0].alarms["1/h"].items() if key != "seen_median"}}
    arms = tuple(replace(arm, alarms=missed) for arm in model.arms)
    [table] = [table for table in tables(replace(model, arms=arms)) if table.name == "online"]
    assert table.rows[0][4].text == "not reached"
    without = tuple(replace(arm, frame={}, alarms={}) for arm in model.arms)
    assert "online" not in {table.name for table in tables(replace(model, arms=without))}


def test_early_warning_stands_at_a_rate_that_the_validation_hours_calibrate_and_says_if_there_is_none():
    model = replace(invented(), alarm_hours=AlarmHours(validation=0.4, tested=2.0))
    [table] = [table for table in tables(model) if table.name == "online"]
    assert table.title.endswith("at 10 false alarms an hour and label")
    assert "(0.40 hours of validation allow 4 of a label)" in table.caption
    low, high = rate_interval(2 * model.arms[1].alarms["10/h"]["false_alarms_per_hour"].mean, 2.0)
    assert table.rows[1][-1].text == f"{low:.1f} to {high:.1f}"
    [table] = [one for one in tables(replace(model, alarm_hours=AlarmHours(0.2, 2.0))) if one.name == "online"]
    assert table.title.endswith("at 1 false alarm an hour and label, not calibrated")
    assert "allow 0 of a label: fewer than 3" in table.caption


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex: bash .ci/tools installs it")
def test_every_table_compiles_with_booktabs(golden_model, tmp_path):
    made = [*tables(golden_model), TABLE]
    for table in made:
        (tmp_path / f"{table.name}.tex").write_text(table.latex(), encoding="utf-8")
    body = "\n".join(rf"\input{{{table.name}.tex}}" for table in made)
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\usepackage{graphicx}\n"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").is_file()


def test_where_nothing_was_tested_no_figure_is_called_one_of_the_test():
    model = replace(invented(), untested="there is no test part")
    said = [opening(model), *(text for table in tables(model) for text in (table.title, table.caption, *table.columns))]
    assert said[0].startswith(
        f"Nothing was tested: there is no test part. The baseline {BASELINE} reaches a validation mAP"
    )
    assert not [text for text in said[1:] if re.search(r"\btest\b", text, re.IGNORECASE)]
    assert report_json(model)["untested"] == "there is no test part"
    assert "untested" not in report_json(invented())


def test_an_arm_of_several_variants_shows_each_weight():
    model = invented()
    arm = model.arms[1]
    several = [
        replace(one, search=replace(one.search, lambda_r={"score": 6.0, "smoothing": 0.15})) for one in arm.replicates
    ]
    model = replace(model, arms=(model.arms[0], replace(arm, replicates=tuple(several)), *model.arms[2:]))
    table = next(one for one in tables(model) if one.name == "search")
    assert [row[table.columns.index("lambda_r")].text for row in table.rows][1] == "score 6, smoothing 0.15"
