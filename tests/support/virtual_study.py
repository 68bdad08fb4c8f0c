"""A study played through without Ray: a loop takes its jobs, and arithmetic answers."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from trivial_study import value

from crescendo.platform.studies.budget import Purse
from crescendo.platform.studies.ledger import Ledger
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.workspace import Recordings, Workspace
from crescendo.trainables.training.validation_report import ValidationReport


class Virtual:
    """Runs a study's cohorts in turn, one step of each member; `concurrent` cohorts at once."""

    def __init__(
        self, study, output: Path, concurrent: int = 1, score=value, folds=(), judge=None, purse=None, watchers=()
    ):
        self.ledger = Ledger(output)
        recordings = {name: Recordings(study.dataset, "hash", content_hash=f"hash of {name}") for name in folds}
        place = Workspace(output, study.dataset, "hash", folds=recordings)
        self.run = StudyRun(study, self.ledger, place, watchers, judge=judge, purse=purse)
        self.concurrent, self.score = concurrent, score
        self.cohorts: list[dict[str, list]] = []
        self.sizes: list[int] = []
        self.steps: Counter[tuple[str, int]] = Counter()

    def turn(self) -> bool:
        """Do one thing; False when the study is over."""
        if len(self.cohorts) < self.concurrent and (jobs := self.run.next_jobs()):
            self.cohorts.append({job.identity: [job, self.saved(job)] for job in jobs})
            self.sizes.append(len(jobs))
            return True
        if not self.cohorts:
            assert self.run.over
            return False
        cohort = self.cohorts.pop(0)
        for identity in list(cohort):
            self.advance(cohort, identity)
        if cohort:
            self.cohorts.append(cohort)
        return True

    def advance(self, cohort, identity: str) -> None:
        job, iteration = cohort.pop(identity)
        iteration += 10
        self.steps[identity, iteration] += 1
        Path(job.folder).mkdir(parents=True, exist_ok=True)
        (Path(job.folder) / "at").write_text(str(iteration))
        if not self.run.report(identity, self.report(job, iteration)):
            cohort[identity] = [job, iteration]

    def saved(self, job) -> int:
        at = Path(job.folder) / "at"
        return int(at.read_text()) if at.exists() else 0

    def report(self, job, iteration: int) -> ValidationReport:
        objective = self.score(job.settings, iteration)
        done = iteration == job.settings["iterations"]
        return ValidationReport(iteration, objective, done, chosen={"merge_gap": 20, "reset": "memory"} if done else {})

    def play(self, turns: int = 10_000) -> "Virtual":
        for _ in range(turns):
            if not self.turn():
                break
        self.ledger.close()
        return self

    def told(self, replicate=None):
        """What the ledger says of a study's trials, or of those of one replicate."""
        told: dict[tuple, list] = {}
        for one in self.run.everything():
            if replicate in (None, one.replicate):
                row = (one.number, one.identity, one.state.name, dict(one.settings), one.value)
                told.setdefault((one.replicate, one.arm, one.phase), []).append(row)
        return told


class Timed(Virtual):
    """A virtual study with a budget whose trainings take `seconds(now)` of a clock each, one at a time."""

    def __init__(self, study, output: Path, seconds, **options):
        self.now, self.took, self.trained = 0.0, seconds, Counter()
        output.mkdir(exist_ok=True)
        self.told_of: list[str] = []
        super().__init__(study, output, purse=Purse(study.budget, output, lambda: self.now), **options)
        tell = self.run.planned
        self.run.planned = lambda text: (self.told_of.append(text), tell(text))

    def report(self, job, iteration: int) -> ValidationReport:
        took = self.took(self.now)
        self.now += took / 3
        self.trained[job.identity] += took / 3
        return replace(super().report(job, iteration), seconds=self.trained[job.identity])
