"""The trials in a study's output folder, as they are now, and which of the confirmed runs is the best detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from crescendo.platform.studies.ledger import LEDGER, Ledger, TrialRecord
from crescendo.platform.studies.record import read_record
from crescendo.platform.studies.study_trials import StudyTrials
from crescendo.platform.studies.workspace import TRIALS
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.record import STUDY_FILE
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted


def is_study(folder: Path) -> bool:
    """Tell whether `folder` is the output folder of a study."""
    return (folder / STUDY_FILE).is_file() and (folder / LEDGER).is_file()


def read_trials(output: Path) -> StudyTrials:
    """Return the trials of the study in `output`, also while a sweep runs there; nothing is written.

    Raises
    ------
    InputError
        If there is no study, or it is damaged.
    """
    if not is_study(output):
        raise InputError(f"{output}: holds no study ({STUDY_FILE} and {LEDGER}); name the output folder of a sweep")
    record = read_record(output)
    trials = StudyTrials(record.done, Ledger(output, copy=True), record.folds)
    # Of a study that runs until it is decided, those that an arm may come to have.
    trials.seeds = dict.fromkeys(trials.seeds, record.done.confirm.most)
    return trials


@dataclass(frozen=True)
class BestRun:
    """The confirmed run of `arm` with the highest validation value, among as many confirmed runs of the arm.

    `of_arms` is how many arms it was chosen among, `folder` where it lies, `metric` whose value it was chosen by.
    """

    entry: TrialRecord
    folder: Path
    metric: str
    among: int
    of_arms: int

    def described(self) -> str:
        """Say which run this is and how it was chosen."""
        entry = self.entry
        where = f", {entry.replicate.name}" if entry.replicate.name else ""
        value = f"{self.metric} {100 * (entry.value or 0.0):.1f} %"
        arm = f"arm {entry.arm}" + (f", which has the best mean of {self.of_arms} arms" if self.of_arms > 1 else "")
        folds = "; folds validate on different recordings" if entry.replicate.fold is not None else ""
        return (
            f"{arm}{where}, seed {entry.settings['seed']}: best of its {counted(self.among, 'confirmed run')} on the validation "
            f"split ({value}{folds}); the test split had no say"
        )


def best_run(output: Path, arm: str | None = None) -> BestRun:
    """Return the best confirmed run of the study in `output`; the validation split decides, never the test split.

    Parameters
    ----------
    arm
        Default: the arm whose confirmed runs have the highest mean validation value.

    Raises
    ------
    InputError
        Listing the arms and what is confirmed of them, if there is no such arm, or none of its runs is confirmed.
    """
    trials = read_trials(output)
    confirmed = {one.name: list(confirmed_runs(trials, one.name)) for one in arms_of(trials.study)}
    listed = "; ".join(f"{name}: {_counted(runs)}" for name, runs in confirmed.items())
    if arm is not None and arm not in confirmed:
        raise InputError(f"--arm {arm}: {output} has no such arm; there are {listed}")
    among = {arm: confirmed[arm]} if arm is not None else {name: runs for name, runs in confirmed.items() if runs}
    if not any(among.values()):
        raise InputError(
            f"{output}: {f'arm {arm} has' if arm is not None else 'has'} no confirmed run yet ({listed}); "
            f"`crescendo study show {output}` lists all trials"
        )
    name = max(among, key=lambda one: fmean(map(_value, among[one])))
    entry = max(among[name], key=_value)
    return BestRun(entry, output / TRIALS / entry.identity, trials.study.objective.metric, len(among[name]), len(among))


def confirmed_runs(trials: StudyTrials, arm: str) -> Iterator[TrialRecord]:
    """Yield the confirmations of an arm's best setting that are complete, in every fold and repeat."""
    for replicate in trials.replicates:
        yield from trials.confirmed(arm, replicate)


def _counted(runs: Sequence[TrialRecord]) -> str:
    return counted(len(runs), "confirmed run") if runs else "no confirmed runs"


def _value(entry: TrialRecord) -> float:
    return entry.value or 0.0
