"""What a study runs on: its data set, and the folds that it asks for."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crescendo.platform.cli import app
from crescendo.platform.studies.record import read_record, record_study
from crescendo.platform.studies.settings import resolve_settings
from crescendo.platform.studies.study_data import fold_names, open_data
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.replicates import ONLY, Replicate
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.data.fold_sets import write_fold_sets
from crescendo.trainables.errors import InputError

SUBSETS = ("training", "training", "validation", "test")
SPLITS = {
    name: {subset: [f"r{(number + place) % 4}"] for place, subset in enumerate(("training", "validation", "test"))}
    for number, name in enumerate("ab")
}


def data(folder: Path, length: float = 10.0, fps: float = 1.0, splits=None):
    recordings = {
        f"r{number}": Recording(
            subset, length, (Segment("run", 0.0, 4.0), Segment(f"r{number}", 5.0, 7.0)), group=f"g{number}"
        )
        for number, subset in enumerate(SUBSETS)
    }
    metadata = DatasetMetadata("made", fps, "none", "here", "free")
    return write_dataset(folder, metadata, Annotations(recordings, groups_are="people"), splits=splits)


def study(*changes: str, dataset: object = "data"):
    head = f"dataset: {dataset}\n" if dataset else ""
    return parse_study(f"name: s\n{head}ablate: {{variant: [none, score]}}\n", "s.yaml", changes, resolve_settings)


def test_without_folds_it_is_the_data_set(tmp_path):
    dataset = data(tmp_path / "data")
    place, remarks = open_data(study(), tmp_path, str(dataset.path))
    assert (place.dataset, place.dataset_hash, place.folds, remarks) == (
        str(dataset.path),
        dataset.content_hash,
        {},
        (),
    )
    recordings = place.recordings(ONLY)
    assert (recordings.dataset_hash, recordings.content_hash) == (dataset.content_hash,) * 2
    assert recordings.division is None


def test_parts_are_views_that_any_process_makes_again(tmp_path):
    dataset = data(tmp_path / "data")
    place, remarks = open_data(study("folds={count: 4}"), tmp_path, str(dataset.path))
    assert list(place.folds) == ["1", "2", "3", "4"]
    for name, fold in place.folds.items():
        assert (fold.dataset, fold.dataset_hash) == (str(dataset.path), dataset.content_hash)
        assert fold.division.of(dataset).content_hash == fold.content_hash
        assert place.recordings(Replicate(name, 3)) == fold
    assert len({fold.content_hash for fold in place.folds.values()}) == 4
    assert remarks[0] == f"{dataset.path}: divided into 4 folds; its own subsets are left aside"
    assert sum("its training part has no r" in line for line in remarks) == 4


def test_own_folds_and_those_of_a_folder_and_of_a_list(tmp_path):
    dataset = data(tmp_path / "own", splits=SPLITS)
    place, _ = open_data(study("folds=own"), tmp_path, str(dataset.path))
    assert list(place.folds) == ["a", "b"]
    assert place.folds["b"].division.of(dataset).recordings("test") == ("r3",)

    write_fold_sets(tmp_path / "sets", "12", lambda fold, folder: data(folder, 10.0 + int(fold)))
    one, _ = open_data(study("folds=own"), tmp_path, str(tmp_path / "sets"))
    assert list(one.folds) == ["1", "2"]
    folders = [tmp_path / "sets" / f"fold{fold}" for fold in "12"]
    other, _ = open_data(study(f"folds={list(map(str, folders))}", dataset=None), tmp_path, "")
    assert list(other.folds) == ["fold1", "fold2"]
    assert list(other.folds.values()) == list(one.folds.values())
    assert one.dataset_hash == other.dataset_hash
    assert {fold.dataset for fold in one.folds.values()} == set(map(str, folders))
    assert all(fold.division is None and fold.content_hash == fold.dataset_hash for fold in one.folds.values())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, "folds d and e: hold the same data"),
        ({"fps": 2.0}, "folds d and e: must be of one kind but their frames a second differ: 1.0 and 2.0"),
    ],
)
def test_data_sets_that_are_no_folds_of_one(tmp_path, other, said):
    sets = [str(data(tmp_path / "d").path), str(data(tmp_path / "e", **other).path)]
    with pytest.raises(InputError, match=said):
        open_data(study(f"folds={sets}", dataset=None), tmp_path, sets[0])


def test_a_fold_that_stands_twice(tmp_path):
    dataset = data(tmp_path / "data", splits={**SPLITS, "c": SPLITS["a"]})
    with pytest.raises(InputError, match="folds a and c: hold the same data"):
        open_data(study("folds=own"), tmp_path, str(dataset.path))


def test_a_data_set_without_folds_of_its_own(tmp_path):
    dataset = data(tmp_path / "data")
    with pytest.raises(
        InputError, match=r"s: folds: own, but .* brings no folds .*import it with --splits, or ask for"
    ):
        open_data(study("folds=own"), tmp_path, str(dataset.path))


def test_folds_that_changed_since_the_study_began(tmp_path):
    dataset = data(tmp_path / "data")
    one = study("folds={count: 4}", dataset=dataset.path)
    place, _ = open_data(one, tmp_path, one.dataset)
    record_study(one, place, extend=False)
    assert read_record(tmp_path).folds == {name: fold.content_hash for name, fold in place.folds.items()}
    record_study(study("folds={count: 4}", "repeats=2", dataset=dataset.path), place, extend=True)
    record_study(study("folds={count: 4}", "repeats=2", dataset="elsewhere"), place, extend=False)
    with pytest.raises(
        InputError, match=r"folds: .* -> not there; --extend may only add trials, arms, seeds or repeats"
    ):
        record_study(study("repeats=2"), open_data(study(), tmp_path, one.dataset)[0], extend=True)
    fewer = {name: fold for name, fold in place.folds.items() if name != "4"}
    with pytest.raises(InputError, match=r"the folds changed since the study began \(4\); restore them"):
        record_study(study("folds={count: 4}", "repeats=2"), replace(place, folds=fewer), extend=False)


def test_names_that_are_known_before_the_data_are_opened(tmp_path):
    own = data(tmp_path / "own", splits=SPLITS).path
    assert fold_names(study()) == ()
    assert fold_names(study("folds={count: 3}")) == ("1", "2", "3")
    assert fold_names(study("folds=[x/a, x/b]", dataset=None)) == ("a", "b")
    assert fold_names(study("folds=own", dataset=own)) == ("a", "b")
    assert fold_names(study("folds=own", dataset=tmp_path / "nowhere")) is None
    assert fold_names(study("folds=own", dataset="s3://bucket/own")) is None


def test_validate_counts_folds_and_repeats(tmp_path):
    def said(*arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["study", "validate", "loss_ablation", *map(str, arguments)])
        return done.exit_code, done.stdout + (str(done.exception) if done.exception else "")

    made = data(tmp_path / "data").path
    _, alone = said("--dataset", made, "--set", "folds=null")
    assert not {"folds", "repeats"} & set(alone.split())
    code, each = said("--dataset", made, "--set", "folds={count: 4}", "--set", "repeats=2")
    assert code == 0
    assert "folds      4 (1, 2, 3, 4); every arm is searched and confirmed in each" in each
    assert "repeats    2: every arm is searched and confirmed anew in each" in each
    assert "5 arms x 2 seeds x 4 folds x 2 repeats: 80 trainings" in each
    assert f"{8 * 25} trainings" in each
    _, unknown = said("--set", "folds=own")
    assert "those of the data set; what follows is of one of them" in unknown
    assert "25 trainings" in unknown
    write_fold_sets(tmp_path / "sets", "12", lambda fold, folder: data(folder, 10.0 + int(fold)))
    assert said("--dataset", tmp_path / "sets", "--set", "folds=own")[0] == 0
    assert "set `folds: own` for all of them" in said("--dataset", tmp_path / "sets", "--set", "folds=null")[1]


@pytest.mark.parametrize(
    ("folds", "fault"), [("{count: 40}", "too few for 40 folds"), ("own", "brings no folds"), ("null", "")]
)
def test_validate_opens_the_data_that_are_there(tmp_path, folds, fault):
    made = data(tmp_path / "data").path
    arguments = ("study", "validate", "loss_ablation", "--dataset", str(made), "--set", f"folds={folds}")
    done = CliRunner().invoke(app, arguments)
    assert fault in str(done.exception or "")
    assert (done.exit_code == 0) == (not fault)
