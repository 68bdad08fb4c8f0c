"""Trainings that share batches: none of them notices the others (issue: one GPU, many arms)."""

import gc
import itertools
import math
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crescendo.trainables.config import configuration
from crescendo.trainables.errors import DivergedError
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.trainer import Trainer

SHARED = {"sequences": 4, "sequence_length": 24, "bptt": 8, "threads": 1, "merge_gap": 3}
ARMS = (
    {"variant": "none", "hidden_size": 6},
    {"variant": "score", "lambda_r": 3.0, "hidden_size": 6, "dropout": 0.3},
    {"variant": "margin", "hidden_size": 9, "learning_rate": 0.02},
    {"variant": "combined", "model": "gru", "hidden_size": 5, "optimizer": "sgd"},
    {"variant": "naive", "hidden_size": 6, "layers": 2, "dropout": 0.5},
    {"model": "cnn", "fc7_size": 4, "dropout": 0.2, "learning_rate_step": 3},
    {
        "variant": "combined",
        "hidden_size": 6,
        "margin_rivals": "activities",
        "clip_scaling": True,
        "gradient_clip": 0.05,
        "lambda_r": 4.0,
    },
    {"variant": "progress", "hidden_size": 6, "dropout": 0.3, "lambda_r": 2.0},
    {
        "variant": ["score", "exponential", "smoothing"],
        "lambda_r": {"score": 3.0, "exponential": 1.0, "smoothing": 0.15},
        "hidden_size": 6,
        "exponential_seconds": 0.5,
    },
)
PLUGIN = """
import torch
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.models.registry import ModelSpec

class Averages(DetectionModel):
    '''Two layers over a mean that forgets.'''
    spec = ModelSpec(state=("mean",))

    def __init__(self, feature_dim, labels, config):
        super().__init__(feature_dim, labels, config)
        self.mix = torch.nn.Linear(self.width, config.hidden_size)
        self.linear = torch.nn.Linear(config.hidden_size, labels)

    def initial_state(self, batch):
        return (self.mean.new_zeros(1, batch, self.width),)

    def forward(self, features, truncate=None):
        (state,), outputs = self.initial_state(len(features)), []
        for frame in self.embed(features).unbind(1):
            state = 0.9 * state + 0.1 * frame
            outputs.append(self.linear(self.dropout(self.mix(state[0]).tanh())))
        return torch.stack(outputs, 1)

    def step_function(self, features):
        embedded = self.embed(features)

        def step(t, state):
            mean = 0.9 * state[0] + 0.1 * embedded[:, t]
            return self.linear(self.mix(mean[0]).tanh()), (mean,)

        return step
"""
# Holds all of the GPU's memory but so many bytes, until its standard input is closed.
HOLD = """
import sys, torch
left, held = int(sys.argv[1]), []
torch.zeros(1, device="cuda")
for size in (2**30, 2**25, 2**21):
    while torch.cuda.mem_get_info()[0] >= left + size:
        held.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
print("held", flush=True)
sys.stdin.read()
"""
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")),
]


def trainer(dataset, arm, device="cpu", **changes):
    return Trainer(configuration({**SHARED, **ARMS[arm], "device": device, **changes}), dataset)


