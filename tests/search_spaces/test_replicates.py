"""Replicates: their order, names and seeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.platform.studies.settings import resolve_settings
from crescendo.search_spaces.changes import differences, extends
from crescendo.search_spaces.cost import cost
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.record import StudyRecord
from crescendo.search_spaces.replicates import ONLY, Replicate, replicates_of
from crescendo.search_spaces.schema.folds import FOLD_NAME, names_of_sets
from crescendo.search_spaces.study import Study

TEXT = "name: test\ndataset: synthetic\nablate: {variant: [none, score]}\n"


def study(*overrides: str, text: str = TEXT) -> Study:
    return parse_study(text, "s.yaml", overrides, resolve_settings)


def test_a_study_with_neither_folds_nor_repeats_has_one_and_says_nothing_of_either() -> None:
    assert replicates_of(study()) == (ONLY,)
    assert (ONLY.name, ONLY.search_seed(study()), ONLY.confirm_seeds(study())) == ("", 1000, (0, 1, 2))
    assert study().to_json().keys() & {"folds", "repeats"} == set()
    assert study("folds=null", "repeats=1").fingerprint == study().fingerprint


def test_the_work_goes_repeat_by_repeat_and_in_it_fold_by_fold() -> None:
    found = replicates_of(study("repeats=2"), ("2", "10", "1"))
    assert [one.name for one in found] == [
        "fold 2",
        "fold 10",
        "fold 1",
        "fold 2, repeat 2",
        "fold 10, repeat 2",
        "fold 1, repeat 2",
    ]
    assert [one.name for one in replicates_of(study("repeats=2"))] == ["", "repeat 2"]


@given(
    repeats=st.integers(1, 50), seed=st.integers(0, 10**6), seeds=st.sets(st.integers(0, 10**5), min_size=1, max_size=8)
)
def test_no_confirmation_has_a_seed_of_a_search_or_of_another_repeat(repeats: int, seed: int, seeds: set[int]) -> None:
    text = f"{TEXT}repeats: {repeats}\nsearch: {{seed: {seed}}}\nconfirm: {{seeds: {sorted(seeds)}}}\n"
    used = [(seed + 10_000 * repeat, "search") for repeat in range(repeats)]
    used += [(one + 10_000 * repeat, "confirm") for one in seeds for repeat in range(repeats)]
    if len({one for one, _ in used}) < len(used):
        with pytest.raises(StudyError, match=r"confirm\.seeds: must"):
            study(text=text)
        return
    one = study(text=text)
    found = replicates_of(one)
    told = [(replicate.search_seed(one), "search") for replicate in found]
    told += [(confirm, "confirm") for replicate in found for confirm in replicate.confirm_seeds(one)]
    assert sorted(told) == sorted(used)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["folds=3"], "folds: must be own, {count: 5, by: group} or a list of prepared data sets but got 3"),
        (["folds=mine"], "folds: must be own, {count: 5, by: group} or a list of prepared data sets but got 'mine'"),
        (["folds={count: 2}"], "folds.count: must be greater than or equal to 3 but got 2"),
        (["folds={by: group}"], "folds.count: must be given"),
        (["folds={count: 3, by: person}"], "folds.by: must be 'group' or 'recording' but got 'person'"),
        (["folds={conut: 3}"], "folds.conut: unknown key; did you mean count?"),
        (["folds=[a]"], "folds: must be two or more different prepared data sets but got ['a']"),
        (["folds=[a, b, a]"], "folds: must be two or more different prepared data sets but got ['a', 'b', 'a']"),
        (["folds=[a, b]"], "dataset: must be left out where folds lists the data sets"),
        (["search.finalists=2", "confirm.seeds=[1002]"], "confirm.seeds: must be fresh but 1002 is a finalist's"),
        (["search.finalists=2", "repeats=2", "confirm.seeds=[11001]"], "confirm.seeds: must not meet another repeat's"),
        (["repeats=0"], "repeats: must be greater than or equal to 1 but got 0"),
        (["repeats=2", "confirm.seeds=[0, 10000]"], "confirm.seeds: must not meet another repeat's"),
        (["repeats=2", "confirm.seeds=[11000]"], "confirm.seeds: must not meet another repeat's"),
        (
            ["repeats=1000", "confirm.seeds=[4294967295]"],
            "repeats: the last of 1000 repeats would have the seed 4304957295",
        ),
    ],
)
def test_what_no_study_can_be_divided_into(overrides: list[str], said: str) -> None:
    with pytest.raises(StudyError) as error:
        study(*overrides)
    assert any(said in line for line in error.value.lines), error.value.lines


def test_a_list_of_data_sets_stands_for_the_data_set_and_is_known_by_its_names() -> None:
    text = "name: test\nfolds: [data/g/fold1, data/g/fold2]\nablate: {variant: [none, score]}\n"
    one = study(text=text)
    assert one.dataset == "data/g/fold1"
    moved = study("folds=[/mnt/fold1, s3://bucket/fold2/]", text=text)
    assert differences(one, moved) == []
    assert one.fingerprint == moved.fingerprint
    assert Study.from_json(one.to_json()) == one
    assert differences(one, study("folds=[/mnt/fold1, /mnt/fold3]", text=text)) == [
        "folds: [fold1, fold2] -> [fold1, fold3]"
    ]


@given(st.lists(st.text(max_size=60), max_size=12))
def test_names_of_data_sets_are_distinct_and_plain(addresses: list[str]) -> None:
    names = names_of_sets(addresses)
    assert len(set(names)) == len(names) == len(addresses)
    assert all(FOLD_NAME.fullmatch(name) for name in names)


def test_names_of_data_sets_are_the_last_parts_of_their_paths() -> None:
    assert names_of_sets(["data/fold1", "s3://key:se/cret@b/gtea 2/?session_token=x", "a/x", "b/x", "/", "3"]) == (
        "fold1",
        "gtea-2",
        "3+",
        "4",
        "5",
        "3",
    )


def test_repeats_extend_a_study_and_folds_change_it() -> None:
    assert differences(study(), study("repeats=3")) == ["repeats: 1 -> 3"]
    assert extends(study(), study("repeats=3"))
    assert not extends(study("repeats=3"), study())
    assert differences(study(), study("folds={count: 5}")) == ["folds: not there -> {count: 5, by: group}"]
    assert not extends(study(), study("folds={count: 5}"))
    assert not extends(study("folds={count: 5}"), study("folds={count: 6}"))
    assert extends(study("folds={count: 5}"), study("folds={count: 5}", "repeats=2"))
    assert len({study(*one).fingerprint for one in ((), ("repeats=3",), ("folds={count: 5}",), ("folds=own",))}) == 4


def test_a_study_costs_as_much_in_each() -> None:
    one, several = cost(study()), cost(study("repeats=2"), folds=5)
    assert several.arms == one.arms
    for key in ("trials", "confirmations", "trainings", "iterations", "frames", "passes", "gaps"):
        assert getattr(several, key) == 10 * getattr(one, key)


def test_finalists_go_without_saying_where_there_is_one() -> None:
    assert study("search.finalists=1", "search.finalist_seeds=7").fingerprint == study().fingerprint
    assert study().to_json()["search"].keys() & {"finalists", "finalist_seeds"} == set()
    assert Replicate(None, 3).finalist_seeds(study("search.finalists=4", "search.finalist_seeds=2")) == (21_001, 21_002)
    assert differences(study(), study("search.finalists=3")) == [
        "search.finalists: 1 -> 3",
        "search.finalist_seeds: not there -> 2",
    ]
    assert not extends(study(), study("search.finalists=3"))
    assert differences(study(), study("search.finalist_seeds=3")) == []


def test_finalists_cost_trainings_where_several_settings_are_tried() -> None:
    searched = ("search.trials=4", "search.space={dropout: [0.1, 0.2, 0.3]}")
    assert cost(study("search.finalists=5", *searched)).finalists == 2 * 3 * 2
    assert cost(study("search.finalists=2", "search.finalist_seeds=3", *searched)).finalists == 2 * 2 * 3
    assert cost(study("search.finalists=5")).finalists == 0


def test_what_is_written_down_has_the_folds_with_their_hashes_and_the_notes_on_the_data() -> None:
    record = StudyRecord(study("folds=own"), "d", {"b": "1", "a": "2"}, data_notes=("2 labels dropped",))
    content = record.to_json()
    assert content["folds"] == {"b": "1", "a": "2"}
    assert list(StudyRecord.from_json(content).folds) == ["b", "a"]
    assert StudyRecord.from_json(content) == record
    assert StudyRecord(study(), "d").to_json().keys() == {"study", "dataset_hash"}


def test_replicates_are_put_in_order_by_fold_and_repeat() -> None:
    assert sorted([Replicate("2", 1), Replicate("1", 2), Replicate("1", 1)])[0] == Replicate("1", 1)
