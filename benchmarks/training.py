"""What the training loop costs beside the arithmetic: frames a second against a bare loop (target: at least 0.90).

    .venv/bin/python benchmarks/training.py [--json FILE] [--shape hapt|paper]

The full loop is `Trainer.train` as shipped: sequences drawn from a prepared data set on disk, standardised, dropout on
input and output, cross entropy, a look at every loss and gradient, clipping, SGD, and each iteration told to a listener.
The bare one is nn.LSTM, nn.Linear, cross entropy and SGD on one batch that is in memory: no data set, no dropout, no
clipping, and nobody is told. The full loop is measured with cross entropy alone and with the ranking loss `score`; what a
ranking loss may cost is also the target of `losses.py`. Both cut the gradients after 20 frames, the bare one by running
nn.LSTM over 20 frames at a time with a detached state and one backward pass at the end; both use the same settings of
SGD and the same threads.

The last row of a shape compares a cohort of the five variants with the same five trained one after the other, as many
frames on both sides (target: at least 1.0). On a CPU a cohort's steps are taken in turn, so only what is shared, drawing
and reading the batches, can make it faster. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from yardstick import Row, argument_parser, compare, report

from crescendo.trainables.config import configuration
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.trainer import Trainer

FPS = 6.25
VARIANTS = ("none", "score", "margin", "combined", "naive")


@dataclass(frozen=True)
class Shape:
    """The size of a problem; `iterations` and `rounds` are how long it is measured."""

    name: str
    labels: int
    features: int
    hidden: int
    dtype: str
    recordings: int
    frames: int
    iterations: int
    rounds: int
    sequences: int = 64
    length: int = 100
    bptt: int = 20


SHAPES = {
    "hapt": Shape("84 features, hidden 128, 13 labels", 13, 84, 128, "float32", 61, 2300, 30, 11),
    "paper": Shape("4096 features in float16, hidden 512, 204 labels", 204, 4096, 512, "float16", 40, 600, 2, 11),
}


def random_dataset(folder: Path, shape: Shape, subset: str = "training") -> Dataset:
    """Write a data set of random features, its recordings half activity and half background in turns of 40 frames."""
    random = np.random.default_rng(0)
    names = [f"activity {number:03}" for number in range(1, shape.labels)]
    recordings = {}
    for number in range(shape.recordings):
        begins = range(20, shape.frames - 40, 80)
        segments = tuple(Segment(str(random.choice(names)), begin / FPS, (begin + 40) / FPS) for begin in begins)
        recordings[f"recording {number:03}"] = Recording(subset, shape.frames / FPS, segments)
    matrices = (random.standard_normal((shape.frames, shape.features), dtype=np.float32) for _ in recordings)
    return write_dataset(
        folder,
        DatasetMetadata("random", FPS, "random numbers", "benchmark", "none needed: generated"),
        Annotations(recordings),
        frames=dict.fromkeys(recordings, shape.frames),
        features=matrices,
        feature_dim=shape.features,
        dtype=shape.dtype,
        labels=names,
    )


def settings(shape: Shape, **changes: object) -> dict[str, object]:
    """Return a configuration of the shape, trained as in the paper; the rest as shipped."""
    return {
        "variant": "none",
        "hidden_size": shape.hidden,
        "sequences": shape.sequences,
        "sequence_length": shape.length,
        "bptt": shape.bptt,
        "optimizer": "sgd",
        "learning_rate": 1e-3,
        "device": "cpu",
        **changes,
    }


def full_loop(dataset: Dataset, shape: Shape, **changes: object) -> Callable[[], None]:
    """Return a call that trains `shape.iterations` iterations more."""
    trainer = Trainer(configuration(settings(shape, **changes)), dataset)
    told: list[float] = []

    def run() -> None:
        trainer.train(trainer.iteration + shape.iterations, lambda _, loss: told.append(loss))

    return run


def arms(dataset: Dataset, shape: Shape, *, together: bool) -> Callable[[], None]:
    """Return a call that trains an arm of each variant `shape.iterations` iterations more, as one cohort or arm after arm."""
    trainers = [Trainer(configuration(settings(shape, variant=variant)), dataset) for variant in VARIANTS]
    cohorts = [Cohort(trainers)] if together else [Cohort([one]) for one in trainers]

    def run() -> None:
        until = trainers[0].iteration + shape.iterations
        for cohort in cohorts:
            cohort.train(until)

    return run


def bare_loop(shape: Shape, device: str = "cpu", autocast: bool = False) -> Callable[[], None]:
    """Return a call that takes `shape.iterations` steps of nn.LSTM, nn.Linear, cross entropy and SGD on one batch."""
    torch.manual_seed(0)
    lstm = nn.LSTM(shape.features, shape.hidden, batch_first=True).to(device)
    linear = nn.Linear(shape.hidden, shape.labels).to(device)
    optimizer = torch.optim.SGD([*lstm.parameters(), *linear.parameters()], 1e-3, momentum=0.9, weight_decay=5e-4)
    inputs = torch.randn(shape.sequences, shape.length, shape.features, device=device)
    targets = torch.randint(shape.labels, (shape.sequences, shape.length // 20), device=device)
    targets = targets.repeat_interleave(20, dim=1)

    def run() -> None:
        for _ in range(shape.iterations):
            with torch.autocast(device, torch.bfloat16, enabled=autocast):
                state, outputs = None, []
                for chunk in inputs.split(shape.bptt, dim=1):
                    output, (hidden, cell) = lstm(chunk, state)
                    state = (hidden.detach(), cell.detach())
                    outputs.append(output)
                logits = linear(torch.cat(outputs, dim=1))
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return run


def measure(names: list[str]) -> list[Row]:
    """Return three rows for each shape."""
    rows = []
    for name in names:
        shape = SHAPES[name]
        with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
            dataset = random_dataset(Path(scratch) / "data", shape)
            for variant in ("none", "score"):
                full = full_loop(dataset, shape, variant=variant)
                label = f"training, full loop over bare loop, {shape.name}, loss {variant}"
                rows.append(compare(label, full, bare_loop(shape), at_least=0.9, repeats=shape.rounds))
            label = f"training, cohort of {len(VARIANTS)} over as many one after the other, {shape.name}"
            short = replace(shape, iterations=max(1, shape.iterations // len(VARIANTS)))
            sides = (arms(dataset, short, together=together) for together in (True, False))
            rows.append(compare(label, *sides, at_least=1.0, repeats=shape.rounds))
    return rows


def main() -> None:
    """Measure all shapes, or one."""
    parser = argument_parser(__doc__)
    parser.add_argument("--shape", choices=list(SHAPES), help="this one only")
    options = parser.parse_args()
    rows = measure([options.shape] if options.shape else list(SHAPES))
    sys.exit(0 if report(rows, options.json) else 1)


if __name__ == "__main__":
    main()
