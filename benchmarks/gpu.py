"""Cohorts, captured steps and scoring on a GPU. Without CUDA: one row that says so.

    .venv/bin/python benchmarks/gpu.py [--json FILE]

Each row is printed when it is there; all of them take less than four minutes. Both sides of a row do the same work: as
many frames, trained or scored. "Plain" is a training without CUDA graphs, launched kernel by kernel; the bare captured loop
is nn.LSTM, nn.Linear, cross entropy and SGD on one batch that lies in the GPU's memory, as one CUDA graph a step: no data
set, no dropout, no clipping. The plain loop of scoring runs nn.LSTM over one recording after another, frame by frame.
Exits with 1 if a target is missed.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import torch
from detection import frame_by_frame, restless_model
from torch import nn
from training import SHAPES, VARIANTS, Shape, random_dataset, settings
from yardstick import Row, compare, not_measured, rounds, run_script

from crescendo.trainables.config import configuration
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.sampler import SequenceSampler
from crescendo.trainables.inference.scoring import score_together, whole
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.feed import DeviceBatch, Feed, HostFeed
from crescendo.trainables.training.trainer import Trainer

HAPT, PAPER = SHAPES["hapt"], SHAPES["paper"]
# The validation part of HAPT: nine recordings of about 2,500 frames.
VALIDATION = replace(HAPT, recordings=9, frames=2500)


class Pageable:
    """Batches gathered on one thread and copied from pageable memory: how one came to the GPU before there were cohorts."""

    def __init__(self, sampler: SequenceSampler) -> None:
        self._host = HostFeed(sampler)

    def load(self, iteration: int) -> DeviceBatch:
        """Return the batch of `iteration`."""
        return DeviceBatch(*(None if one is None else one.cuda() for one in self._host.load(iteration)))


def steps(
    dataset: Dataset,
    shape: Shape,
    arms: int,
    times: int,
    variants: Sequence[str] = VARIANTS,
    feed: Callable[[SequenceSampler], Feed] | None = None,
    **changes: Any,
) -> Callable[[], None]:
    """Return a call that trains `arms` arms side by side, `times` steps each; it has trained a few already."""
    configs = [
        configuration(settings(shape, device="cuda", variant=variants[arm % len(variants)], **changes))
        for arm in range(arms)
    ]
    members = [Trainer(config, dataset) for config in configs]
    cohort = Cohort(members, feed=feed)
    cohort.train(8)

    def run() -> None:
        cohort.train(members[0].iteration + times)

    return run


def bare_captured(shape: Shape, times: int, *, mixed: bool = False) -> Callable[[], None]:
    """Return a call that takes `times` captured steps of nn.LSTM, nn.Linear, cross entropy and SGD on one batch."""
    torch.manual_seed(0)
    lstm = nn.LSTM(shape.features, shape.hidden).cuda()
    linear = nn.Linear(shape.hidden, shape.labels).cuda()
    parameters = [*lstm.parameters(), *linear.parameters()]
    optimizer = torch.optim.SGD(parameters, torch.tensor(1e-3, device="cuda"), momentum=0.9, fused=True)
    inputs = torch.randn(shape.length, shape.sequences, shape.features, device="cuda")
    targets = torch.randint(shape.labels, (shape.length // 20, shape.sequences), device="cuda").repeat_interleave(20, 0)

    def step() -> None:
        with torch.autocast("cuda", torch.bfloat16, enabled=mixed):
            state, outputs = None, []
            for chunk in inputs.split(shape.bptt):
                output, (hidden, cell) = lstm(chunk, state)
                state = (hidden.detach(), cell.detach())
                outputs.append(output)
            logits = linear(torch.cat(outputs))
        loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        step()

    def run(_reads: tuple[object, ...] = (step, inputs, targets)) -> None:
        # The graph reads these tensors' memory but does not keep them.
        for _ in range(times):
            graph.replay()
        torch.cuda.synchronize()

    return run


def training(folder: Path) -> Iterator[Row]:
    """Compare cohorts with plain arms, one arm with the bare captured loop, and ranking losses with none."""
    for shape, name, times, many, mixed, at_least in (
        (HAPT, "HAPT's shape", 30, 10, False, 0.85),
        (PAPER, "the paper's shape, bfloat16", 10, 8, True, 0.75),
    ):
        dataset = random_dataset(folder / name, shape)
        precision = {"precision": "bfloat16"} if mixed else {}
        together = steps(dataset, shape, many, times, **precision)
        plain = steps(dataset, shape, 1, many * times, ["score"], graphs="off", **precision)
        yield compare(
            f"GPU: cohort of {many}, times the frames a second of one plain arm, {name}",
            together, plain, at_least=None if mixed else 8, repeats=3, warm_up=0,
        )  # fmt: skip
        if mixed:
            before = steps(dataset, shape, 1, many * times, ["score"], graphs="off", feed=Pageable, **precision)
            yield compare(
                f"GPU: the same over one plain arm whose batches come from pageable memory, as before, {name}",
                together, before, at_least=8, repeats=3, warm_up=0,
            )  # fmt: skip
        one = steps(dataset, shape, 1, many * times, ["none"], **precision)
        yield compare(
            f"GPU: one arm, full loop over a bare captured one, {name}",
            one, bare_captured(shape, many * times, mixed=mixed), at_least=at_least, repeats=5,
        )  # fmt: skip
        for variant in ("score", "margin", "combined", "naive"):
            ours = steps(dataset, shape, 1, many * times, [variant], **precision)
            yield compare(f"GPU: captured step, {variant} over none, {name}", ours, one, at_most=1.1, repeats=5)


def scoring(folder: Path) -> Iterator[Row]:
    """Compare the scoring of a part with a loop over recordings and frames, for one model and for ten together."""
    dataset = random_dataset(folder / "validation", VALIDATION, "test")
    names = dataset.recordings("test")
    model = restless_model("cuda")
    models = [restless_model("cuda") for _ in range(10)]

    def loop(times: int) -> Callable[[], None]:
        return lambda: [frame_by_frame(model, dataset, "memory") for _ in range(times)] and None

    one = compare(
        "GPU: scoring HAPT's validation part, reset memory, times faster than a plain loop",
        lambda: score_together([model], dataset, whole(dataset, names), "memory"),
        loop(1), at_least=10, repeats=3, warm_up=0,
    )  # fmt: skip
    yield one
    yield compare(
        "GPU: scoring it with ten models together, times faster than with one after the other",
        lambda: score_together(models, dataset, whole(dataset, names), "memory"),
        lambda: [score_together([each], dataset, whole(dataset, names), "memory") for each in models],
        repeats=3, warm_up=0,
    )  # fmt: skip


def processes(folder: Path) -> Iterator[Row]:
    """Compare a cohort of 8 with 8 processes that share the GPU, plain and with graphs."""
    shape, count, times = HAPT, 8, 200
    dataset = random_dataset(folder / "processes", shape)
    together = compare_once(steps(dataset, shape, count, times))
    for graphs, target in (("off", 3.0), ("auto", None)):
        apart = processes_at_once(dataset.path, shape, count, times, graphs)
        ratio = apart / together
        yield Row(
            f"GPU: cohort of {count} over {count} processes at once, {'plain' if graphs == 'off' else 'captured'}",
            ratio,
            "none" if target is None else f"at least {target:g}",
            target is None or ratio >= target,
            together,
            apart,
            rounds(3),
        )


def compare_once(call: Callable[[], None]) -> float:
    """Return the median seconds of a call."""
    taken = []
    for _ in range(rounds(3)):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) // 2]


def processes_at_once(path: Path, shape: Shape, count: int, times: int, graphs: str) -> float:
    """Return the seconds that `count` processes take for `times` steps each, the median over the rounds."""
    context = multiprocessing.get_context("spawn")
    repeats = rounds(3)
    barrier, results = context.Barrier(count), context.SimpleQueue()
    workers = [
        context.Process(target=process, args=(path, shape, barrier, results, variant, repeats, times, graphs))
        for variant in (VARIANTS * count)[:count]
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError(f"one of {count} processes failed")
    taken = sorted(max(times) for times in zip(*(results.get() for _ in workers), strict=True))
    return taken[len(taken) // 2]


def process(
    path: Path, shape: Shape, barrier: Barrier, results: Any, variant: str, repeats: int, times: int, graphs: str
) -> None:
    """Train on the GPU, each round begun together with the other processes; put the seconds of each."""
    run = steps(Dataset(path), shape, 1, times, [variant], graphs=graphs, threads=1)
    taken = []
    for _ in range(repeats):
        barrier.wait()
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    results.put(taken)


def measure() -> Iterator[Row]:
    """Yield all rows."""
    if not torch.cuda.is_available():
        yield not_measured("GPU", "skipped: no CUDA", holds=True)
        return
    for part in (training, scoring, processes):
        with tempfile.TemporaryDirectory(prefix="crescendo-bench-") as scratch:
            yield from part(Path(scratch))


if __name__ == "__main__":
    run_script(__doc__, measure)
