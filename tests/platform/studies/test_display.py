"""What a person sees of a sweep."""

import contextlib
import io
import time

import numpy as np
import pytest
from rich.console import Console
from trivial_study import trivial_study

from crescendo.platform.studies.display import Display
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.pace import Pace
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.study_tables import outcome, progress_table
from crescendo.platform.studies.timing import ArmTiming, Timing
from crescendo.platform.studies.workspace import Recordings, Workspace
from crescendo.search_spaces.arms import arms_of
from crescendo.trainables.evaluation.mean_ap import Evaluation
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.training.validation_report import ValidationReport


@pytest.fixture
def run_and_display(tmp_path, request):
    screen = io.StringIO()
    display = Display(Console(file=screen, width=160, force_terminal=getattr(request, "param", False)))
    ledger = Ledger(tmp_path / "output")
    study = trivial_study(tmp_path, trials=2, extra="failures: {retries: 1}\n")
    run = StudyRun(study, ledger, Workspace(tmp_path / "output", str(tmp_path), "hash"), (display,))
    display.show(run)
    assert screen.getvalue().splitlines() == ["trivial: 8 trainings; hours follow once steps of the arms are timed"]
    screen.seek(screen.truncate(0))
    yield run, display, screen
    ledger.close()


def finish(run, job, objective=0.5):
    chosen = {"merge_gap": 20, "reset": "memory"}
    scores = SubsetMetrics(Evaluation(("only",), (0.5, 0.75), np.array([[objective, 0.0]])))
    splits = ("validation", "test") if job.phase == "confirm" else ("validation",)
    results = dict.fromkeys(splits, scores)
    run.report(
        job.identity, ValidationReport(30, objective, True, results=results, chosen=chosen, frames_per_second=1000.0)
    )


