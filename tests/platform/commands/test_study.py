"""`crescendo study`, as a user meets it."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from crescendo.platform.studies.settings import load_study, study_schema
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.loading import shipped_studies, study_text
from crescendo.search_spaces.study import Study
from crescendo.search_spaces.yaml_source import read
from crescendo.trainables.losses.variants import VARIANTS

STORED = Path(__file__).parents[2] / "formats" / "stored" / "data"


def test_list_names_every_shipped_study(crescendo) -> None:
    lines = crescendo("study", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_studies())
    assert all(len(line.split()) > 3 for line in lines)


def test_show_prints_a_file_that_can_be_run(crescendo, tmp_path: Path) -> None:
    shown = crescendo("study", "show", "quick")
    assert shown.stdout == study_text("quick")[0]
    (tmp_path / "mine.yaml").write_text(shown.stdout, encoding="utf-8")
    (tmp_path / "quick").mkdir()
    assert crescendo("study", "show", "quick", folder=tmp_path).stdout == shown.stdout
    assert crescendo("study", "validate", "mine.yaml", folder=tmp_path).returncode == 0


def test_show_lists_the_trials_of_an_output_folder(crescendo, tmp_path: Path) -> None:
    shown = crescendo("study", "show", STORED.parent / "study").stdout
    assert shown.startswith("stored: validation mAP/iou_0.50 in percent; folders lie under ")
    assert "confirm 0" in shown
    assert "60243703d57392b4*" in shown
    listed = json.loads(crescendo("study", "show", STORED.parent / "study", "--json").stdout)
    assert {one["phase"] for one in listed} == {"search", "confirm"}
    assert "holds no study" in crescendo("study", "show", tmp_path).stderr
    assert "quick is none" in crescendo("study", "show", "quick", "--json").stderr


def test_validate_says_what_the_study_costs(crescendo) -> None:
    result = crescendo(
        "study",
        "validate",
        "quick",
        "--set",
        "search.trials=5",
        "--set",
        "confirm.seeds=[0, 1]",
        "--set",
        "base.iterations=200",
    )
    assert result.returncode == 0
    text = " ".join(result.stdout.split())
    assert "quick: valid" in text
    assert "arm variant=none (baseline): 5 trials, learning_rate 0.001 to 0.01, log" in text
    assert "search 3 arms: 15 trials" in text
    assert "confirm 3 arms x 2 seeds: 6 trainings" in text
    assert "21 trainings, 4,200 iterations" in text


def test_validate_says_how_many_seeds_a_study_may_come_to_have_until_it_is_decided(crescendo) -> None:
    changes = ("confirm.seeds=[3, 4, 5, 6]", "confirm.until=decided", "confirm.at_most=9", "repeats=2")
    result = crescendo("study", "validate", "quick", *(word for change in changes for word in ("--set", change)))
    assert result.returncode == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "confirm 3 arms x 4 to 9 seeds (compared with 4, 6, 9) x 2 repeats: at most 54 trainings" in text
    assert "cost at most 72 trainings, " in text


def test_a_base_may_follow_from_the_data_set(crescendo, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("name: small\ndataset: data\nbase: {config: auto, iterations: 20}\n")
    shutil.copytree(STORED, tmp_path / "data")
    result = crescendo("study", "validate", "s.yaml", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    told = [line for line in result.stdout.splitlines() if "auto: " in line]
    assert [line.split()[1] for line in told] == ["sequence_length", "bptt", "merge_gap"]
    values = {line.split()[1]: int(line.split()[2]) for line in told}
    studies = [
        load_study(str(tmp_path / "s.yaml"), overrides, tmp_path / "data") for overrides in ([], ["base.bptt=3"])
    ]
    settings = {key: values[key] for key in ("sequence_length", "bptt", "merge_gap")}
    written = ["base.config=null", *(f"base.{key}={value}" for key, value in settings.items())]
    assert arms_of(studies[0]) == arms_of(load_study(str(tmp_path / "s.yaml"), written, tmp_path / "data"))
    assert {key: studies[1].base[key] for key in settings} == {**settings, "bptt": 3}
    lost = crescendo("study", "validate", "s.yaml", "--dataset", "nowhere", folder=tmp_path)
    assert lost.returncode == 2
    assert lost.stderr.startswith("error: --dataset nowhere: no such folder; make a data set with")
    assert lost.stderr.count("\n") == 1
    (tmp_path / "data").rename(tmp_path / "moved")
    (tmp_path / "data").mkdir()
    emptied = crescendo("study", "validate", "s.yaml", "--set", "search.trials=0", folder=tmp_path)
    [trials, folder] = emptied.stderr.splitlines()
    assert trials.startswith("error: --set search.trials=0")
    assert folder.startswith("error: s.yaml:2: dataset: data: not a prepared data set")
    assert folder.endswith("`base.config: auto` is worked out from it")


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ("{cpus: 2}", "2 CPU a trial, as many at once as fit"),
        ("{gpus: 0.25, concurrent: 3}", "1 CPU, 0.25 GPU a trial, 3 at once"),
        ("{cohort: 4}", "1 CPU a cohort of up to 4 trials, as many at once as fit"),
        ("{gpus: 1}", "1 CPU, 1 GPU a cohort of up to 10 trials, as many at once as fit; 3 take turns at a GPU"),
        ("{gpus: 1, cohort: 1}", "1 CPU, 1 GPU a trial, as many at once as fit"),
    ],
)
def test_validate_says_what_trains_together(crescendo, resources, said) -> None:
    result = crescendo("study", "validate", "quick", "--set", f"resources={resources}")
    assert result.stdout.splitlines()[-2].split(maxsplit=1) == ["resources", said]


def test_validate_shows_all_errors_with_their_lines(crescendo, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("name: a\ndataset: synthetic\nablate: {variant: [x]}\nsearch: {trials: 0}\n", encoding="utf-8")
    result = crescendo("study", "validate", str(file), "--set", "resources.cpus=0")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "error: --set resources.cpus=0: resources.cpus: must be greater than or equal to 1 but got 0",
        f"error: {file}:3: ablate.variant.0: must be one of {', '.join(VARIANTS)}, or "
        "MODULE:ATTRIBUTE for your own, but got 'x'",
        f"error: {file}:4: search.trials: must be greater than or equal to 1 but got 0",
    ]


@pytest.mark.parametrize(
    ("words", "end"), [(["validate", "nope"], ")"), (["show", "nope"], "), nor the output folder of a sweep")]
)
def test_an_unknown_study(crescendo, words: list[str], end: str) -> None:
    result = crescendo("study", *words)
    assert result.returncode == 2
    assert result.stderr.startswith("error: nope: neither a file nor a shipped study (")
    assert result.stderr.rstrip().endswith(end)
    assert "Traceback" not in result.stderr


def test_a_data_set_that_is_not_there_is_an_error_beside_the_cost(crescendo, tmp_path: Path) -> None:
    result = crescendo("study", "validate", "loss_ablation", folder=tmp_path)
    assert result.returncode == 2
    assert "125 trainings" in result.stdout
    assert "'data/hapt' is none (no dataset.json)" in result.stderr
    other = crescendo("study", "validate", "loss_ablation", "--dataset", "nowhere", folder=tmp_path)
    assert "'nowhere' is none" in other.stderr


def test_another_data_set_can_be_named(crescendo, tmp_path: Path) -> None:
    shutil.copytree(STORED, tmp_path / "data")
    assert crescendo("study", "validate", "quick", "--dataset", str(tmp_path / "data")).returncode == 0


def test_the_schema_accepts_every_shipped_study(crescendo) -> None:
    schema = json.loads(crescendo("study", "schema").stdout)
    assert schema == study_schema()
    assert schema["properties"].keys() == Study.model_json_schema()["properties"].keys()
    for name in shipped_studies():
        jsonschema.validate(read(study_text(name)[0], name).content, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a", "dataset": "b", "serach": {}}, schema)
    jsonschema.validate({"name": "a", "dataset": "b", "trainable": "my_package.my_module:Model"}, schema)
    with pytest.raises(jsonschema.ValidationError, match=r"^'lsmt' "):
        jsonschema.validate({"name": "a", "dataset": "b", "trainable": "lsmt"}, schema)
