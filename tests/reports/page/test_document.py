"""The page and its Markdown: complete, self-contained, safe, and readable by value."""

import html as text
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from invented_model import BETTER, LABELS, WORSE, invented, unfinished

from crescendo.reports.charts.chart_set import charts
from crescendo.reports.page.document import html, markdown
from crescendo.reports.page.part import ReportPart
from crescendo.reports.tables.table import Cell, Table

SENTENCES = [(BETTER, "+6.0 mAP at IoU 0.5, 95 % interval 4.5 to 7.5."), (WORSE, "undecided.")]
TABLES = [
    Table(
        "ablation",
        "Detection <1>",
        "Means over seeds & their intervals.",
        ("arm", "IoU 0.5"),
        ((Cell("variant=none", None), Cell("65.0", 0.65)), (Cell(BETTER, None), Cell("71.0", 0.71, bold=True, mark=True))),
    ),
    Table("unheard_of", "Something else", "New.", ("a",), ((Cell("1", 1.0),),)),
]  # fmt: skip


def part(model, **options):
    drawn, left_out = charts(model)
    return ReportPart(model, SENTENCES if drawn else [], TABLES if drawn else [], drawn, left_out, **options)


@pytest.fixture(scope="module")
def complete():
    return part(invented())


class Page(HTMLParser):
    """Collects what a test asks about, and checks that elements are closed in order."""

    VOID = ("meta", "link", "br", "wbr", "img", "hr")

    def __init__(self, page):
        super().__init__()
        self.ids, self.links, self.words, self.open, self.tags = [], [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[key] for key in ("href", "src", "xlink:href", "data", "action") if key in found]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page(complete):
    return Page(html("invented", [complete]))


def test_the_page_needs_nothing_from_elsewhere(page):
    assert {"script", "link", "iframe", "img", "object"}.isdisjoint(page.tags)
    assert page.links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in page.links)


def test_links_within_the_page_lead_somewhere_and_ids_are_there_once(page):
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_what_the_page_explains_holds_for_every_matching_rule_and_model(page):
    told = " ".join(" ".join(page.words).split())
    assert "passes the threshold: lies above it or, where the study's matching rule says so, equals it" in told
    assert "what the model forgets after a frame it takes for background" in told
    assert not re.search(r"by more than the IoU threshold|LSTM forgets", told)


def test_the_page_says_everything(page, complete):
    told = " ".join(" ".join(page.words).split())
    for arm, sentence in SENTENCES:
        assert f"{arm} : {sentence}" in told
    assert "1 arm is better and 1 arm is undecided" in told
    assert "Does the <score> loss help?" in told
    for shown in (*complete.tables, *complete.charts):
        assert shown.title in told
        assert shown.caption in told
    for chart in complete.charts:
        for row in chart.numbers.text():
            assert all(cell in page.words for cell in row if cell)


def test_columns_that_stay_in_sight_stand_side_by_side_and_on_a_phone_only_those_that_fit():
    row = (
        Cell("variant=score"),
        Cell("early detection"),
        Cell("+6.0 [+4.5, +7.5]", 6.0),
        Cell("0.008", 0.008),
        Cell("1", 1.0),
    )
    kept = Table("kept", "Kept", "Kept.", ("Arm", "Of", "mAP", "p", "seeds"), (row,), kept=4)
    shown = html("invented", [replace(part(unfinished()), tables=[kept])])
    places = re.findall(r"<t[hd][^>]*--left: ([\d.]+); --size: ([\d.]+); --near: ([\d.]+); --small: ([\d.]+)", shown)
    assert len(places) == 8
    for left, size in ((0, 1), (2, 3)):
        columns = [[float(one[left]), float(one[size])] for one in places[4:]]
        assert columns[0][0] == 0
        assert all(after[0] == pytest.approx(sum(before)) for before, after in itertools.pairwise(columns))
    assert re.findall(r'<td class="kept far"[^>]*>([^<]*)', shown) == ["0.008"]


def test_an_unknown_table_is_shown_all_the_same(complete):
    assert "Something else" in html("invented", [replace(complete, charts=())])
    assert "Something else" in markdown("invented", [complete])


def test_notes_on_the_data_stand_with_the_data_set(complete):
    model = complete.model
    assert "Notes on the data" not in markdown("invented", [complete])
    studies = (replace(model.studies[0], data_notes=("1 segment has no length", "no test part")), *model.studies[1:])
    told = markdown("invented", [replace(complete, model=replace(model, studies=studies), charts=())])
    assert "- Notes on the data: 1 segment has no length; no test part" in told


def test_names_are_text_and_never_markup(complete):
    name = "<img src=x onerror=alert(1)>"
    model = complete.model
    arms = tuple(replace(arm, name=name) if arm.name == BETTER else arm for arm in model.arms)
    hostile = replace(model, arms=arms, missing=(name,), notes=(name,), timelines=())
    parts = [replace(part(hostile), sentences=[(name, name)])]
    parts = [replace(one, charts=one.charts[:2]) for one in parts]
    page = html(name, parts)
    assert "<img" not in page
    assert f'data-tip="{text.escape(name)}: better' in page
    assert text.escape(name) in page
    told = markdown(name, parts)
    assert "\\<img" in told
    assert "<img" not in told.replace("\\<img", "")


def test_what_is_missing_stands_at_the_top():
    lacking = part(unfinished())
    page = html("invented", [lacking])
    assert page.index("This report is not complete") < page.index("<h2")
    assert page.index(unfinished().missing[0]) < page.index("<h2")
    assert "Nothing yet" in page
    for one in lacking.left_out:
        assert f"<strong>{text.escape(one.title)}</strong> is left out: {one.reason}" in page
    told = markdown("invented", [lacking])
    assert told.index(unfinished().missing[0]) < told.index("## What came out")


def test_the_markdown_has_the_tables_and_links_the_pictures(complete):
    told = markdown("invented", [complete])
    for chart in complete.charts:
        assert f"](figures/{chart.name}.svg)" in told
        assert f"](figures/{chart.name}.csv)" in told
    for table in complete.tables:
        assert table.markdown().strip() in told
    assert "\n\n\n" not in told


def test_several_studies_share_a_page_without_sharing_anchors(complete):
    own = [
        replace(
            complete,
            heading=f"The study {name}",
            prefix=f"{name}-",
            charts=[replace(chart, name=f"{name}-{chart.name}") for chart in complete.charts[:3]],
            tables=[replace(table, name=f"{name}-{table.name}") for table in complete.tables],
        )
        for name in ("1-one", "2-two")
    ]
    page = Page(html("one and two", own))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_same_content_gives_the_same_page(complete):
    first, again = (replace(one, charts=one.charts[:2]) for one in (complete, part(invented())))
    assert html("invented", [first]) == html("invented", [again])


def test_the_page_is_light_and_dark():
    page = html("invented", [part(unfinished())])
    [dark] = re.findall(r"@media \(prefers-color-scheme: dark\) \{ :root \{(.*?)\}", page, re.DOTALL)
    light = page[: page.index("@media (prefers-color-scheme")]
    assert set(re.findall(r"(--[0-9a-z]+):", dark)) <= set(re.findall(r"(--[0-9a-z]+):", light))


def test_labels_are_in_the_page(page):
    assert set(LABELS) <= set(page.words)
