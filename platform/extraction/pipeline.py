"""Videos to frames on Ray Data: decoding on CPUs, batches through actors that hold the network.

Two operators: tasks decode one video each and yield batches of prepared frames, uint8; a pool of actors, one a GPU, or one
a machine where there are no GPUs, turns batches of any videos into features. A frame carries its video and its number, so
that nothing needs to arrive in order and short videos share a batch.

Memory does not grow with the videos' number or length: a decoding task may be four batches ahead of its readers, Ray
Data starts tasks only while their output fits its share of the object store, and an actor has two batches waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crescendo.trainables.data.pixels import encode_picture
from crescendo.trainables.errors import InputError
from crescendo.trainables.video.backbones import Preparation, load_backbone
from crescendo.trainables.video.decoding import sampled_frames

BATCH = 32
# In place of a frame's number: the video cannot be decoded; the network cannot be loaded.
BROKEN, FATAL = -1, -2

Batch = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """The network that every actor loads with `load_backbone`; `fingerprint` is that of the one that the driver loaded."""

    backbone: str
    weights: str
    layer: str
    size: int | None
    fingerprint: str


@dataclass(frozen=True)
class ExtractedFrames:
    """Some frames of one video, or the reason why it cannot be used.

    Attributes
    ----------
    video : int
        The video's number.
    numbers : (n,) int64
        The frames' numbers in the video.
    values : (n, width) float16, or n JPEGs
        Their features, or the pictures themselves.
    total : int or None
        How many frames the video has; None while that is not known.
    error : str
        Why the video cannot be decoded; empty if it can.
    """

    video: int
    numbers: np.ndarray
    values: Any
    total: int | None
    error: str


def extracted(
    videos: Mapping[int, Path], fps: float, preparation: Preparation, network: Network | None
) -> Iterator[ExtractedFrames]:
    """Yield the features of the frames of `videos`, or their JPEGs without a `network`, in no particular order.

    Ray must be connected. A video that cannot be decoded comes once with an `error`; frames of it may come before that
    and, now and then, after it.

    Raises
    ------
    InputError
        If the network cannot be loaded where it is to run.
    """
    # Ray reads its environment, which `ray_session` sets, as it is imported.
    import ray
    import ray.data

    for name in ("ray.data", "ray.data._internal"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    # One yield, one block: else frames would be gathered up to 128 MiB before anyone sees the first.
    context.target_max_block_size = BATCH * 3 * preparation.size**2
    rows = [{"video": number, "path": str(path)} for number, path in videos.items()]
    decode_cpus, network_cpus, gpus, actors = _shares(ray.nodes())
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        partial(decoded, fps=fps, preparation=preparation, jpeg=network is None), batch_size=1, num_cpus=decode_cpus
    )
    if network is not None:
        dataset = dataset.map_batches(
            Inference,
            fn_constructor_kwargs={"network": network},
            batch_size=BATCH,
            num_cpus=network_cpus,
            num_gpus=gpus,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors, max_tasks_in_flight_per_actor=2),
        )
    for batch in dataset.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=1):
        yield from _by_video(batch)


def decoded(batch: Batch, *, fps: float, preparation: Preparation, jpeg: bool) -> Iterator[Batch]:
    """Yield the frames of the one video in `batch`, `BATCH` at a time: prepared, (n, 3, size, size) uint8, or JPEGs."""
    video, path = int(batch["video"][0]), str(batch["path"][0])
    done = 0
    blank = np.zeros((1, 3, preparation.size, preparation.size), np.uint8)

    def rows(pictures: np.ndarray, first: int, total: int, error: str = "") -> Batch:
        count = len(pictures)
        values = np.array([*map(encode_picture, pictures), None], object)[:-1] if jpeg else pictures
        return {
            "video": np.full(count, video),
            "frame": np.arange(first, first + count),
            "total": np.full(count, total),
            "error": np.full(count, error, object),
            "values": values,
        }

    try:
        # One thread: there are as many decoders as there is room for.
        frames = sampled_frames(path, fps, preparation, threads=1)
        waiting: np.ndarray | None = None
        for pictures in _stacked(frames):
            if waiting is not None:
                yield rows(waiting, done, -1)
                done += len(waiting)
            waiting = pictures
        if waiting is not None:
            yield rows(waiting, done, done + len(waiting))
    except InputError as error:
        yield rows(blank, BROKEN, -1, str(error))


class Inference:
    """An actor that turns frames into features with the network, on a GPU if it has been given one."""

    def __init__(self, network: Network) -> None:
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        if self._device == "cpu":
            torch.set_num_threads(_cores())
        self._fault = ""
        try:
            backbone = load_backbone(network.backbone, network.weights, layer=network.layer, size=network.size)
            if backbone.fingerprint != network.fingerprint:
                self._fault = f"weights {network.weights} are others on this machine than where the command was started"
            self._backbone = backbone.to(self._device)
        except InputError as error:
            self._fault = str(error)

    def __call__(self, batch: Batch) -> Batch:
        """Return `batch` with features, (n, width) float16, in place of its frames."""
        if self._fault:
            count = len(batch["video"])
            fault = {"frame": np.full(count, FATAL), "error": np.full(count, self._fault, object)}
            return {**batch, **fault, "values": np.zeros((count, 1), np.float16)}
        with torch.inference_mode():
            # A copy: Ray lends its batches, and torch takes no array that must not be written.
            features = self._backbone(torch.tensor(batch["values"]).to(self._device))
            return {**batch, "values": features.half().cpu().numpy()}


def _stacked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    iterator = iter(frames)
    while some := list(islice(iterator, BATCH)):
        yield np.stack(some)


def _by_video(batch: Batch) -> Iterator[ExtractedFrames]:
    videos = batch["video"]
    bounds = [0, *(np.flatnonzero(np.diff(videos)) + 1), len(videos)]
    for first, last in pairwise(bounds):
        if first == last:
            continue
        numbers, error = batch["frame"][first:last], str(batch["error"][last - 1])
        if numbers[-1] == FATAL:
            raise InputError(error)
        broken = numbers == BROKEN
        total = int(batch["total"][first:last].max())
        yield ExtractedFrames(
            int(videos[first]),
            numbers[~broken],
            batch["values"][first:last][~broken],
            None if total < 0 else total,
            error,
        )


def _shares(nodes: list[dict[str, Any]]) -> tuple[float, float, float, int]:
    """Return the CPUs of a decoding task, the CPUs and the GPUs of an actor, and the most actors."""
    alive = [node["Resources"] for node in nodes if node["Alive"] and node["Resources"].get("CPU")]
    gpus = int(sum(node.get("GPU", 0) for node in alive))
    if gpus and (torch.version.cuda or torch.version.hip):
        return 1.0, 0.0, 1.0, gpus
    # The network takes all cores of its machine in turn with the decoders, whose work is a tenth of its own.
    fewest = min(node["CPU"] for node in alive)
    return min(0.5, fewest / 4), fewest * 3 / 4, 0.0, len(alive)


def _cores() -> int:
    """Return the CPUs that Ray may use of the machine this actor runs on."""
    # As above.
    import ray

    here = ray.get_runtime_context().get_node_id()
    return max(1, int(next(node["Resources"].get("CPU", 1) for node in ray.nodes() if node["NodeID"] == here)))
