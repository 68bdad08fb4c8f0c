"""docs/findings.md, its figure and the README's sentences are made of finished studies' report.json; all else is refused."""

import json
import sys
from pathlib import Path

import findings
import pytest
from finding_reports import compared, write

DOCS = Path(__file__).parents[2] / "docs"


def made(folder, monkeypatch, capsys, *reports):
    """Run the script on copies of the pages; return its exit code, its errors, page, README and figure."""
    page, readme, figure = folder / "findings.md", folder / "README.md", folder / "findings.svg"
    page.write_text((DOCS / "findings.md").read_text())
    readme.write_text((DOCS.parent / "README.md").read_text())
    options = ["--kept", folder / "kept", "--page", page, "--readme", readme, "--figure", figure]
    monkeypatch.setattr(sys, "argv", ["findings.py", *map(str, [*reports, *options])])
    with pytest.raises(SystemExit) as done:
        findings.guarded(findings.main)
    drawn = figure.read_text() if figure.exists() else ""
    return done.value.code, capsys.readouterr().err, page.read_text(), readme.read_text(), drawn


def test_page_readme_and_figure_are_made_of_finished_studies_and_their_prose_stays(tmp_path, monkeypatch, capsys):
    reports = [
        write(tmp_path, name, score=(compared(0.02, "better"), compared(0.001, None)))
        for name in ("findings_hapt", "findings_gtea")
    ]
    code, _, page, readme, figure = made(tmp_path, monkeypatch, capsys, *reports)
    assert code == 0
    assert page.index("**GTEA**") < page.index("**HAPT**")
    assert "| TUG | not finished |" in page
    assert "| `score` | +2.0* [+0.8, +3.2] | 0.050 | better | +0.1 [-1.1, +1.3] | 0.5 to 6 |" in page
    assert "GTEA 77 trainings, 3.3 hours; HAPT 77 trainings, 3.3 hours." in page
    assert "(docs/findings.md)" in readme
    told = next(line for line in readme.splitlines() if line.startswith("Of the four losses"))
    assert told.split(" [What was asked")[0] in page
    assert "GTEA: 28 recordings of 4 people" in figure
    assert "linear_early" in figure
    assert "not in this study" not in figure
    assert "#ffffff" in figure

    for kept in (tmp_path / "kept").iterdir():
        kept.unlink()
    _, _, again, _, _ = made(tmp_path, monkeypatch, capsys)
    assert "Nothing yet: no study has finished." in again
    prose = [text for number, text in enumerate(again.split("<!-- ")) if number % 2 == 0]
    assert all(text.partition("-->")[2] in page for text in prose)


def test_studies_made_before_stay_on_the_page_without_their_reports_and_a_new_report_takes_the_place_of_its_own(
    tmp_path, monkeypatch, capsys
):
    gtea = write(tmp_path, "findings_gtea", score=(compared(0.02, "better"), compared(0.001, None)))
    tug = write(tmp_path, "findings_tug", score=(compared(0.01), compared(0.002, None)))
    together = made(tmp_path, monkeypatch, capsys, gtea, tug)
    made(tmp_path, monkeypatch, capsys, gtea)
    gtea.unlink()
    assert made(tmp_path, monkeypatch, capsys, tug) == together
    tug.unlink()
    assert made(tmp_path, monkeypatch, capsys) == together

    again = write(tmp_path, "findings_gtea", score=(compared(0.03, "better"), compared(0.001, None)))
    page = made(tmp_path, monkeypatch, capsys, again)[2]
    assert "| `score` | +3.0* [" in page
    assert "| `score` | +2.0* [" not in page


def test_where_the_data_lie_is_not_kept(tmp_path, monkeypatch, capsys):
    report = write(tmp_path, changed=lambda one: one["studies"][0]["settings"].update(dataset="/home/somebody/gtea"))
    made(tmp_path, monkeypatch, capsys, report)
    assert "somebody" not in (tmp_path / "kept" / "gtea.json").read_text()


def test_a_kept_study_that_ships_otherwise_by_now_is_refused(tmp_path, monkeypatch, capsys):
    made(tmp_path, monkeypatch, capsys, write(tmp_path))
    kept = tmp_path / "kept" / "gtea.json"
    content = json.loads(kept.read_text())
    content["studies"][0]["settings"]["search"].update(trials=2)
    kept.write_text(json.dumps(content))
    code, error, *_ = made(tmp_path, monkeypatch, capsys)
    assert code == 2
    assert f"{kept}: findings_gtea ran otherwise than it ships (search.trials: 3 -> 2)" in error


def test_the_page_that_ships_is_what_is_kept_beside_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "kept").symlink_to(DOCS / "findings")
    code, error, page, readme, figure = made(tmp_path, monkeypatch, capsys)
    assert (code, error) == (0, "")
    assert page == (DOCS / "findings.md").read_text()
    assert readme == (DOCS.parent / "README.md").read_text()
    assert "<svg" in figure


def _unfinished(content):
    content["studies"][0]["status"] = "running"
    content["missing"] = ["The study is running, or was killed: this is what it has come to so far."]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (_unfinished, "the study findings_gtea is not finished: The study is running, or was killed"),
        (
            lambda one: one.update(missing=["Arm variant=score: 1 of 2 seeds are confirmed."]),
            "is not finished: Arm variant=score",
        ),
        (
            lambda one: one["studies"][0].update(name="quick"),
            "is of the study quick; findings are made of findings_gtea, ",
        ),
        (
            lambda one: one["studies"][0]["settings"]["search"].update(trials=2),
            "findings_gtea ran otherwise than it ships (search.trials: 3 -> 2); run it as it is",
        ),
        (
            lambda one: one.pop("arms"),
            "is not the report of a study (it lacks 'arms'); make it again with `crescendo report`",
        ),
        (
            lambda one: one["arms"][1]["difference"]["mAP/iou_0.50"].update(low="much"),
            "is not the report of a study (could not convert string to float: 'much')",
        ),
        (
            lambda one: one["arms"][1]["difference"]["mAP/iou_0.50"].update(verdict=None),
            "variant=score has no answer in detection",
        ),
        (lambda one: one.update(comparison={}), "compares several studies; findings are made of one report a study"),
    ],
)
def test_what_is_no_finished_study_is_refused_in_a_line_and_nothing_is_written(
    tmp_path, monkeypatch, capsys, changed, said
):
    report = write(tmp_path, changed=changed)
    code, error, page, _, figure = made(tmp_path, monkeypatch, capsys, report)
    assert code == 2
    assert said in error
    assert error.strip().count("\n") == 0
    assert str(report) in error
    assert (page, figure) == ((DOCS / "findings.md").read_text(), "")


def test_one_report_twice_damaged_json_and_a_page_without_marks_are_refused(tmp_path, monkeypatch, capsys):
    report = write(tmp_path)
    assert "so is another file" in made(tmp_path, monkeypatch, capsys, report, report)[1]
    report.write_text(report.read_text()[:1000])
    assert str(report) in made(tmp_path, monkeypatch, capsys, report)[1]
    (tmp_path / "bare.md").write_text("# Findings\n")
    monkeypatch.setattr(
        sys, "argv", ["findings.py", "--page", str(tmp_path / "bare.md"), "--readme", str(tmp_path / "README.md")]
    )
    with pytest.raises(SystemExit):
        findings.guarded(findings.main)
    assert "has the mark <!-- finding --> 0 times; there must be two" in capsys.readouterr().err
