"""The recordings that a study runs on: its data set, opened and known by its hash, and the folds that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from crescendo.platform.studies.workspace import Recordings, Workspace
from crescendo.reports.analysis.enough import too_little
from crescendo.reports.analysis.variance import Layout
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.schema.folds import FoldCount, names_of_sets
from crescendo.search_spaces.study import Study
from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.findings import unlearnable
from crescendo.trainables.data.fold_sets import fold_sets
from crescendo.trainables.data.folds import Division, made_folds, own_folds, remarks_on
from crescendo.trainables.data.metadata import hash_of
from crescendo.trainables.data.parts import check_parts, faults_of, untested
from crescendo.trainables.data.remote import is_remote, open_dataset
from crescendo.trainables.data.same_dataset import FileStates, file_states
from crescendo.trainables.data.splits import FOLDS, SPLITS
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.addresses import shown_dataset
from crescendo.trainables.training.suitability import check_suits


def open_data(study: Study, output: Path, dataset: str) -> tuple[Workspace, tuple[str, ...]]:
    """Open what `study` runs on, and return where it works, and what its user should know of its folds, in lines.

    `dataset` is the address of its data set.

    Raises
    ------
    InputError
        If a data set cannot be opened, lacks what an arm needs to train and to be validated, or cannot be divided as the
        study asks.
    """
    sets = _sets(study, dataset)
    if sets is not None:
        return _several(study, output, sets)
    address, opened, states = _opened(dataset)
    notes = opened.metadata.notes
    if study.folds is None:
        unscored = _unscored(study)
        check_parts(opened, unscored)
        _check_suits(study, opened)
        remarks, reason = unlearnable(opened.annotations), untested(opened, unscored)
        if reason is None:
            workspace = Workspace(output, address, opened.content_hash, states, notes=notes)
            return workspace, (*remarks, *_no_answer(study, [opened]))
        if study.confirm.until is not None:
            raise InputError(
                f"{study.name}: confirm.until: {study.confirm.until} needs a test part, but in {shown_dataset(dataset)} "
                f"{reason}; leave it out, or divide the data anew"
            )
        said = f"nothing will be tested: {reason}; arms are confirmed on the validation part"
        return Workspace(output, address, opened.content_hash, states, untested=reason, notes=notes), (said, *remarks)
    views = {division.fold: (division, division.of(opened)) for division in _divisions(study, opened)}
    folds = {
        name: Recordings(address, opened.content_hash, states, division, view.content_hash)
        for name, (division, view) in views.items()
    }
    _check_different({name: view.content_hash for name, (_, view) in views.items()}, dict.fromkeys(views, dataset))
    made = isinstance(study.folds, FoldCount)
    aside = (
        [f"{shown_dataset(dataset)}: divided into {len(views)} folds; its own subsets are left aside"] if made else []
    )
    remarks = _checked(study, {name: view for name, (_, view) in views.items()})
    return Workspace(output, address, opened.content_hash, states, folds, notes=notes), (*aside, *remarks)


def fold_names(study: Study) -> tuple[str, ...] | None:
    """Return the names of the folds of `study` as far as they are known before its data are opened; None if they are not."""
    if study.folds is None:
        return ()
    if isinstance(study.folds, FoldCount):
        return tuple(division.fold for division in made_folds(study.folds.count, study.folds.by))
    if isinstance(study.folds, tuple):
        return names_of_sets(study.folds)
    if is_remote(study.dataset) or not Path(study.dataset).is_dir():
        return None
    sets = tuple(fold_sets(study.dataset))
    prepared = (Path(study.dataset) / "dataset.json").is_file()
    return sets or (tuple(Dataset(study.dataset).splits) if prepared else ()) or None


def _sets(study: Study, dataset: str) -> dict[str, str] | None:
    """Return fold -> address of its data set, where each fold is one; None where they share one."""
    if isinstance(study.folds, tuple):
        return dict(zip(names_of_sets(study.folds), study.folds, strict=True))
    if study.folds == "own" and not is_remote(dataset):
        return {name: str(folder) for name, folder in fold_sets(dataset).items()} or None
    return None


def _several(study: Study, output: Path, sets: Mapping[str, str]) -> tuple[Workspace, tuple[str, ...]]:
    opened = {name: _opened(dataset) for name, dataset in sets.items()}
    folds = {
        name: Recordings(address, dataset.content_hash, states) for name, (address, dataset, states) in opened.items()
    }
    hashes = {name: one.content_hash for name, one in folds.items()}
    _check_different(hashes, sets)
    _check_alike({name: dataset for name, (_, dataset, _) in opened.items()})
    first = next(iter(folds.values()))
    notes = tuple(dict.fromkeys(note for _, dataset, _ in opened.values() for note in dataset.metadata.notes))
    place = Workspace(output, first.dataset, hash_of(list(hashes.values())), folds=folds, notes=notes)
    return place, _checked(study, {name: dataset for name, (_, dataset, _) in opened.items()})


def _check_different(hashes: Mapping[str, str], sets: Mapping[str, str]) -> None:
    """Refuse folds that are one: they would count as several. `hashes`, `sets`: fold -> content hash, address."""
    for name, content in hashes.items():
        same = [other for other, its in hashes.items() if its == content]
        if len(same) > 1:
            raise InputError(
                f"folds {' and '.join(same)}: hold the same data ({shown_dataset(sets[name])}); every fold must differ"
            )


def _check_alike(folds: Mapping[str, Dataset]) -> None:
    """Refuse data sets that no study could measure alike."""
    (name, first), *others = folds.items()
    for other, dataset in others:
        for what, one, its in (
            ("labels", first.labels[1:], dataset.labels[1:]),
            ("frames a second", first.fps, dataset.fps),
            ("numbers a frame", first.feature_dim, dataset.feature_dim),
        ):
            if one != its:
                raise InputError(
                    f"folds {name} and {other}: must be of one kind but their {what} differ: {one!s:.80} and {its!s:.80}"
                )


def _divisions(study: Study, dataset: Dataset) -> tuple[Division, ...]:
    if isinstance(study.folds, FoldCount):
        return made_folds(study.folds.count, study.folds.by)
    if not dataset.splits:
        raise InputError(
            f"{study.name}: folds: own, but {dataset.path} brings no folds ({SPLITS}, or {FOLDS} beside several data sets); "
            "import it with --splits, or ask for {count: 5, by: group}"
        )
    return own_folds(dataset)


def _opened(dataset: str) -> tuple[str, Dataset, FileStates | None]:
    if is_remote(dataset):
        return dataset, open_dataset(dataset), None
    address = str(Path(dataset).absolute())
    states = file_states(address)
    return address, open_dataset(address), states


def _check_suits(study: Study, dataset: Dataset) -> None:
    """Refuse a data set that some arm of `study` cannot be trained on, by the kind of its features or labels."""
    for arm in arms_of(study):
        try:
            check_suits(configuration(arm.sample, arm.name), dataset)
        except InputError as error:
            raise InputError(f"{study.name}: arm {arm.name}: {error}") from None


def _unscored(study: Study) -> frozenset[str]:
    """Return the labels that the protocol of some arm of `study` does not score."""
    rules = (configuration(arm.sample, arm.name).matching_rule for arm in arms_of(study))
    return frozenset(label for rule in rules for label in rule.unscored)


def _checked(study: Study, folds: Mapping[str, Dataset]) -> tuple[str, ...]:
    unscored = _unscored(study)
    for name, dataset in folds.items():
        for fault in faults_of(dataset, unscored).values():
            raise InputError(
                f"{dataset.path}, fold {name}: {fault} there; divide the recordings otherwise, or into fewer folds"
            )
        _check_suits(study, dataset)
    return *remarks_on(folds), *_no_answer(study, folds.values())


def _no_answer(study: Study, folds: Iterable[Dataset]) -> tuple[str, ...]:
    """Return why arms will not be told apart, whatever their numbers, if that is known before they are trained."""
    tested = tuple(float(fold.annotations.groups().count(fold.recordings("test"))) for fold in folds)
    reason = too_little(Layout(tested, study.repeats, len(study.confirm.every_seed)))
    return (f"no answer can come of it: {reason}",) if reason is not None and len(arms_of(study)) > 1 else ()
