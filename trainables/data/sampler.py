"""Training sequences: windows of the training recordings, drawn afresh for every learning batch (paper section 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.frames import BACKGROUND_INDEX
from crescendo.trainables.data.pixels import PixelFrames
from crescendo.trainables.data.run_positions import LAST_FRAME, RunPositions, run_positions

BLOCK = 64
"""Batches whose sequences are drawn together: setting a generator up takes as long as drawing for a dozen."""


@dataclass(frozen=True)
class Batch:
    """One learning batch.

    Attributes
    ----------
    features : (sequences, frames, features), in the stored type: float16, float32, or uint8 for pixels
    labels : (sequences, frames) int64; padded frames carry background
    valid : (sequences, frames) bool; False where a recording was shorter than a sequence
    recordings : the recording of each sequence
    positions : (sequences, frames) float32 each, where the sampler was asked for them; padded frames are last frames
    """

    features: np.ndarray
    labels: np.ndarray
    valid: np.ndarray
    recordings: tuple[str, ...]
    positions: RunPositions[np.ndarray] | None = None


class SequenceSampler:
    """Draws batches of sequences; batch number `iteration` is a function of the seed and that number alone.

    A recording is drawn in proportion to its number of frames, and the sequence's place in it uniformly (protocol
    section 2; the paper does not say). A sequence's features are a slice of the mapped store, copied once, into the
    batch.

    Attributes
    ----------
    labels : (frames,) of the smallest integer type, of all frames of all recordings, one recording after the other
    positions : (frames,) float32 each, of the same frames; None unless `positioned`
    sequences, length : int
        Sequences a batch, and frames a sequence.
    """

    def __init__(
        self, dataset: Dataset, subset: str, *, sequences: int, length: int, seed: int, positioned: bool = False
    ) -> None:
        self._dataset = dataset
        self._names = dataset.recordings(subset)
        self._frames = np.array([dataset.frames(name) for name in self._names])
        self._shares = np.cumsum(self._frames) / self._frames.sum()
        self._firsts = np.cumsum(self._frames) - self._frames
        # The smallest type that holds them: 36 MB for ActivityNet's 18 million frames.
        kind = np.min_scalar_type(len(dataset.labels))
        self.labels = np.concatenate([dataset.frame_labels(name).astype(kind) for name in self._names])
        self.positions = self._positions() if positioned else None
        self.sequences, self.length, self._seed = sequences, length, seed
        # Views of the mapped store, opened when they are first drawn from.
        self._matrices: dict[int, np.ndarray | PixelFrames] = {}
        self._drawn: tuple[int, np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def width(self) -> int:
        """Numbers a frame."""
        return self._dataset.feature_dim or 0

    @property
    def dtype(self) -> np.dtype:
        """The stored type."""
        return self._dataset.store.dtype

    @property
    def pixels(self) -> bool:
        """Whether frames are pictures, which are decoded when they are read."""
        return self._dataset.holds_pixels

    def matrices(self) -> Iterator[np.ndarray]:
        """Yield the features (frames, features) of each recording, in the order of `labels`."""
        return (np.asarray(self._dataset.features(name)) for name in self._names)

    def batch(self, iteration: int, features: np.ndarray | None = None) -> Batch:
        """Return the batch of `iteration`, its features written into `features` if that is given.

        Threads may call it at once.
        """
        chosen, starts, ends = self._sequences_of(iteration)
        # Time first in memory, as the loss goes through it.
        frames = starts + np.arange(self.length)[:, None]
        valid = frames < ends
        padded = not valid[-1].all()
        places = self._firsts[chosen] + (np.where(valid, frames, 0) if padded else frames)
        labels = self.labels[places]
        labels = (np.where(valid, labels, BACKGROUND_INDEX) if padded else labels).astype(np.int64)
        if features is None:
            features = np.empty((*valid.T.shape, self.width), dtype=self.dtype)
        for place, number, start, end in zip(features, chosen.tolist(), starts.tolist(), ends.tolist(), strict=True):
            if number not in self._matrices:
                self._matrices[number] = self._dataset.features(self._names[number])
            place[: end - start] = self._matrices[number][start:end]
            if padded:
                place[end - start :] = 0
        positions = None if self.positions is None else _padded(self.positions, places, valid)
        return Batch(features, labels.T, valid.T, self.recordings(iteration), positions)

    def recordings(self, iteration: int) -> tuple[str, ...]:
        """Return the recording of each sequence of the batch of `iteration`."""
        return tuple(self._names[number] for number in self._sequences_of(iteration)[0])

    def windows(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Return first frame and last frame (excluded) of the sequences of `BLOCK` batches, (BLOCK, sequences) each.

        Batch `block * BLOCK` is the first. Frames count through all recordings, as `labels` does; those of a sequence from
        its last one on are padding.
        """
        _, chosen, starts, ends = self._block(block)
        return self._firsts[chosen] + starts, self._firsts[chosen] + ends

    def _positions(self) -> RunPositions[np.ndarray]:
        """Return where in its activity each frame lies; no activity goes on into another recording."""
        ends = self._firsts + self._frames
        of_recordings = [
            run_positions(self.labels[first:end], self._dataset.fps)
            for first, end in zip(self._firsts, ends, strict=True)
        ]
        return RunPositions(*(np.concatenate(parts) for parts in zip(*of_recordings, strict=True)))

    def _sequences_of(self, iteration: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return recording, first frame and last frame (excluded) of every sequence of a batch."""
        block, row = divmod(iteration, BLOCK)
        _, chosen, starts, ends = self._block(block)
        return chosen[row], starts[row], ends[row]

    def _block(self, block: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        # Read and written in one piece each: another thread may be at another block.
        drawn = self._drawn
        if drawn is None or drawn[0] != block:
            random = np.random.default_rng([self._seed, block])
            chosen = np.searchsorted(self._shares, random.random((BLOCK, self.sequences)), side="right")
            starts = random.integers(0, np.maximum(self._frames[chosen] - self.length, 0), endpoint=True)
            drawn = block, chosen, starts, np.minimum(starts + self.length, self._frames[chosen])
            self._drawn = drawn
        return drawn


def _padded(positions: RunPositions[np.ndarray], places: np.ndarray, valid: np.ndarray) -> RunPositions[np.ndarray]:
    """Return the positions of a batch, (sequences, frames), from its frames' `places` (frames, sequences)."""
    passed, remaining = (one[places] for one in positions)
    return RunPositions(
        np.where(valid, passed, LAST_FRAME.passed).T, np.where(valid, remaining, LAST_FRAME.remaining).T
    )


def feature_moments(dataset: Dataset, subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every feature over the frames of `subset`, (features,) float32 each.

    Recordings are read one at a time and their moments combined, so memory does not grow with the data set and no
    precision is lost to cancellation. A feature that never changes gets deviation 1.
    """
    width = dataset.feature_dim or 0
    count, mean, spread = 0, np.zeros(width), np.zeros(width)
    for recording in dataset.recordings(subset):
        matrix = np.asarray(dataset.features(recording), dtype=np.float64)
        if len(matrix) == 0:
            continue
        total = count + len(matrix)
        shift = matrix.mean(axis=0) - mean
        spread += ((matrix - matrix.mean(axis=0)) ** 2).sum(axis=0) + shift**2 * count * len(matrix) / total
        mean += shift * len(matrix) / total
        count = total
    deviation = np.sqrt(spread / max(count, 1))
    return mean.astype(np.float32), np.where(deviation > 0, deviation, 1.0).astype(np.float32)
