"""The page in a real browser: what is seen first, and that nothing has to be scrolled sideways."""

import html as text
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from invented_model import arm, estimate, invented

from crescendo.reports.analysis.alarm_hours import AlarmHours
from crescendo.reports.charts.chart_set import charts
from crescendo.reports.page.document import html
from crescendo.reports.page.part import ReportPart
from crescendo.reports.page.sentences import sentences
from crescendo.reports.tables.table import Cell, Table
from crescendo.reports.tables.table_set import tables

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: bash .ci/tools installs one"),
]

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)
HEIGHT, PHONE, LAPTOP, WIDE = 800, 390, 1200, 1900

CHARTS = (
    "difference_to_baseline", "mAP_against_iou", "time_to_detection", "confusion_matrix", "differences_of_causes", "mAP_without",
    "errors_by_length_and_place", "gains_detection", "budget_curve", "mAP_against_lambda_r", "optimisation_history",
    "progression", "progression_while_training",
)  # fmt: skip

# What a page measures of itself: the width of all of it, boxes that scroll sideways, where answers end, and of each chart how
# many of its places are there to be pointed at, and whether one tells its text once it has the focus.
MEASURED = """
onload = () => {
  const told = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, root = page.documentElement;
    const wide = [...page.querySelectorAll("body *")].filter(
      one => !one.closest("svg") && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1 &&
        getComputedStyle(one).display !== "inline");
    const charts = [...page.querySelectorAll(".drawn")].map(chart => {
      const spots = [...chart.querySelectorAll(".spot")];
      const met = spots.filter(one => {
        one.scrollIntoView({block: "center"});
        const box = one.getBoundingClientRect();
        return page.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)?.matches(".spot");
      });
      const shown = one => frame.contentWindow.getComputedStyle(one, "::after");
      const before = shown(spots[0]).content;
      const stands = spots.map(one => { one.focus(); return `${shown(one).position} ${shown(one).bottom}`; });
      spots[0].focus();
      return {spots: spots.length, met: met.length, before, after: shown(spots[0]).content, tip: spots[0].dataset.tip, stands};
    });
    root.scrollTo(0, 0);
    return {
      charts,
      width: root.scrollWidth, view: root.clientWidth,
      wide: wide.map(one => `${one.tagName}.${one.className}`),
      answers: Math.max(...[...page.querySelectorAll(".answers tbody tr")].map(row => row.getBoundingClientRect().bottom)),
      facts: page.querySelector(".facts").getBoundingClientRect().bottom,
    };
  });
  document.body.innerHTML = `<pre>told ${JSON.stringify(told)} told</pre>`;
};
"""


def seen(page, tmp_path, *widths):
    """Return what `MEASURED` says of the page at each of these widths, in pixels."""
    frames = (
        f'<iframe style="border:0; height:{HEIGHT}px; width:{width}px" srcdoc="{text.escape(page)}"></iframe>'
        for width in widths
    )
    probe = tmp_path / "probe.html"
    probe.write_text(f"<!DOCTYPE html>{''.join(frames)}<script>{MEASURED}</script>", encoding="utf-8")
    command = [CHROMIUM, *OPTIONS.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", probe.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(text.unescape(re.search("told (.*) told", done.stdout)[1]))


def five_arms():
    """The invented study with five arms, every column that a table may have; and `CHARTS`."""
    model = invented()
    more = [arm(f"variant={name}", shift, holds=False) for name, shift in (("combined", -0.02), ("linear_early", 0.01))]
    arms = tuple(replace(one, alarms=_whole(one.alarms)) for one in (*model.arms, *more))
    whole = replace(model, arms=arms, timelines=(), alarm_hours=AlarmHours(validation=4.0, tested=12.0))
    shown = [one for one in charts(whole)[0] if one.name in CHARTS]
    return ReportPart(whole, sentences(whole), tables(whole), shown, ())


def _whole(alarms):
    """Early warning with its cost and its latency, too."""
    added = {"cost": estimate(0.8), "latency_median": estimate(12.5), "latency_median_if_detected": estimate(4.5)}
    return {rate: {**measures, **added} for rate, measures in alarms.items()}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return seen(html("five arms", [five_arms()]), tmp_path_factory.mktemp("browser"), LAPTOP, PHONE, WIDE)


def test_five_arms_have_every_column_and_need_no_sideways_scrolling_from_a_laptop_on(measured):
    [online] = [table for table in five_arms().tables if table.name == "online"]
    assert online.columns[-3:] == ("Poisson 95 %", "Cost", "Latency (s)")
    laptop, _, wide = measured
    for page, width in ((laptop, LAPTOP), (wide, WIDE)):
        assert page["width"] == page["view"] == width
        assert page["wide"] == []


def test_question_answers_and_cost_stand_on_the_first_screen(measured):
    assert 0 < measured[0]["answers"] < measured[0]["facts"] < HEIGHT


def test_on_a_phone_nothing_but_tables_and_charts_scrolls_sideways(measured):
    phone = measured[1]
    assert phone["width"] == phone["view"] == PHONE
    assert set(phone["wide"]) <= {"DIV.box"}


def test_every_chart_tells_its_values_where_it_is_pointed_at_or_touched(measured):
    for page in measured:
        assert len(page["charts"]) == len(five_arms().charts)
        for chart in page["charts"]:
            assert chart["spots"] == chart["met"] > 0
            assert chart["before"] == "none"
            assert chart["after"].startswith('"')
            assert chart["tip"].split("\n")[0] in chart["after"]


def test_on_a_phone_where_charts_scroll_what_they_tell_stands_at_the_foot_of_the_screen(measured):
    laptop, phone, wide = measured
    assert all(set(chart["stands"]) == {"fixed 8px"} for chart in phone["charts"])
    assert not any(one.startswith("fixed") for chart in laptop["charts"] + wide["charts"] for one in chart["stands"])


def test_a_table_of_any_width_scrolls_within_its_box(tmp_path):
    row = tuple(Cell("9" * 30, 1.0) for _ in range(40))
    wide = Table("wide", "Wide", "Wide.", tuple(f"column {number}" for number in range(40)), (row,))
    model = invented()
    for found, width in zip(
        seen(html("wide", [ReportPart(model, (), [wide], (), ())]), tmp_path, PHONE, LAPTOP),
        (PHONE, LAPTOP),
        strict=True,
    ):
        assert found["width"] == found["view"] == width
        assert "DIV.box" in found["wide"]
