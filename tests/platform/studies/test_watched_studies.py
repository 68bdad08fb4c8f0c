"""What a screen, MLflow and the report hear of a study that decides how much it trains: by looks, or by a budget."""

import io
import shutil

import pytest
from rich.console import Console
from tracked_runs import runs
from trivial_study import trivial_study
from virtual_study import Timed, Virtual

from crescendo.platform.studies.display import Display
from crescendo.platform.studies.record import record_study
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tracking.mlflow_store import STUDY
from crescendo.platform.tracking.tracker import Tracker
from crescendo.platform.tracking.watcher import StudyWatcher
from crescendo.reports.analysis.looks import GIVEN_UP, GOES_ON, Look
from crescendo.reports.source.store_address import local_store
from crescendo.reports.source.study_runs import read_study_runs

ARMS = ("variant=none", "variant=score")


@pytest.fixture
def watched(tmp_path, empty_store):
    """Play a study with a screen and a store; return what the screen has, and the tags of the study's run."""

    def played(kind, changes, *arguments, **options):
        output = tmp_path / "output"
        output.mkdir()
        shutil.copy(empty_store, output / "mlflow.db")
        study = trivial_study(tmp_path, trials=1, changes=changes)
        place, screen = Workspace(output, study.dataset, "hash"), io.StringIO()
        record_study(study, place, extend=False)
        with Tracker(output, study.name) as tracker, Display(Console(file=screen, width=80)) as display:
            watcher = StudyWatcher(study, place, tracker)
            virtual = kind(study, output, *arguments, watchers=(watcher, display), **options)
            display.show(virtual.run, ())
            watcher.begin(virtual.run)
            with watcher.left(virtual.run):
                virtual.play()
        return screen.getvalue(), runs(local_store(output), study.name)[STUDY].data.tags, output

    return played


def test_what_was_decided_at_a_look_is_shown_and_a_tag(watched):
    def judge(run):
        first, second = Look(3, 0.0125, {ARMS[1]: GOES_ON}, ARMS[1:]), Look(5, 0.0375, {ARMS[1]: GIVEN_UP}, ())
        fewest = min(len(run.confirmed(arm)) for arm in ARMS)
        return [one for one in (first, second) if one.seeds <= fewest]

    screen, tags, _ = watched(Virtual, ("confirm={until: decided, seeds: 3, at_most: 5}",), judge=judge)
    assert {name: text for name, text in tags.items() if ".look." in name} == {
        "crescendo.look.3": f"at 1.2 % of error: variant=score: {GOES_ON}",
        "crescendo.look.5": f"at 3.8 % of error: variant=score: {GIVEN_UP}",
    }
    lines = screen.splitlines()
    for seeds, level, outcome in ((3, "1.2", GOES_ON), (5, "3.8", GIVEN_UP)):
        place = lines.index(f"trivial: compared with {seeds} seeds, at {level} % of error")
        assert lines[place + 1] == f"  variant=score: {outcome}"


def test_what_a_budget_paid_for_is_shown_a_tag_and_in_the_report(watched):
    changes = ("search.trials=9", "confirm={seeds: 6}", "budget={hours: 1}")
    screen, tags, output = watched(Timed, changes, lambda now: 300.0)
    said = "budget of 1 h: planned 3 of 9 trials, 3 of 6 seeds an arm"
    assert f"trivial: {said}" in screen.splitlines()
    assert tags["crescendo.budget"] == said
    found = read_study_runs(output)
    assert "The study was planned for its budget: 3 of 9 trials, 3 of 6 seeds an arm." in found.notes
    assert found.study.search.trials == 3
