"""What a study runs on: its data set, and the folds that it asks for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from crescendo.platform.cli import app
from crescendo.platform.studies.record import read_record, record_study
from crescendo.platform.studies.settings import auto_reasons, load_study, resolve_settings
from crescendo.platform.studies.study_data import fold_names, open_data
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.replicates import ONLY, Replicate
from crescendo.trainables.auto_config import auto_config
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.fold_sets import write_fold_sets
from crescendo.trainables.data.synthetic import synthesize
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
    frames = dict.fromkeys(recordings, round(length * fps))
    return write_dataset(
        folder,
        metadata,
        Annotations(recordings, groups_are="people"),
        frames=frames,
        features=[np.zeros((count, 1), np.float32) for count in frames.values()],
        feature_dim=1,
        splits=splits,
    )


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
        (
            "2 labels without a training segment, which cannot be learned (AP 0 where scored): r2 (1 in validation), "
            "r3 (1 in test)",
            "no answer can come of it: 1 group of recordings is too few, it takes 4",
        ),
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


def test_auto_goes_by_the_data_set_wherever_its_folds_lie(tmp_path):
    write_fold_sets(tmp_path / "sets", "12", lambda fold, folder: data(folder, 10.0 + int(fold)))
    first, second = (str(tmp_path / "sets" / f"fold{fold}") for fold in "12")
    (tmp_path / "one.yaml").write_text(f"name: s\ndataset: {tmp_path / 'sets'}\nfolds: own\nbase: {{config: auto}}\n")
    (tmp_path / "two.yaml").write_text(f"name: s\nfolds: [{first}, {second}]\nbase: {{config: auto}}\n")
    (tmp_path / "made.yaml").write_text("name: s\ndataset: synthetic\nbase: {config: auto}\n")
    bases = [load_study(str(tmp_path / f"{name}.yaml")).base for name in ("one", "two")]
    assert bases[0] == bases[1]
    plain = auto_config(Dataset(first)).settings
    assert {key: bases[0][key] for key in plain} == plain
    # A study that names no data set may be given one.
    (tmp_path / "any.yaml").write_text("name: s\nbase: {config: auto}\n")
    with pytest.raises(InputError, match="dataset: must be given"):
        load_study(str(tmp_path / "any.yaml"))
    given = load_study(str(tmp_path / "any.yaml"), dataset=first)
    assert (given.dataset, {key: given.base[key] for key in plain}) == (first, plain)
    made = load_study(str(tmp_path / "made.yaml"))
    assert made.base["config"] == "auto"
    assert made.base["sequence_length"] == auto_config(synthesize(tmp_path / "synthetic")).settings["sequence_length"]
    assert len(auto_reasons(load_study(str(tmp_path / "two.yaml")))) == 3
    assert len(auto_reasons(load_study(str(tmp_path / "two.yaml"), ["decode.merge_gap=3", "base.bptt=1"]))) == 1


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
        InputError, match=r"folds: .* -> not there; --extend may only add trials, arms, seeds, repeats or hours"
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
    small = [
        word
        for change in ("hidden_size=8", "sequences=4", "sequence_length=20")
        for word in ("--set", f"base.{change}")
    ]

    def said(*arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["study", "validate", "loss_ablation", *small, *map(str, arguments)])
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


def made_of(
    folder: Path, features: bool = True, length: float = 3.0, point: str = "", unclear: str = "", **segments: int
) -> Path:
    """A data set of two recordings a part, the second with so many segments.

    Those of the part `point` have no length, those of `unclear` are Ambiguous.
    """
    recordings = {
        f"{subset}{number}": Recording(
            subset,
            10.0,
            (Segment("Ambiguous" if subset == unclear else "run", 1.0, 1.0 + length * (subset != point)),)
            * (segments.get(subset, 1) if number else 0),
            group=subset,
        )
        for subset in ("training", "validation", "test")
        if segments.get(subset) != -1
        for number in range(2)
    }
    told = {} if not features else {"feature_dim": 1, "frames": dict.fromkeys(recordings, 10)}
    matrices = [np.zeros((10, 1), np.float32)] * len(recordings)
    metadata = DatasetMetadata("made", 1.0, "none", "here", "free")
    write_dataset(folder, metadata, Annotations(recordings), features=matrices, **told)
    return folder


@pytest.mark.parametrize(
    ("segments", "changes", "fault"),
    [
        ({}, (), None),
        ({"training": 0}, (), "none of the 2 training recordings has a segment: nothing can be trained"),
        ({"training": -1}, (), "there is no training part: nothing can be trained"),
        ({"validation": 0}, (), "none of the 2 validation recordings has a segment: no training can be validated"),
        ({"validation": -1}, (), "there is no validation part: no training can be validated"),
        ({"test": 0}, (), None),
        ({"test": -1}, (), None),
        ({"test": 0}, ("confirm.until=decided",), "confirm.until: decided needs a test part"),
        (
            {"test": 0},
            ("folds={count: 3, by: group}",),
            "fold 1: none of the 2 validation recordings has a segment: .*; divide the recordings otherwise",
        ),
        ({"length": 0.25}, (), "no training segment covers a frame at 1 frame a second: nothing can be trained"),
        (
            {"point": "validation"},
            (),
            "no validation segment covers a frame at 1 frame a second: no training can be valid",
        ),
        ({"point": "test"}, (), None),
        (
            {"point": "test"},
            ("folds={count: 3, by: group}",),
            "fold 1: no .* covers a frame .*; divide the recordings other",
        ),
        (
            {"unclear": "validation"},
            ("base.protocol=thumos14",),
            "all validation segments are Ambiguous, which the protocol does not score: no training can be validated",
        ),
        (
            {"unclear": "test"},
            ("base.protocol=thumos14", "folds={count: 3, by: group}"),
            "fold 1: all .* segments are Ambiguous, which the protocol does not score",
        ),
        ({"features": False}, (), "holds annotations only"),
        ({}, ("trainable=vgg19",), "holds features, not pixels"),
        ({}, ("base.margin_rivals=activities", "ablate.variant=[none, margin]"), "arm variant=margin: margin_rivals"),
    ],
)
def test_what_a_sweep_needs_of_its_data_is_checked_before_it(tmp_path, segments, changes, fault):
    folder = made_of(tmp_path / "data", **segments)
    checked = study(*changes, dataset=folder)
    if fault is not None:
        with pytest.raises(InputError, match=fault) as caught:
            open_data(checked, tmp_path, str(folder))
        assert "\n" not in str(caught.value)
        return
    place, remarks = open_data(checked, tmp_path, str(folder))
    assert place.notes == Dataset(folder).metadata.notes
    lacking = {0: "none of the 2 test recordings has a segment", -1: "there is no test part"}
    pointed = "no test segment covers a frame at 1 frame a second" if "point" in segments else None
    assert place.untested == lacking.get(segments.get("test"), pointed)
    expected = [f"nothing will be tested: {place.untested}; arms are confirmed on the validation part"]
    few = ["no answer can come of it: 1 group of recordings is too few, it takes 4"]
    assert list(remarks) == (expected if place.untested else few)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ((), "1 group of recordings is too few, it takes 4"),
        (("folds={count: 4}",), None),
        (("ablate=[{name: alone, settings: {variant: score}}]",), None),
    ],
)
def test_that_no_answer_can_come_is_said_before_anything_is_trained(tmp_path, changes, reason):
    folder = data(tmp_path / "data").path
    checked = study(*changes, dataset=folder)
    said = [line for line in open_data(checked, tmp_path, str(folder))[1] if line.startswith("no answer")]
    assert said == ([] if reason is None else [f"no answer can come of it: {reason}"])


def test_validate_says_that_it_did_not_look_at_data_at_an_address():
    done = CliRunner().invoke(app, ["study", "validate", "quick", "--dataset", "s3://nowhere/data"])
    assert done.exit_code == 0, done.exception
    assert "the data set is at a URI and was not looked at, which would copy all of it to this machine" in done.stdout


def test_validate_says_what_is_wrong_with_the_data(tmp_path):
    def said(folder: Path) -> str:
        done = CliRunner().invoke(app, ["study", "validate", "quick", "--dataset", str(folder)])
        return f"{done.stdout}{done.exception or ''}"

    untested, untrained = made_of(tmp_path / "a", test=0), made_of(tmp_path / "b", training=0)
    assert said(untested).startswith("quick: valid\n")
    assert "nothing will be tested: none of the 2 test recordings has a segment" in said(untested)
    assert said(untrained).startswith("quick: the study is in order, its data are not\n")
    assert said(untrained).endswith(
        f"{untrained}: none of the 2 training recordings has a segment: nothing can be trained; look at it with "
        "`crescendo data describe`, and import it anew"
    )


@pytest.mark.parametrize(
    ("folds", "fault"), [("{count: 40}", "too few for 40 folds"), ("own", "brings no folds"), ("null", "")]
)
def test_validate_opens_the_data_that_are_there(tmp_path, folds, fault):
    made = data(tmp_path / "data").path
    arguments = ("study", "validate", "loss_ablation", "--dataset", str(made), "--set", f"folds={folds}")
    done = CliRunner().invoke(app, arguments)
    assert fault in str(done.exception or "")
    assert (done.exit_code == 0) == (not fault)
