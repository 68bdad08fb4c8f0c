"""A model of somebody's own: what breaks a rule is said in one line before anything trains."""

import pytest
import torch

from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.scoring import score_recordings
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.contract import check_model, problem_of
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.training.trainer import Trainer

QUICK = {"hidden_size": 7, "sequences": 8, "sequence_length": 30, "bptt": 10, "threads": 1, "learning_rate": 0.03}


def own(name: str) -> str:
    return f"own_models:{name}"


@pytest.mark.parametrize("name", [*(name for name, spec in MODELS.items() if not spec.pixels)])
@pytest.mark.parametrize("settings", [{}, {"layers": 2, "fc7_size": 5}], ids=["plain", "two layers, fc7"])
def test_the_models_that_come_with_crescendo_keep_the_rules(name, settings):
    config = TrainingConfig(model=name, hidden_size=5, dropout=0.3, **settings)
    check_model(build_model(6, 4, config).train(), 6, config)


@pytest.mark.parametrize("name", ["Convolution", "Stateless"])
def test_one_that_keeps_the_rules_trains_and_scores(name, tiny_dataset):
    trainer = Trainer(TrainingConfig(model=own(name), **QUICK), tiny_dataset)
    first, later = trainer.train(5), trainer.train(60)
    assert later.loss < 0.9 * first.loss
    [recording, *_] = tiny_dataset.recordings("test")
    scores = score_recordings(trainer.model, tiny_dataset, [recording], "none")[recording]
    with torch.no_grad():
        expected = trainer.model.eval()(torch.from_numpy(tiny_dataset.features(recording).copy())[None])[0].softmax(-1)
    torch.testing.assert_close(torch.from_numpy(scores), expected, rtol=0, atol=2e-6)


BROKEN = {
    "TimeFirst": r"forward must return logits \(batch, time, labels\) = \(3, 8, 4\) but returned \(8, 3, 4\)",
    "OtherStep": r"step_function gives other logits than forward \(by ",
    "SeesAhead": r"logits of a frame depend on later frames \(by ",
    "Detached": r"the logits of its forward have no gradient, so nothing would be learned",
    "NotFinite": r"forward returns logits that are not finite",
    "Raises": r"failed on a small batch \(RuntimeError: no such thing at all; .*own_models.py, line \d+\)",
    "CannotBeBuilt": r"cannot be built \(AttributeError: .*no_such_setting.*own_models.py, line \d+\)",
    "NoState": r"initial_state must return a tuple of the tensors in spec.state \(past\)",
    "FlatState": r"initial_state: past must be \(any, batch, any\) but has shape \(3, 6\)",
    "GrowingState": r"step_function's step returns a state of other shapes than initial_state",
    "OneFrameAtATime": r"step_function gives other logits than forward|step_function, frame by frame, differs",
    "NoStep": r"failed on a small batch \(NotImplementedError: NoStep has no step_function",
    "a_function": r"must be a subclass of crescendo.trainables.models.base.DetectionModel but is <function",
    "Nothing": r"the module own_models \(.*own_models.py\) has no Nothing",
}


@pytest.mark.parametrize(("name", "rule"), BROKEN.items(), ids=BROKEN)
def test_a_broken_rule_is_one_line_and_nothing_trains(name, rule, tiny_dataset):
    problem = problem_of(own(name))
    assert problem is not None
    assert len(problem.splitlines()) == 1
    with pytest.raises(InputError, match=rf"model: own_models:{name}: {rule}") as caught:
        Trainer(configuration({"model": own(name), **QUICK}), tiny_dataset)
    assert len(str(caught.value).splitlines()) == 1


def test_weights_that_a_model_folder_could_not_rebuild_are_refused(tiny_dataset):
    with pytest.raises(InputError, match=r"the shape of rates depends on a setting other than hidden_size, layers"):
        Trainer(TrainingConfig(model=own("DependsOnDropout"), dropout=0.2, **QUICK), tiny_dataset)


def test_looking_leaves_weights_and_random_numbers_as_they_are():
    config = TrainingConfig(model=own("Convolution"), hidden_size=5)
    model = build_model(6, 4, config).train()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    check_model(model, 6, config)
    assert torch.equal(torch.rand(3), expected)
    assert model.training
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


def test_the_default_reset_is_the_first_that_the_model_knows():
    assert configuration({"model": own("Convolution")}).reset == "state"
    assert configuration({"model": own("Stateless")}).reset == "memory"
    with pytest.raises(InputError, match="must be state or none for model own_models:Convolution"):
        configuration({"model": own("Convolution"), "reset": "memory"})


def test_a_module_that_does_not_run_is_one_line(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken_models.py").write_text("import torch\nraise OSError('no\\nluck')\n")
    with pytest.raises(InputError, match=r"the module broken_models cannot be imported \(OSError: no luck\)"):
        configuration({"model": "broken_models:Model"})
