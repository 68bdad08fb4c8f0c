"""The studies that ship: valid, and about what their names say."""

import subprocess
import sys

import pytest

from crescendo.platform.studies.settings import load_study
from crescendo.search_spaces.arms import arms_of, baseline_of
from crescendo.search_spaces.cost import cost
from crescendo.search_spaces.loading import shipped_studies, study_text
from crescendo.search_spaces.schema.folds import FoldCount
from crescendo.trainables.config import configuration

NAMES = (
    "bptt_and_sequence_length",
    "findings_gtea",
    "findings_hapt",
    "findings_tug",
    "lambda_sweep",
    "leave_one_out",
    "loss_ablation",
    "paper",
    "quick",
)
RANKING = ["none", "score", "margin", "combined", "naive"]
CONTROLS = ["weighted", "confident", "smoothing"]
RIVALS = ["linear_early", "exponential", "progress"]


def test_names() -> None:
    assert shipped_studies() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_described_and_commented(name: str) -> None:
    study = load_study(name)
    assert study.name == name
    assert study.description
    assert study_text(name)[0].startswith("# ")
    for arm in arms_of(study):
        configuration(arm.settings)


@pytest.mark.parametrize("name", [name for name in NAMES if "your data" in load_study(name).description])
def test_what_asks_of_anyones_data_says_how_its_lengths_follow_them(name: str) -> None:
    assert "# yours: --dataset DIR --set base.config=auto" in study_text(name)[0]


def test_quick_needs_no_data_and_little_time() -> None:
    study = load_study("quick")
    assert study.dataset == "synthetic"
    assert cost(study).trainings <= 18
    assert {arm.settings["variant"] for arm in arms_of(study)} >= {"none", "score"}


def test_loss_ablation_compares_the_five_variants_at_the_paper_s_start() -> None:
    study = load_study("loss_ablation", ["search.trials=4"])
    assert [arm.settings["variant"] for arm in arms_of(study)] == RANKING
    assert baseline_of(study).name == "variant=none"
    assert [arm.trials for arm in arms_of(study)] == [4] * 5
    assert [arm.start[0].get("lambda_r") for arm in arms_of(study)] == [None, 6.0, 6.0, 6.0, 6.0]
    assert {arm.decode.start[0]["merge_gap"] for arm in arms_of(study)} == {20}
    assert cost(study).confirmations == 10


@pytest.mark.parametrize(
    ("name", "trainings"),
    [("loss_ablation", 125), ("leave_one_out", 150), ("lambda_sweep", 150), ("bptt_and_sequence_length", 180)],
)
def test_studies_on_hapt_test_everybody(name: str, trainings: int) -> None:
    study = load_study(name)
    assert study.folds == FoldCount(count=5, by="group")
    assert cost(study, folds=5).trainings == trainings


@pytest.mark.parametrize(
    ("name", "variants", "folds", "trainings"),
    [
        ("findings_gtea", RANKING + CONTROLS + RIVALS, 4, 220),
        ("findings_tug", RANKING + CONTROLS + RIVALS, 5, 275),
        ("findings_hapt", RANKING + CONTROLS + RIVALS, 5, 275),
    ],
)
def test_studies_of_findings_search_every_loss_alike_and_test_everybody(
    name: str, variants: list[str], folds: int, trainings: int
) -> None:
    study = load_study(name)
    arms = arms_of(study)
    assert [arm.settings["variant"] for arm in arms] == variants
    assert baseline_of(study).name == "variant=none"
    assert (study.primary, study.confirm.margin) == ("detection", 1.0)
    assert {arm.trials for arm in arms} == {3}
    assert all(any(key.startswith("lambda_r") for key in arm.space) for arm in arms[1:])
    assert study.folds == ("own" if name == "findings_gtea" else FoldCount(count=5, by="group"))
    assert cost(study, folds=folds).trainings == trainings


def test_leave_one_out_takes_one_thing_away_at_a_time() -> None:
    study = load_study("leave_one_out")
    recipe = baseline_of(study)
    assert recipe.name == "recipe"
    taken = {}
    for arm in arms_of(study):
        taken[arm.name] = {
            key: arm.settings[key] for key in recipe.settings if arm.settings[key] != recipe.settings[key]
        }
    assert taken == {
        "recipe": {},
        "without_ranking_loss": {"variant": "none"},
        "without_dropout": {"dropout": 0.0},
        "without_truncated_bptt": {"bptt": recipe.settings["sequence_length"]},
        "without_reset": {"reset": "none"},
        "without_merging": {"merge_gap": 0},
    }


def test_bptt_and_sequence_length_keep_the_frames_of_a_batch() -> None:
    arms = arms_of(load_study("bptt_and_sequence_length"))
    assert {arm.settings["sequences"] * arm.settings["sequence_length"] for arm in arms} == {6400}
    assert len({(arm.settings["bptt"], arm.settings["sequence_length"]) for arm in arms}) == 9


def test_lambda_sweep_searches_nothing_but_scores() -> None:
    arms = arms_of(load_study("lambda_sweep"))
    assert [len(arm.space) for arm in arms] == [0] * 15
    assert {arm.settings["lambda_r"] for arm in arms[1:]} == {0.1, 0.3, 1, 3, 6, 10, 30}


def test_paper_has_the_paper_s_values() -> None:
    study = load_study("paper")
    base = study.base
    assert (base["sequences"], base["sequence_length"], base["bptt"]) == (64, 100, 20)
    assert (base["optimizer"], base["momentum"], base["weight_decay"]) == ("sgd", 0.9, 5e-4)
    assert (base["iterations"], base["learning_rate_step"], base["learning_rate_gamma"]) == (50_000, 20_000, 0.1)
    assert (base["fc7"], base["fc7_learning_rate"]) == ("from_checkpoint", 1e-4)
    assert study.search.start[0] == {"lambda_r": 6, "learning_rate": 0.01, "merge_gap": 20, "reset": "memory"}
    assert [arm.name for arm in arms_of(study)] == ["CNN", "LSTM", "LSTM-m", "LSTM-s"]
    assert study.resources.gpus > 0


def test_a_study_is_read_without_torch_ray_or_mlflow() -> None:
    code = (
        "import sys; from crescendo.platform.studies.settings import load_study; load_study('quick'); "
        "print(*{'torch', 'ray', 'mlflow', 'optuna', 'numpy'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
