import itertools
import json

import numpy as np
import pytest
import torch

from crescendo.trainables.config import configuration
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.sampler import SequenceSampler, feature_moments
from crescendo.trainables.errors import DivergedError, InputError
from crescendo.trainables.losses.total_loss import frame_losses, total_loss
from crescendo.trainables.training.trainer import Trainer

TINY = {"hidden_size": 8, "sequences": 4, "sequence_length": 30, "bptt": 10, "threads": 1, "device": "cpu"}


def trainer(dataset: Dataset, **settings) -> Trainer:
    return Trainer(configuration({**TINY, **settings}), dataset)


def weights(one: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in one.model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_same_seed_gives_the_same_weights_bit_for_bit_even_when_interrupted(tiny_dataset, tmp_path, optimizer):
    settings = {"optimizer": optimizer, "variant": "combined", "learning_rate": 0.01, "learning_rate_step": 4}
    undisturbed = trainer(tiny_dataset, **settings)
    undisturbed.train(12)
    disturbed = trainer(tiny_dataset, **settings)
    disturbed.train(5)
    disturbed.save(tmp_path / "checkpoint")
    torch.rand(7)  # whatever else uses the global random state must not matter
    resumed = trainer(tiny_dataset, **settings)
    resumed.restore(tmp_path / "checkpoint")
    assert resumed.iteration == 5
    resumed.train(12)
    assert same(weights(resumed), weights(undisturbed))


def test_another_seed_gives_other_weights_and_batches(tiny_dataset):
    one, other = trainer(tiny_dataset, seed=0), trainer(tiny_dataset, seed=1)
    assert not same(weights(one), weights(other))


def test_variants_share_weights_and_batches_of_a_seed(tiny_dataset):
    """Paired arms (protocol section 8): what differs after one step is the loss alone."""
    one, other = trainer(tiny_dataset, variant="none"), trainer(tiny_dataset, variant="score", lambda_r=0.0)
    assert same(weights(one), weights(other))
    one.train(3)
    other.train(3)
    for name, tensor in weights(one).items():
        torch.testing.assert_close(tensor, weights(other)[name], rtol=0, atol=1e-6)


def test_features_in_half_precision_train_as_the_same_numbers_in_single_precision(tmp_path):
    random = np.random.default_rng(2)
    matrix = random.normal(size=(200, 6)).astype(np.float16)
    segments = tuple(Segment("walk", begin, begin + 5.0) for begin in range(0, 200, 10))
    trained = {}
    for dtype in ("float16", "float32"):
        dataset = write_dataset(
            tmp_path / dtype,
            DatasetMetadata("half", 1.0, "numbers", "made for the tests", "MIT"),
            Annotations({"one": Recording("training", 200.0, segments)}),
            frames={"one": 200},
            features=[matrix.astype(dtype)],
            feature_dim=6,
            dtype=dtype,
        )
        one = trainer(dataset, variant="score")
        one.train(3)
        trained[dtype] = (weights(one), one.score("training")["one"])
    assert same(trained["float16"][0], trained["float32"][0])
    np.testing.assert_array_equal(trained["float16"][1], trained["float32"][1])


def test_training_leaves_the_global_random_state_alone(tiny_dataset):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trainer(tiny_dataset).train(1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("variant", ["none", "score", "margin", "combined", "naive"])
def test_one_step_is_truncated_bptt_chunk_by_chunk(tiny_dataset, variant):
    """Protocol section 1, readings 6 and 7: chunks in turn, LSTM and ranking state carried, one mean over all frames."""
    one = trainer(tiny_dataset, variant=variant, dropout=0.0, lambda_r=3.0)
    batch = SequenceSampler(tiny_dataset, "training", sequences=16, length=30, seed=0).batch(0)
    features, labels, valid = (torch.from_numpy(array) for array in (batch.features, batch.labels, batch.valid))
    assert not valid.all()
    logits = one.model(features, truncate=10)
    loss = total_loss(logits, labels, valid, variant, lambda_r=3.0).total
    loss.backward()
    found = {name: parameter.grad.clone() for name, parameter in one.model.named_parameters()}

    one.model.zero_grad()
    lstm_state, ranking_state, total = None, None, 0.0
    for chunk in range(3):
        part = slice(10 * chunk, 10 * chunk + 10)
        output, lstm_state = one.model.lstm(one.model.embed(features[:, part]).transpose(0, 1), lstm_state)
        lstm_state = tuple(tensor.detach() for tensor in lstm_state)
        chunk_logits = one.model.linear(output.transpose(0, 1))
        _, ranking, ranking_state = frame_losses(chunk_logits, labels[:, part], variant, state=ranking_state)
        own = chunk_logits.softmax(-1).gather(-1, labels[:, part, None]).squeeze(-1)
        chunk_loss = ((-own.log() + 3.0 * ranking) * valid[:, part]).sum() / valid.sum()
        chunk_loss.backward()
        total += float(chunk_loss)
    assert float(loss) == pytest.approx(total, abs=1e-5)
    for name, parameter in one.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-4, atol=1e-6)


def test_fc7_trains_at_its_own_rate(tiny_dataset):
    still = trainer(tiny_dataset, fc7_size=5, fc7_learning_rate=0.0, optimizer="sgd", learning_rate=0.1)
    before = weights(still)
    still.train(2)
    after = weights(still)
    assert torch.equal(before["fc7.weight"], after["fc7.weight"])
    assert not torch.equal(before["linear.weight"], after["linear.weight"])


def test_the_rate_falls_at_every_step(tiny_dataset):
    """A rate that falls to nothing at iteration 2 freezes what iterations 1 and 2 made."""
    one = trainer(tiny_dataset, optimizer="sgd", momentum=0.0, learning_rate_step=2, learning_rate_gamma=1e-30)
    one.train(2)
    frozen = weights(one)
    one.train(4)
    assert same(weights(one), frozen)


def test_a_loss_that_is_not_finite_stops_with_iteration_rate_and_recordings(tiny_dataset):
    one = trainer(tiny_dataset, optimizer="sgd", learning_rate=1e30, gradient_clip=0.0)
    with pytest.raises(DivergedError) as raised:
        one.train(50)
    message = str(raised.value)
    assert f"iteration {one.iteration + 1}:" in message
    assert "at learning rate 1e+30" in message
    assert "recording " in message
    assert "lower learning_rate" in message


@pytest.mark.parametrize("lambda_r", [0.1, 30.0])
@pytest.mark.parametrize("variant", ["score", "margin", "combined", "naive"])
def test_every_variant_trains_at_every_weight(tiny_dataset, variant, lambda_r):
    one = trainer(tiny_dataset, variant=variant, lambda_r=lambda_r, learning_rate=0.01, dropout=0.1)
    first = one.train(10)
    last = one.train(60)
    # The ranking loss of a model that says nothing is nearly 0 and must rise first; learning shows in the cross entropy.
    assert last.cross_entropy < first.cross_entropy


def test_an_lstm_learns_the_tiny_set(tiny_dataset):
    one = trainer(tiny_dataset, learning_rate=0.02, dropout=0.1, merge_gap=3, iou=[0.5])
    one.train(150)
    assert one.evaluate("test").mean > 0.5


def test_checkpoints_of_another_shape_or_run_are_refused(tiny_dataset, tmp_path):
    trainer(tiny_dataset).save(tmp_path / "checkpoint")
    with pytest.raises(InputError, match=r"of another model: linear.weight has shape \(4, 8\), expected \(4, 9\)"):
        trainer(tiny_dataset, hidden_size=9).restore(tmp_path / "checkpoint")
    with pytest.raises(InputError, match="was trained with seed=0, not 1"):
        trainer(tiny_dataset, seed=1).restore(tmp_path / "checkpoint")
    with pytest.raises(InputError, match="exists already"):
        trainer(tiny_dataset).save(tmp_path / "checkpoint")


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "checkpoint.json"])
def test_a_damaged_checkpoint_is_refused_by_name(tiny_dataset, tmp_path, name):
    one = trainer(tiny_dataset)
    one.train(1)
    one.save(tmp_path / "checkpoint")
    file = tmp_path / "checkpoint" / name
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(InputError, match=name):
        trainer(tiny_dataset).restore(tmp_path / "checkpoint")
    file.unlink()
    with pytest.raises(InputError, match=name):
        trainer(tiny_dataset).restore(tmp_path / "checkpoint")