def weights(one):
    return {name: tensor.detach().cpu().clone() for name, tensor in one.model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module", params=DEVICES)
def alone(request, tiny_dataset):
    """Device, and arm -> its weights after 4, 8 and 12 iterations alone, plainly."""
    found = {}
    for arm in range(len(ARMS)):
        one = trainer(tiny_dataset, arm, request.param, graphs="off")
        found[arm] = {}
        for until in (4, 8, 12):
            one.train(until)
            found[arm][until] = weights(one)
    return request.param, found


@given(st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_arm_does_not_depend_on_its_company(tiny_dataset, tmp_path_factory, alone, data):
    """Any arms together, leaving and coming back from checkpoints at any stage into other company: the same bits."""
    device, expected = alone
    graphs = data.draw(st.sampled_from(["auto", "off"]))
    folder = tmp_path_factory.mktemp("checkpoints")
    reached = {}
    for stage, until in enumerate((4, 8, 12)):
        arms = data.draw(st.sets(st.integers(0, len(ARMS) - 1), min_size=1))
        members = {}
        for arm in arms:
            members[arm] = trainer(tiny_dataset, arm, device, graphs=graphs)
            if arm in reached:
                members[arm].restore(reached[arm])
        assert Cohort(list(members.values())).train(until) == {}
        for arm, one in members.items():
            assert one.iteration == until
            assert same(weights(one), expected[arm][until]), (ARMS[arm], until)
            reached[arm] = folder / f"{stage}-{arm}"
            one.save(reached[arm])


@pytest.mark.parametrize("device", DEVICES)
def test_one_that_diverges_leaves_with_its_iteration_and_the_others_do_not_notice(tiny_dataset, device):
    explosive = {"optimizer": "sgd", "learning_rate": 1e30, "gradient_clip": 0.0}
    alone = trainer(tiny_dataset, 1, device)
    alone.train(20)
    with pytest.raises(DivergedError) as expected:
        trainer(tiny_dataset, 0, device, graphs="off", **explosive).train(20)
    good, bad = trainer(tiny_dataset, 1, device), trainer(tiny_dataset, 0, device, **explosive)
    cohort = Cohort([bad, good])
    told = {good: [], bad: []}
    diverged = cohort.train(10, lambda who, iteration, loss: told[who].append((iteration, loss)))
    assert list(diverged) == [bad]
    assert str(diverged[bad]) == str(expected.value)
    assert f"iteration {bad.iteration + 1}: " in str(diverged[bad])
    assert cohort.train(20) == {}
    assert same(weights(good), weights(alone))
    assert [iteration for iteration, _ in told[good]] == list(range(1, 11))
    assert [iteration for iteration, _ in told[bad]] == list(range(1, bad.iteration + 1))
    assert all(math.isfinite(loss) for losses in told.values() for _, loss in losses)


@pytest.mark.parametrize("device", DEVICES)
def test_what_is_prepared_ahead_is_trained_and_told_as_ever(tiny_dataset, device):
    """On a GPU the steps up to here are those of the capture: nothing is left to train."""
    alone, one = trainer(tiny_dataset, 1, device), trainer(tiny_dataset, 1, device)
    alone.train(3)
    cohort, told = Cohort([one]), []
    cohort.prepare(3)
    assert cohort.train(3, lambda _, iteration, __: told.append(iteration)) == {}
    assert told == [1, 2, 3]
    assert same(weights(one), weights(alone))


def test_one_that_is_stopped_leaves_and_those_behind_catch_up(tiny_dataset):
    ahead, behind, stopped = (trainer(tiny_dataset, arm) for arm in (0, 1, 2))
    ahead.train(7)
    cohort = Cohort([ahead, behind, stopped])
    order = []
    cohort.train(9, lambda who, iteration, _: order.append((iteration, who)))
    assert [iteration for iteration, who in order if who is ahead] == [8, 9]
    assert [iteration for iteration, who in order if who is behind] == list(range(1, 10))
    assert [iteration for iteration, _ in order] == sorted(iteration for iteration, _ in order)
    cohort.leave(stopped)
    cohort.train(11)
    assert (ahead.iteration, behind.iteration, stopped.iteration) == (11, 11, 9)


def test_losses_are_those_of_the_training_alone(tiny_dataset):
    alone = trainer(tiny_dataset, 3).train(6)
    members = [trainer(tiny_dataset, arm) for arm in (0, 3, 4)]
    for one in members:
        one.begin_stage()
    Cohort(members).train(6)
    together = members[1].end_stage()
    assert (together.loss, together.cross_entropy, together.ranking) == (alone.loss, alone.cross_entropy, alone.ranking)
    assert together.frames_per_second > 0


@pytest.mark.parametrize("change", [{"seed": 1}, {"sequences": 5}, {"sequence_length": 25}])
def test_what_shares_no_batches_is_no_cohort(tiny_dataset, change):
    with pytest.raises(ValueError, match="must share"):
        Cohort([trainer(tiny_dataset, 0), trainer(tiny_dataset, 1, **change)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
class TestOnAGPU:
    def test_what_looks_at_its_numbers_trains_plainly_and_says_why(self, tiny_dataset, tmp_path, monkeypatch):
        (tmp_path / "looks_at_numbers.py").write_text(
            "def loss(probabilities, labels, *, background, state):\n"
            "    one = probabilities.gather(-1, labels.unsqueeze(-1)).squeeze(-1)\n"
            "    return (1 - one) * (2.0 if one.max().item() > 0 else 1.0), None\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        own = trainer(tiny_dataset, 0, "cuda", variant="looks_at_numbers:loss")
        other = trainer(tiny_dataset, 1, "cuda")
        Cohort([own, other]).train(8)
        [note] = own.notes
        assert note.startswith("trains without CUDA graphs, which is slower: its step looks at numbers on the GPU")
        assert other.notes == []
        alone = trainer(tiny_dataset, 1, "cuda", graphs="off")
        alone.train(8)
        assert same(weights(other), weights(alone))

    @pytest.mark.parametrize(
        ("while_captured", "reason"),
        [
            ("one = one * 0.5", r"a captured step and the plain one differ within 3 steps"),
            ("raise ValueError('not\\nnow')", r"its step cannot be captured \(.*\(ValueError: not now.*\)"),
        ],
    )
    def test_what_a_capture_gets_wrong_trains_plainly_and_says_why(
        self, tiny_dataset, tmp_path, monkeypatch, while_captured, reason
    ):
        name = f"otherwise_captured_{len(while_captured)}"
        (tmp_path / f"{name}.py").write_text(
            "import torch\n"
            "def loss(probabilities, labels, *, background, state):\n"
            "    one = probabilities.gather(-1, labels.unsqueeze(-1)).squeeze(-1)\n"
            "    if torch.cuda.is_current_stream_capturing():\n"
            f"        {while_captured}\n"
            "    return 1 - one, None\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        changes = {"variant": f"{name}:loss", "dropout": 0.4}
        own, alone = (
            trainer(tiny_dataset, 0, "cuda", **changes),
            trainer(tiny_dataset, 0, "cuda", graphs="off", **changes),
        )
        other = trainer(tiny_dataset, 1, "cuda")
        Cohort([own, other]).train(8)
        alone.train(8)
        [note] = own.notes
        assert re.fullmatch(f"trains without CUDA graphs, which is slower: {reason}", note)
        assert same(weights(own), weights(alone))
        assert other.notes == []

    @pytest.mark.parametrize("arm", range(len(ARMS)))
    def test_every_arm_is_captured(self, tiny_dataset, arm):
        one = trainer(tiny_dataset, arm, "cuda")
        cohort = Cohort([one])
        cohort.train(8)
        [captured] = cohort._captured.values()
        assert (captured is None) == bool(one.notes)
        # Between the layers of nn.LSTM it is cuDNN that drops out, which need not be captured.
        assert captured is not None or ARMS[arm].get("layers", 1) > 1

    def test_a_model_of_ones_own_is_captured_and_scored(self, tiny_dataset, tmp_path, monkeypatch):
        (tmp_path / "averages_of_ones_own.py").write_text(PLUGIN)
        monkeypatch.syspath_prepend(str(tmp_path))
        own = {"model": "averages_of_ones_own:Averages", "dropout": 0.3, "hidden_size": 6}
        alone = trainer(tiny_dataset, 1, "cuda", graphs="off", **own)
        alone.train(9)
        one, other = trainer(tiny_dataset, 1, "cuda", **own), trainer(tiny_dataset, 0, "cuda")
        Cohort([other, one]).train(9)
        assert one.notes == []
        assert same(weights(one), weights(alone))
        on_cpu = trainer(tiny_dataset, 1, **own)
        on_cpu.model.load_state_dict(weights(one))
        for reset in ("state", "none"):
            for name, scores in on_cpu.score("validation", reset).items():
                torch.testing.assert_close(
                    torch.from_numpy(one.score("validation", reset)[name]), torch.from_numpy(scores), atol=1e-5, rtol=0
                )

    @pytest.mark.parametrize(
        ("precision", "limited"), [("float32", "by itself"), ("bfloat16", "by itself"), ("float32", "by another")]
    )
    def test_a_gpu_that_does_not_hold_all_trains_one_half_after_the_other(self, tiny_dataset, precision, limited):
        # Weights of 256 MiB each: what the libraries take beside them is small.
        changes = {"hidden_size": 4000, "precision": precision}

        def members():
            return [trainer(tiny_dataset, 1, "cuda", learning_rate=rate, **changes) for rate in (1e-3, 2e-3, 3e-3)]

        def needed(count):
            """Bytes that training `count` of three takes beside the three models, and the three."""
            everyone = members()
            gc.collect()
            torch.cuda.empty_cache()
            before = torch.cuda.memory_reserved()
            torch.cuda.reset_peak_memory_stats()
            Cohort(everyone[:count]).train(8)
            return torch.cuda.max_memory_reserved() - before, everyone

        one = needed(1)[0]
        three, unlimited = needed(3)
        assert three > 1.2 * one
        expected = [weights(member) for member in unlimited]
        del unlimited
        gc.collect()
        several = members()
        torch.cuda.empty_cache()
        with (own_memory if limited == "by itself" else memory_of_others)(int(one + 0.75 * (three - one))):
            Cohort(several).train(8)
        assert any("trainings at once" in note for member in several for note in member.notes)
        for member, those in zip(several, expected, strict=True):
            assert same(weights(member), those)


@contextmanager
def own_memory(left):
    """Let this process take so many bytes more."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + left) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@contextmanager
def memory_of_others(left):
    """Have another process hold all but so many bytes."""
    command = [sys.executable, "-c", HOLD, str(left)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"held\n"
            yield
        finally:
            process.kill()


def test_every_pair_of_arms_differs(alone):
    """The arms of this page are really different trainings."""
    _, expected = alone
    for one, other in itertools.combinations(expected, 2):
        assert not same(expected[one][12], expected[other][12])
