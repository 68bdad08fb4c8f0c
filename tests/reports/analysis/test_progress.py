"""How far a study has come: trainings counted by arm, phase and fold."""

from dataclasses import replace

import pytest
from several_searches import several

from crescendo.reports.analysis.comparisons import UNFINISHED
from crescendo.reports.analysis.progress import Count, progress_of
from crescendo.reports.analysis.summary import summarise
from crescendo.reports.page.progress import progress_sections

STATES = ("finished", "running", "failed", "pruned", "interrupted")


def with_states(arm):
    """Return an arm's runs with a search trial in every other state, and one seed less confirmed."""
    search = tuple(replace(run, state=STATES[number % len(STATES)]) for number, run in enumerate(arm.search))
    return replace(arm, search=search, confirmed=arm.confirmed[:-1])


@pytest.fixture
def running(golden_runs):
    arms = tuple(map(with_states, golden_runs.arms))
    return replace(golden_runs, arms=arms, status="running", works=True, seen=3600.0, expected_end=3600.0 + 2400)


def test_a_finished_study_has_no_progress(golden_runs):
    assert progress_of(golden_runs) is None


def test_trainings_are_counted_by_arm_and_phase(running):
    progress = progress_of(running)
    whole = Count()
    for arm in running.arms:
        states = [run.state for run in arm.search]
        search = Count(
            states.count("finished") + states.count("pruned"),
            arm.arm.trials,
            states.count("running"),
            states.count("failed"),
        )
        confirm = Count(len(arm.confirmed), len(running.study.confirm.seeds))
        assert progress.arms[arm.name] == {"search": search, "confirm": confirm}
        whole += search + confirm
    assert progress.whole == whole
    assert progress.replicates == {}


def test_folds_and_repeats_are_counted_beside_the_arms(golden_runs):
    runs = replace(several(golden_runs, folds=("a", "b"), repeats=2), status="interrupted", works=False)
    progress = progress_of(runs)
    assert list(progress.replicates) == ["fold a", "fold b", "fold a, repeat 2", "fold b, repeat 2"]
    for counts in (progress.arms, progress.replicates):
        every = [count for phases in counts.values() for count in phases.values()]
        assert sum(every, Count()) == progress.whole
    assert not progress.running


def test_nothing_is_decided_before_its_time(running):
    model = summarise([running], resamples=100)
    verdicts = [model.asked(arm).verdict for arm in model.arms if model.asked(arm) is not None]
    assert [(one.answer, one.unfit) for one in verdicts] == [("undecided", UNFINISHED)] * (len(model.arms) - 1)
    [section] = progress_sections(model)
    assert section.sentences[0].endswith("; about 40 min left, until " + section.sentences[0].partition("until ")[2])
    assert "about 40 min left" in section.sentences[0]
    assert section.sentences[1].startswith("Nothing is decided: ")


@pytest.mark.parametrize(
    ("status", "works", "said"),
    [
        ("running", True, "is running"),
        ("running", None, "is running"),  # by what MLflow was told, from another machine
        ("running", False, "is stopped"),
        ("interrupted", True, "is running"),  # started again a moment ago
        ("interrupted", None, "is stopped"),
        ("failed", False, "is stopped"),
    ],
)
def test_whether_it_runs_is_told_by_its_lock_and_else_by_mlflow(running, status, works, said):
    study = replace(running, status=status, works=works, reason="the disk is full" if status == "failed" else None)
    [section] = progress_sections(
        summarise(
            [replace(study, arms=tuple(replace(one, confirmed=(), artifacts={}) for one in study.arms))], resamples=50
        )
    )
    assert section.state == f"{study.name} {said}"
    assert ("last sign of life: 1970-01-01" in section.sentences[0]) == (works is not True)
    assert ("the disk is full" in section.sentences[0]) == (status == "failed")
