"""Training, losses and detection on a GPU, and how much trials gain that share one. Without CUDA: one row that says so.

    .venv/bin/python benchmarks/gpu.py [--json FILE]

The same comparisons as `training.py` (in float32 and, at the paper's shape, in bfloat16), `losses.py` and `detection.py`,
and the training frames a second of k = 1, 2, 4, 8 trials at once, a process each, over those of one. The targets are set
for a CPU, so nothing is held to one here.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import detection
import losses
import torch
from training import SHAPES, Shape, bare_loop, full_loop, random_dataset, settings
from yardstick import Row, compare, not_measured, rounds, run_script

from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.training.trainer import Trainer

PACKED = (1, 2, 4, 8)
ITERATIONS = {"hapt": 60, "paper": 20}
PACKED_ITERATIONS = 200


def training() -> list[Row]:
    """Compare the full training loop with the bare one."""
    rows = []
    for name, iterations in ITERATIONS.items():
        shape = replace(SHAPES[name], iterations=iterations)
        with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
            dataset = random_dataset(Path(scratch) / "data", shape)
            for precision in ("float32", "bfloat16") if name == "paper" else ("float32",):
                full = full_loop(dataset, shape, device="cuda", precision=precision)
                bare = finished(bare_loop(shape, "cuda", autocast=precision == "bfloat16"))
                label = f"GPU: training, full loop over bare loop, {shape.name}, {precision}"
                rows.append(compare(label, full, bare, repeats=7))
    return rows


def ranking() -> list[Row]:
    """Compare a training step with each ranking loss with one without."""
    rows = []
    for name, (labels, features, hidden, *_) in losses.SHAPES.items():
        for variant in ("score", "combined"):
            ours, none = (finished(losses.step(labels, features, hidden, one, 30, "cuda")) for one in (variant, "none"))
            rows.append(compare(f"GPU: training step without a loss over {variant}, {name}", ours, none, repeats=7))
    return rows


def finished(call: Any) -> Any:
    """Return `call` with a wait for the device at its end."""

    def run() -> None:
        call()
        torch.cuda.synchronize()

    return run


def packed() -> list[Row]:
    """Measure the throughput of trials that share the GPU."""
    shape = SHAPES["hapt"]
    rates: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
        path = random_dataset(Path(scratch) / "data", shape).path
        for count in PACKED:
            rates[count] = trials_at_once(path, shape, count)
    frames = PACKED_ITERATIONS * shape.sequences * shape.length
    return [
        Row(
            f"GPU: frames a second of {count} trials at once over one, {shape.name}",
            rate / rates[1],
            "none",
            True,
            count * frames / rate,
            frames / rates[1],
            rounds(5),
        )
        for count, rate in rates.items()
    ]


def trials_at_once(path: Path, shape: Shape, count: int) -> float:
    """Return the frames a second of `count` trials together, the median over the rounds."""
    context = multiprocessing.get_context("spawn")
    repeats = rounds(5)
    barrier, results = context.Barrier(count), context.SimpleQueue()
    workers = [
        context.Process(target=trial, args=(path, shape, barrier, results, seed, repeats)) for seed in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError(f"a trial of {count} at once failed")
    taken = sorted(max(times) for times in zip(*(results.get() for _ in workers), strict=True))
    return count * PACKED_ITERATIONS * shape.sequences * shape.length / taken[len(taken) // 2]


def trial(path: Path, shape: Shape, barrier: Barrier, results: Any, seed: int, repeats: int) -> None:
    """Train on the GPU, each round begun together with the other trials; put the seconds of each."""
    trainer = Trainer(configuration(settings(shape, device="cuda", seed=seed, threads=1)), Dataset(path))
    trainer.train(20)
    taken = []
    for _ in range(repeats):
        barrier.wait()
        began = time.perf_counter()
        trainer.train(trainer.iteration + PACKED_ITERATIONS)
        taken.append(time.perf_counter() - began)
    results.put(taken)


def measure() -> list[Row]:
    """Return all rows."""
    if not torch.cuda.is_available():
        return [not_measured("GPU", "skipped: no CUDA", holds=True)]
    return [*training(), *ranking(), *detection.measure("cuda", None, prefix="GPU: "), *packed()]


if __name__ == "__main__":
    run_script(__doc__, measure)
