"""A study is told from the parameters of its run, as versions that logged nothing else have them."""

import pytest

from crescendo.platform.studies.settings import load_study
from crescendo.platform.tracking.tracker import _text, flat
from crescendo.reports.source.recorded_study import study_from_parameters
from crescendo.search_spaces.loading import shipped_studies
from crescendo.trainables.errors import InputError

CHANGES = [
    (),
    ("confirm.seeds=[3, 4]", "early_stopping={asha: {grace: 5}}", "resources={cpus: 2, gpus: 0.25, concurrent: 3}"),
    ("description='5: none of these, or \u00e4'", "decode.trials=7"),
]


def parameters(study):
    return {key: _text(value) for key, value in flat(study.to_json()).items()}


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("name", shipped_studies())
def test_a_shipped_study_is_told_back_whole(name, changes):
    study = load_study(name, changes)
    assert study_from_parameters(parameters(study), {}) == study


def test_weights_of_variants_are_told_back_wherever_they_stand():
    weights = "base.lambda_r={score: 6, smoothing: 0.15}"
    study = load_study("findings_gtea", (weights, "baseline={variant: smoothing}"))
    assert study.base["lambda_r.smoothing"] == 0.15
    assert "lambda_r.smoothing" in study.search.space
    assert study_from_parameters(parameters(study), {}) == study


def test_what_was_changed_by_an_extension_counts():
    begun, extended = load_study("quick"), load_study("quick", ("search.trials=77", "confirm.seeds=[0, 1, 2, 9]"))
    old, new = parameters(begun), parameters(extended)
    changed = {f"changed.{key}": new[key] for key in new if new[key] != old.get(key)}
    assert set(changed) == {"changed.search.trials", "changed.confirm.seeds"}
    assert study_from_parameters(old, {**changed, "baseline": "variant=none"}) == extended


def test_parameters_that_make_up_no_study_are_refused_in_a_line():
    with pytest.raises(InputError, match="quick: its run in MLflow does not say whole which study it is") as error:
        study_from_parameters({"name": "quick", "search.trials": "many"}, {})
    assert "\n" not in str(error.value)
