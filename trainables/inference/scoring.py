"""Trained model to frame scores (protocol section 3, step 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from crescendo.trainables.captures import capturing, without_looks
from crescendo.trainables.config import Reset
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.models.base import DetectionModel, State

# Recordings that run side by side, and frames of each at a time: bounds the memory whatever the data set's size, and
# however wide a frame is. A GPU takes as long for one as for hundreds.
_SIDE_BY_SIDE = 64
_ON_A_GPU = 256
_CHUNK = 512
_BYTES = 256 * 2**20
# Frames of a captured block, how many of them make up for its capture, and how many are read at once.
_BLOCK = 32
_WORTH = 4
_READ = 4

Span = tuple[str, int, int]
Watch = Callable[[int, int], None]
"""Is told now and then how many frames are scored, and how many there are."""

Uncaptured = Callable[[int, str], object]
"""Is told which model, by its number, goes frame by frame on a GPU, and why."""


def score_spans(model: DetectionModel, dataset: Dataset, spans: Sequence[Span], reset: Reset) -> list[np.ndarray]:
    """Return the softmax scores of spans of recordings, each started with a fresh state; `score_together` of one model."""
    [scores] = score_together([model], dataset, spans, reset)
    return scores


def score_recordings(
    model: DetectionModel, dataset: Dataset, recordings: Sequence[str], reset: Reset, watch: Watch | None = None
) -> dict[str, np.ndarray]:
    """Return recording -> softmax scores (frames, labels) float32 of whole recordings."""
    [scores] = score_together([model], dataset, whole(dataset, recordings), reset, watch)
    return dict(zip(recordings, scores, strict=True))


def whole(dataset: Dataset, recordings: Sequence[str]) -> list[Span]:
    """Return the spans that are whole recordings."""
    return [(recording, 0, dataset.frames(recording)) for recording in recordings]


@torch.no_grad()
def score_together(
    models: Sequence[DetectionModel],
    dataset: Dataset,
    spans: Sequence[Span],
    reset: Reset,
    watch: Watch | None = None,
    uncaptured: Uncaptured | None = None,
) -> list[list[np.ndarray]]:
    """Return what each of `models`, all on one device, says of spans of recordings, each started with a fresh state.

    On a GPU the models run side by side, block by block of captured frames: launched one by one, the small steps of long
    recordings would take longer than the training.

    Parameters
    ----------
    spans
        (recording, first frame, last frame excluded).

    Returns
    -------
    list of lists of (frames, labels) float32, for each model in the order of `spans`
        Causal: the scores of a shorter span are the beginning of those of a longer one.
    """
    training = [model.training for model in models]
    for model in models:
        model.eval()
    try:
        scores = [[np.empty(0)] * len(spans) for _ in models]
        # Spans of similar length run together, so few padded frames are computed.
        order = sorted(range(len(spans)), key=lambda number: spans[number][1] - spans[number][2])
        most = _most(models[0].mean.device, dataset)
        done, total = 0, sum(last - first for _, first, last in spans)
        for start in range(0, len(order), most):
            chosen = order[start : start + most]
            found = _side_by_side(
                models,
                dataset,
                [spans[number] for number in chosen],
                reset,
                None if watch is None else _later(watch, done, total),
                uncaptured or (lambda _, __: None),
            )
            done += sum(spans[number][2] - spans[number][1] for number in chosen)
            for own, matrices in zip(scores, found, strict=True):
                for number, matrix in zip(chosen, matrices, strict=True):
                    own[number] = matrix
        return scores
    finally:
        for model, mode in zip(models, training, strict=True):
            model.train(mode)


def _later(watch: Watch, before: int, total: int) -> Callable[[int], None]:
    """Return what tells `watch` of frames done after those `before`."""
    return lambda done: watch(before + done, total)


def _most(device: torch.device, dataset: Dataset) -> int:
    """Return how many recordings run side by side."""
    if device.type != "cuda":
        return _SIDE_BY_SIDE
    # The model makes float32 of whatever is stored.
    row = _READ * _BLOCK * max(dataset.feature_dim or 0, 1) * np.dtype(np.float32).itemsize
    return max(_SIDE_BY_SIDE, min(_ON_A_GPU, _BYTES // row))


def _side_by_side(
    models: Sequence[DetectionModel],
    dataset: Dataset,
    spans: Sequence[Span],
    reset: Reset,
    watch: Callable[[int], None] | None,
    uncaptured: Uncaptured,
) -> list[list[np.ndarray]]:
    """Score spans, the longest first, in step."""
    lengths = [last - first for _, first, last in spans]
    results = [[np.empty((length, model.label_count), dtype=np.float32) for length in lengths] for model in models]
    width, longest = dataset.feature_dim or 0, max(lengths, default=0)
    device = models[0].mean.device
    # The model makes float32 of whatever is stored.
    most = max(1, _BYTES // (max(len(spans), _SIDE_BY_SIDE) * max(width, 1) * np.dtype(np.float32).itemsize))
    captured = device.type == "cuda" and longest > _WORTH * _BLOCK and most >= _BLOCK
    chunk = min(_READ * _BLOCK, most) if captured else min(_CHUNK, most)
    empty = torch.zeros(len(spans), _BLOCK, width, dtype=torch.from_numpy(np.empty(0, dataset.store.dtype)).dtype)
    runners: list[_Runner] = []
    for number, model in enumerate(models):
        blocks, reason = _captured_blocks(model, empty.to(device), reset) if captured else (None, "")
        if reason:
            uncaptured(number, reason)
        runners.append(blocks or _Loop(model, len(spans), reset))
    for begin in range(0, longest, chunk):
        alive = sum(length > begin for length in lengths)
        frames = min(chunk, longest - begin)
        features = np.zeros((alive, frames, width), dtype=dataset.store.dtype)
        for row, (recording, first, last) in enumerate(spans[:alive]):
            part = dataset.features(recording)[first + begin : min(last, first + begin + frames)]
            features[row, : len(part)] = part
        block = torch.from_numpy(features).to(device)
        # All are under way before the first is waited for.
        for runner in runners:
            runner.begin(block)
        for runner, own in zip(runners, results, strict=True):
            probabilities = runner.probabilities().cpu().numpy()
            for row in range(alive):
                own[row][begin : begin + frames] = probabilities[row, : lengths[row] - begin]
        if watch is not None:
            watch(sum(min(length, begin + frames) for length in lengths))
    return results


class _Runner(Protocol):
    """Takes a model through the blocks of some recordings, whose state it keeps."""

    def begin(self, features: Tensor) -> None:
        """Run over the next block (recordings, frames, features); recordings and frames that are over may be left out."""

    def probabilities(self) -> Tensor:
        """Return the softmax scores (recordings, frames, labels) of the block, or more of them."""


class _Loop:
    """Frame by frame."""

    def __init__(self, model: DetectionModel, recordings: int, reset: Reset) -> None:
        self._model, self._reset, self._state = model, reset, model.initial_state(recordings)
        self._logits = torch.empty(0)

    def begin(self, features: Tensor) -> None:
        state = tuple(one[:, : len(features)].contiguous() for one in self._state)
        self._logits, self._state = _run(self._model, features, state, self._reset)

    def probabilities(self) -> Tensor:
        return self._logits.softmax(-1)


class _CapturedBlocks:
    """The loop over the frames of a block as one CUDA graph, on a stream of its own; its features are zero at first."""

    def __init__(self, model: DetectionModel, features: Tensor, reset: Reset) -> None:
        self._features, self._stream, self._graph = features, torch.cuda.Stream(), torch.cuda.CUDAGraph()
        self._state = model.initial_state(len(features))
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream), without_looks():
            # The libraries' own memory is taken before the capture.
            _run(model, features[:, :2], self._state, reset)
        with capturing(self._graph, self._stream):
            logits, after = _run(model, features, self._state, reset)
            self._of_block = logits.softmax(-1)
            for own, new in zip(self._state, after, strict=True):
                own.copy_(new)
        self._blocks: list[Tensor] = []

    def begin(self, features: Tensor) -> None:
        self._stream.wait_stream(torch.cuda.current_stream())
        self._blocks.clear()
        with torch.cuda.stream(self._stream):
            for block in features.split(_BLOCK, dim=1):
                self._features[: block.shape[0], : block.shape[1]].copy_(block)
                self._graph.replay()
                self._blocks.append(self._of_block[: block.shape[0], : block.shape[1]].clone())

    def probabilities(self) -> Tensor:
        torch.cuda.current_stream().wait_stream(self._stream)
        return torch.cat(self._blocks, dim=1)


def _captured_blocks(model: DetectionModel, features: Tensor, reset: Reset) -> tuple[_CapturedBlocks | None, str]:
    """Return the captured blocks of a model, or why they cannot be captured, or that the GPU has no room for it."""
    try:
        return _CapturedBlocks(model, features, reset), ""
    except RuntimeError as error:  # somebody's own model may look at its numbers, which a capture forbids
        torch.cuda.synchronize()
        return None, " ".join(str(error).split())[:200] or type(error).__name__


def _run(model: DetectionModel, features: Tensor, state: State, reset: Reset) -> tuple[Tensor, State]:
    step = model.step_function(features)
    logits = []
    for t in range(features.shape[1]):
        now, state = step(t, state)
        state = model.reset(state, now, reset)
        logits.append(now)
    return torch.stack(logits, dim=1), state