def printed(renderable, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def test_where_there_is_no_terminal_every_end_is_a_line(run_and_display):
    run, display, screen = run_and_display
    with display:
        [first], [second] = run.next_jobs(), run.next_jobs()
        finish(run, first)
        run.failed(second.identity, "the loss is not finite")
        [again] = run.next_jobs()
        assert again.identity == second.identity
        run.failed(again.identity, "its worker was lost")
        display.tick()
    lines = screen.getvalue().splitlines()
    assert lines[0].startswith(
        "search variant=none 1/2: mAP/iou_0.50 50.0 % (learning_rate 0.01, merge_gap 20, reset memory)"
    )
    assert "left" in lines[0]
    assert "broke, will be tried again: the loss is not finite" in lines[1]
    assert "failed: its worker was lost" in lines[2]
    assert "\x1b" not in screen.getvalue()


def test_how_long_the_study_takes_is_told_by_the_first_steps_of_its_arms(run_and_display):
    """Eight trainings of 30 iterations, side by side: 0.3 and 0.6 s an iteration make 4 x 9 and 4 x 18 s, halved."""
    run, display, screen = run_and_display
    with display:
        [first], [second] = run.next_jobs(), run.next_jobs()
        for job, seconds in ((first, 3.0), (second, 6.0), (first, 30.0)):
            run.report(job.identity, ValidationReport(10 if seconds < 10 else 20, 0.25, False, seconds=seconds))
    assert screen.getvalue().splitlines() == [
        "trivial: about 36 s in all, by the first steps of 1 of 2 arms, 2 at a time",
        "trivial: about 54 s in all, by the first steps of 2 arms, 2 at a time",
    ]
    assert printed(progress_table(run, display._hours())).startswith("trivial: searching; about 54 s in all")


def test_the_time_left_is_what_the_rest_takes_at_the_pace_so_far(run_and_display, monkeypatch):
    run, _, _ = run_and_display
    now = [100.0]
    monkeypatch.setattr("crescendo.platform.studies.pace.time.monotonic", lambda: now[0])
    pace = Pace()
    pace.begin(run)
    assert pace.seconds_left() is None
    for _ in range(2):  # of eight, 30 iterations each
        [job] = run.next_jobs()
        now[0] += 60
        finish(run, job)
    assert pace.seconds_left() == pytest.approx(6 * 60)
    [job] = run.next_jobs()
    now[0] += 30
    run.report(job.identity, ValidationReport(15, 0.25, False))
    assert pace.seconds_left() == pytest.approx(5.5 * 60)


def test_what_workers_take_to_start_says_nothing_of_the_time_left(run_and_display, monkeypatch):
    """Ten minutes to start, then ten iterations in 10 s; of the eight trainings of 30 iterations each 220 are left."""
    run, display, screen = run_and_display
    now = [100.0]
    monkeypatch.setattr("crescendo.platform.studies.pace.time.monotonic", lambda: now[0])
    with display:
        display.begin()
        [job] = run.next_jobs()
        now[0] += 600
        run.report(job.identity, ValidationReport(10, 0.25, False, seconds=10.0))
        now[0] += 10
        run.report(job.identity, ValidationReport(20, 0.25, False, seconds=20.0))
        now[0] += 10
        finish(run, job)
    assert screen.getvalue().splitlines()[-1].endswith("3 min 30 s left")


def test_hours_are_told_by_timed_steps_before_arms_have_trained(run_and_display):
    """Of 30 iterations: 4 trials of 3 and 9 s, and 4 confirmations that take 3 s more, at three at a time; then 9 and 15 s."""
    run, display, screen = run_and_display
    first, second = (arm.name for arm in arms_of(run.study))
    run.at_once = 3
    with display:
        display.begin()
        assert screen.getvalue() == ""
        display.timed(Timing((ArmTiming(first, 3.0, 6.0, 30, 10), ArmTiming(second, 9.0, 12.0, 30, 10)), 1, 0))
        told = "trivial: about 20 s in all, by 10 steps and a little scoring of 2 arms, 3 at a time"
        assert screen.getvalue().splitlines() == [told]
        assert "searching; about 20 s in all" in printed(progress_table(run, display._hours()))
        for [job], seconds in ((run.next_jobs(), 3.0), (run.next_jobs(), 5.0)):
            run.report(job.identity, ValidationReport(10, 0.25, False, seconds=seconds))
    assert screen.getvalue().splitlines()[1:] == [
        "trivial: about 36 s in all, by the first steps of 2 arms, 3 at a time"
    ]


def test_hours_of_a_study_that_goes_on_are_told_by_its_trainings(run_and_display, tmp_path):
    run, _, screen = run_and_display
    for _ in range(2):
        [job] = run.next_jobs()
        report = ValidationReport(30, 0.5, True, results={}, chosen={"merge_gap": 20, "reset": "memory"}, seconds=6.0)
        run.report(job.identity, report)
    again = Display(Console(file=screen, width=160))
    again.show(run)
    assert not again.worth_timing
    again.begin()
    assert screen.getvalue().splitlines()[-2:] == [
        "trivial: going on; 2 trials are over, 0 resume; about 36 s of training left, one after the other",
        "trivial: about 48 s in all, by trainings so far of 2 arms",
    ]


def test_what_there_is_to_know_of_how_trials_train_is_said_once(run_and_display):
    run, display, screen = run_and_display
    with display:
        for [job] in (run.next_jobs(), run.next_jobs()):
            run.report(job.identity, ValidationReport(10, 0.25, False, notes=("it trains without CUDA graphs",)))
    [line] = screen.getvalue().splitlines()
    assert line.startswith("search variant=none 0 (")
    assert line.endswith("): it trains without CUDA graphs")


def test_what_takes_long_is_said_while_it_goes_on(run_and_display):
    _, display, screen = run_and_display
    with display.patience("comparing the arms"):
        pass
    assert screen.getvalue() == ""
    with display.patience("comparing the arms", seconds=0):
        while not screen.getvalue():
            time.sleep(0.01)
    assert screen.getvalue() == "comparing the arms\n"


@pytest.mark.parametrize("run_and_display", [True], indirect=True)
def test_a_terminal_shows_a_table_that_moves(run_and_display, monkeypatch):
    run, display, screen = run_and_display
    monkeypatch.setattr("crescendo.platform.studies.display._REFRESH", 0)
    with display:
        [job] = run.next_jobs()
        run.report(job.identity, ValidationReport(10, 0.25, False, frames_per_second=12345.0))
        display.tick()
    shown = screen.getvalue()
    assert "variant=score" in shown
    assert "12,345 frames/s" in shown


def test_a_terminal_of_80_columns_shows_who_trains_together(tmp_path, monkeypatch):
    monkeypatch.setattr("crescendo.platform.studies.display._REFRESH", 0)
    screen = io.StringIO()
    display = Display(Console(file=screen, width=80, force_terminal=True))
    study = trivial_study(tmp_path, trials=2, cohort=3)
    run = StudyRun(
        study, Ledger(tmp_path / "output"), Workspace(tmp_path / "output", str(tmp_path), "hash"), (display,)
    )
    display.show(run)
    with display:
        job, *_ = run.next_jobs()
        run.next_jobs()
        run.report(job.identity, ValidationReport(10, 0.25, False, frames_per_second=12345.0))
        display.tick()
    shown = screen.getvalue()
    assert "4 trials in 2 cohorts, 12,345 frames/s, " in shown
    assert "variant=score" in shown


def test_the_table_counts_by_arm_and_shows_the_best_so_far(run_and_display):
    run, _, _ = run_and_display
    [first], _ = run.next_jobs(), run.next_jobs()
    finish(run, first, 0.75)
    rows = printed(progress_table(run)).splitlines()
    none = next(row for row in rows if "variant=none" in row)
    score = next(row for row in rows if "variant=score" in row)
    assert any("optimistic" in row for row in rows[:6])
    assert "1/2" in none
    assert "75.0" in none
    assert "learning_rate 0.01" in none
    assert "0/2" in score
    assert "searching" in rows[0]


LONG_NAMES = (
    "ablate=[{name: none, settings: {variant: none}}, {name: variant=score+smoothing, settings: {variant: score}}]"
)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_table_cuts_no_word_and_has_settings_where_there_is_room(tmp_path, width):
    study = trivial_study(tmp_path, trials=1, changes=(LONG_NAMES,))
    with contextlib.closing(Ledger(tmp_path / "output")) as ledger:
        run = StudyRun(study, ledger, Workspace(tmp_path / "output", str(tmp_path), "hash"))
        [job, *_] = run.next_jobs()
        finish(run, job, 0.75)
        shown = printed(progress_table(run), width)
    assert "…" not in shown
    assert all(len(row) <= width for row in shown.splitlines())
    assert ("learning_rate" in shown) == (width > 100)


def test_at_the_end_every_arm_has_its_test_result(run_and_display):
    run, _, _ = run_and_display
    value = 0.4
    while jobs := run.next_jobs():
        for job in jobs:
            finish(run, job, value)
            value += 0.02
    shown = "".join(printed(part) for part in outcome(run))
    assert "± 1.4" in shown
    assert "optimistic" in shown
    assert shown.count("2/2") == 2
    assert "variant=score: best learning_rate" in shown


@pytest.mark.parametrize(("repeats", "folds"), [(1, ("1", "2")), (2, ()), (2, ("S1", "S2"))])
def test_a_study_in_folds_and_repeats_fits_80_columns_and_shows_where_it_is(tmp_path, repeats, folds):
    study = trivial_study(tmp_path, trials=2, changes=(f"repeats={repeats}",))
    recordings = {name: Recordings(str(tmp_path), "hash", content_hash=name) for name in folds}
    screen = io.StringIO()
    display = Display(Console(file=screen, width=80))
    ledger = Ledger(tmp_path / "output")
    run = StudyRun(study, ledger, Workspace(tmp_path / "output", str(tmp_path), "hash", folds=recordings), (display,))
    display.show(run, ("fold 2: its training part has no jumping",))
    values = iter(np.arange(0.1, 0.9, 0.01))
    titles = []
    while jobs := run.next_jobs():
        for job in jobs:
            titles.append(printed(progress_table(run), 80).splitlines()[0].strip())
            finish(run, job, next(values))
    ledger.close()
    count = repeats * max(1, len(folds))
    first = f"fold {folds[0]}" if folds else "repeat 1"
    last = ", ".join([*(f"fold {one}" for one in folds[-1:]), *(f"repeat {repeats}" for _ in range(repeats > 1))])
    assert titles[0] == f"trivial: {first} (1 of {count}): searching"
    assert titles[-1] == f"trivial: {last} ({count} of {count}): confirming"
    lines = screen.getvalue().splitlines()
    assert lines[0] == "fold 2: its training part has no jumping"
    assert sum(line.startswith(f"confirm variant=score, {last}, 2/2: ") for line in lines) == 1
    table, *each = list(outcome(run))[1:]
    shown = printed(table, 80)
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count(f"{2 * count}/{2 * count}") == 2
    assert [line.count("(") for line in each] == [count, count]
    assert f"({last})" in each[0]


def test_the_outcome_of_several_replicates_is_the_mean_over_them_of_each_ones_mean(tmp_path):
    study = trivial_study(tmp_path, trials=1, changes=("repeats=2",))
    ledger = Ledger(tmp_path / "output")
    run = StudyRun(study, ledger, Workspace(tmp_path / "output", str(tmp_path), "hash"))
    while jobs := run.next_jobs():
        for job in jobs:
            seed = job.settings["seed"]
            finish(run, job, {0: 0.1, 1: 0.3, 10_000: 0.6, 10_001: 0.8}.get(seed, 0.5))
    ledger.close()
    head, table, *each = outcome(run)
    assert "over the means of 2 repeats" in head
    assert "45.0 ± 35.4" in printed(table)  # of 0.2 and 0.7
    assert each[0] == "variant=none: test/mAP/iou_0.50 20.0 (repeat 1), 70.0 (repeat 2)"