def test_a_checkpoint_holds_no_pickle(tiny_dataset, tmp_path):
    trainer(tiny_dataset).save(tmp_path / "checkpoint")
    assert {path.suffix for path in (tmp_path / "checkpoint").iterdir()} == {".safetensors", ".json"}
    json.loads((tmp_path / "checkpoint" / "checkpoint.json").read_text())


def test_bfloat16_and_cuda_are_refused_where_there_is_no_gpu(tiny_dataset):
    with pytest.raises(InputError, match="precision: bfloat16 needs CUDA"):
        trainer(tiny_dataset, precision="bfloat16")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="device: cuda:7 is not on this machine"):
            trainer(tiny_dataset, device="cuda:7")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_training_on_cuda_in_mixed_precision(tiny_dataset):
    one = trainer(tiny_dataset, device="cuda", precision="bfloat16", variant="combined", learning_rate=0.02)
    assert one.train(60).loss > one.train(120).loss


def test_a_batch_is_a_function_of_seed_and_iteration(tiny_dataset):
    samplers = [SequenceSampler(tiny_dataset, "training", sequences=8, length=20, seed=3) for _ in range(2)]
    for iteration in (4, 0, 9):
        one, other = (sampler.batch(iteration) for sampler in samplers)
        assert np.array_equal(one.features, other.features)
        assert one.recordings == other.recordings


