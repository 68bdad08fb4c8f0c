"""What Ray Tune tells of processes, passed on to a study."""

from types import SimpleNamespace

from trivial_study import trivial_study

from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Workspace
from crescendo.platform.tuning.adapters import StudyCallback


def test_what_runs_in_a_process_that_ends_by_itself_is_tried_again_and_not_waited_for(tmp_path):
    study = trivial_study(tmp_path, trials=2)
    run = StudyRun(study, Ledger(tmp_path), Workspace(tmp_path, study.dataset, "hash"))
    [job] = run.next_jobs()
    process = SimpleNamespace(config={"jobs": (job,), "cohort": run.cohort(job.identity)})
    StudyCallback(run, lambda: None).on_trial_complete(0, [], process)
    assert not run.running
    [again] = run.next_jobs()
    assert again.identity == job.identity
    assert run.running[job.identity].failures == ["its process ended before its last report"]
