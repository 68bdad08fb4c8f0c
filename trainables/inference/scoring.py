"""Trained model to frame scores (protocol section 3, step 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from crescendo.trainables.config import Reset
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.models.base import DetectionModel, State

# Recordings that run side by side, and frames of each at a time: bounds the memory whatever the data set's size, and
# however wide a frame is.
_SIDE_BY_SIDE = 64
_CHUNK = 512
_BYTES = 256 * 2**20

Span = tuple[str, int, int]


@torch.no_grad()
def score_spans(model: DetectionModel, dataset: Dataset, spans: Sequence[Span], reset: Reset) -> list[np.ndarray]:
    """Return the softmax scores of spans of recordings, each started with a fresh state.

    Parameters
    ----------
    spans
        (recording, first frame, last frame excluded).

    Returns
    -------
    list of (frames, labels) float32, in the order of `spans`
        Causal: the scores of a shorter span are the beginning of those of a longer one.
    """
    training = model.training
    model.eval()
    try:
        scores: list[np.ndarray] = [np.empty(0)] * len(spans)
        # Spans of like length run together, so little is computed that belongs to none.
        order = sorted(range(len(spans)), key=lambda number: spans[number][1] - spans[number][2])
        for start in range(0, len(order), _SIDE_BY_SIDE):
            chosen = order[start : start + _SIDE_BY_SIDE]
            for number, matrix in zip(
                chosen, _side_by_side(model, dataset, [spans[n] for n in chosen], reset), strict=True
            ):
                scores[number] = matrix
        return scores
    finally:
        model.train(training)


def score_recordings(
    model: DetectionModel, dataset: Dataset, recordings: Sequence[str], reset: Reset
) -> dict[str, np.ndarray]:
    """Return recording -> softmax scores (frames, labels) float32 of whole recordings."""
    spans = [(recording, 0, dataset.frames(recording)) for recording in recordings]
    return dict(zip(recordings, score_spans(model, dataset, spans, reset), strict=True))


def _side_by_side(model: DetectionModel, dataset: Dataset, spans: Sequence[Span], reset: Reset) -> Iterator[np.ndarray]:
    """Score spans, the longest first, in step."""
    lengths = [last - first for _, first, last in spans]
    results = [np.empty((length, model.label_count), dtype=np.float32) for length in lengths]
    state = model.initial_state(len(spans))
    width = dataset.feature_dim or 0
    # The model makes float32 of whatever is stored.
    chunk = max(1, min(_CHUNK, _BYTES // (_SIDE_BY_SIDE * max(width, 1) * np.dtype(np.float32).itemsize)))
    for begin in range(0, max(lengths, default=0), chunk):
        alive = sum(length > begin for length in lengths)
        frames = min(chunk, lengths[0] - begin)
        features = np.zeros((alive, frames, width), dtype=dataset.store.dtype)
        for row, (recording, first, last) in enumerate(spans[:alive]):
            part = dataset.features(recording)[first + begin : min(last, first + begin + frames)]
            features[row, : len(part)] = part
        state = tuple(one[:, :alive].contiguous() for one in state)
        logits, state = _run(model, torch.from_numpy(features).to(model.mean.device), state, reset)
        probabilities = logits.softmax(-1).cpu().numpy()
        for row in range(alive):
            results[row][begin : begin + frames] = probabilities[row, : lengths[row] - begin]
    yield from results


def _run(model: DetectionModel, features: Tensor, state: State, reset: Reset) -> tuple[Tensor, State]:
    step = model.step_function(features)
    logits = []
    for t in range(features.shape[1]):
        now, state = step(t, state)
        state = model.reset(state, now, reset)
        logits.append(now)
    return torch.stack(logits, dim=1), state