def test_sequences_are_windows_of_training_recordings_in_proportion_to_their_frames(tiny_dataset):
    sampler = SequenceSampler(tiny_dataset, "training", sequences=50, length=20, seed=0)
    names, count = tiny_dataset.recordings("training"), dict.fromkeys(tiny_dataset.recordings("training"), 0)
    for iteration in range(40):
        batch = sampler.batch(iteration)
        for row, name in enumerate(batch.recordings):
            count[name] += 1
            length = int(batch.valid[row].sum())
            whole, targets = tiny_dataset.features(name), tiny_dataset.frame_labels(name)
            assert length == min(20, len(whole))
            starts = [
                s
                for s in range(len(whole) - length + 1)
                if np.array_equal(whole[s : s + length], batch.features[row, :length])
            ]
            assert starts
            assert np.array_equal(targets[starts[0] : starts[0] + length], batch.labels[row, :length])
            assert not batch.features[row, length:].any()
    frames = np.array([tiny_dataset.frames(name) for name in names])
    found = np.array([count[name] for name in names]) / 2000
    assert np.abs(found - frames / frames.sum()).max() < 0.04


def test_moments_are_those_of_all_training_frames(tiny_dataset):
    frames = np.concatenate([tiny_dataset.features(name) for name in tiny_dataset.recordings("training")]).astype(float)
    mean, deviation = feature_moments(tiny_dataset, "training")
    np.testing.assert_allclose(mean, frames.mean(0), rtol=1e-6)
    np.testing.assert_allclose(deviation, frames.std(0), rtol=1e-6)


def test_all_faults_of_a_configuration_are_named_at_once():
    settings = {"variant": "rank", "lambda_r": -1, "hidden": 3, "dropout": 1.0, "iou": [0.5, 0.2], "bptt": 200}
    with pytest.raises(InputError) as raised:
        configuration(settings, "study.yaml")
    lines = str(raised.value).splitlines()
    for key in ("variant", "lambda_r", "hidden", "dropout"):
        assert any(line.startswith(f"study.yaml: {key}: ") for line in lines), key
    assert any("'rank'" in line for line in lines)
    assert any("-1" in line and "greater than or equal to 0" in line for line in lines)
    assert len(lines) >= 4
    for one, other in itertools.combinations(lines, 2):
        assert one != other


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bptt": 200}, "bptt must be at most sequence_length (100) but got 200"),
        ({"iou": [0.5, 0.2]}, "iou must rise without repetition but got [0.5, 0.2]"),
        ({"iou": []}, "iou must be a list of numbers in (0, 1] but got []"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"seed": True}, "seed"),
        ({"iterations": "many"}, "iterations"),
    ],
)
def test_a_faulty_setting_is_named(settings, message):
    with pytest.raises(InputError) as raised:
        configuration(settings)
    assert message in str(raised.value)


def test_scientific_notation_is_a_number():
    """YAML 1.1 reads 1e-4 as text."""
    settings = configuration({"learning_rate": "1e-4", "weight_decay": "5E-04"})
    assert (settings.learning_rate, settings.weight_decay) == (1e-4, 5e-4)
