"""A synthetic data set for the paper's problem: long activities whose first stages are alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import FASTEST, SLOWEST, SUBSETS, Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.frames import seconds
from crescendo.trainables.data.importers.base import Reporter, SilentReporter
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted

ACTIVITIES_A_RECORDING = {1: 0.7, 2: 0.2, 3: 0.1}  # 1.4 on average, as in ActivityNet
STAGE_WEIGHTS = (5.0, 7.0, 10.0, 10.0)  # of the Dirichlet draw that shares out an activity's length
SHARED_FIRST = 3  # so many activities share the first stage
SHARED_SECOND = 2  # and so many the second
BACKGROUND_KINDS = 4
ACTIVITY_FRAMES = (40, 120)
BACKGROUND_FRAMES = (30, 110)
NOISE_MEMORY = 0.6
MOST = {"recordings": 1_000_000, "labels": 1000, "feature_dim": 2**14}
_LOUDEST = 1e6


@dataclass(frozen=True)
class _World:
    """What all recordings share: the mean feature of every stage and of every kind of background.

    `stages` (labels, 4, features), `background` (kinds, features).
    """

    stages: np.ndarray
    background: np.ndarray


def synthesize(
    destination: Path | str,
    *,
    seed: int = 0,
    recordings: int = 100,
    labels: int = 6,
    feature_dim: int = 32,
    fps: float = 6.0,
    noise: float = 1.6,
    reporter: Reporter | None = None,
) -> Dataset:
    """Write a synthetic data set; the same arguments give the same bytes.

    An activity runs through four stages of uneven length. Three activities share each first stage and two each second
    one; the last two stages belong to one activity alone. Early on, activities can therefore only be confused, and the
    score of the right one should rise from stage to stage. Background is of several kinds and now and then contains a
    first stage that leads to nothing. The feature of a frame is the mean of its stage, plus autocorrelated noise, plus
    an offset of the recording.

    Parameters
    ----------
    recordings
        Training recordings; validation and test have half as many each (at least one).
    labels
        Activities beside background.
    noise
        Standard deviation of the noise; the entries of the stages' means have unit variance.

    Raises
    ------
    InputError
        If a size is not positive or beyond `MOST`, or `destination` exists.
    """
    reporter = reporter or SilentReporter()
    for key, value in (("recordings", recordings), ("labels", labels), ("feature_dim", feature_dim)):
        if not 1 <= value <= MOST[key]:
            raise InputError(f"{key} must be from 1 to {MOST[key]:,} but got {value}")
    if not SLOWEST <= fps <= FASTEST or not 0 <= noise <= _LOUDEST or seed < 0:
        raise InputError(
            f"fps must be from {SLOWEST:g} to {FASTEST:g}, noise from 0 to {_LOUDEST:g}, seed 0 or more but got {fps}, "
            f"{noise} and {seed}"
        )
    world = _world(np.random.default_rng([seed, 0]), labels, feature_dim)
    sizes = dict(zip(SUBSETS, (recordings, max(1, recordings // 2), max(1, recordings // 2)), strict=True))
    plans: dict[str, list[tuple[int, int, int]]] = {}
    annotated: dict[str, Recording] = {}
    for number, (subset, size) in enumerate(sizes.items(), 1):
        counts = _activity_counts(np.random.default_rng([seed, number]), size)
        for index, count in enumerate(counts):
            name = f"{subset}_{index:04d}"
            plan = _plan(np.random.default_rng([seed, number, index]), count, labels)
            plans[name] = plan
            segments = tuple(
                Segment(_label(label), seconds(first, fps), seconds(last, fps))
                for label, first, last in plan
                if label >= 0
            )
            annotated[name] = Recording(subset, seconds(plan[-1][2], fps), segments)
    return write_dataset(
        destination,
        DatasetMetadata(
            name="synthetic",
            fps=fps,
            features="mean vector of the current stage, plus noise with memory and an offset of the recording",
            source=f"crescendo data synthesize --seed {seed}",
            licence="none needed: generated",
            notes=(
                f"made with {counted(recordings, 'training recording')}, {counted(labels, 'activity')} and noise {noise:g}",
            ),
        ),
        Annotations(annotated),
        frames={name: plan[-1][2] for name, plan in plans.items()},
        features=_features(world, reporter.track(plans.values(), len(plans), "generating"), seed, noise),
        feature_dim=feature_dim,
        labels=[_label(label) for label in range(labels)],
    )


def _label(number: int) -> str:
    return f"activity_{number + 1:02d}"


def _world(generator: np.random.Generator, labels: int, width: int) -> _World:
    means = generator.standard_normal((4, max(labels, BACKGROUND_KINDS), width))
    number = np.arange(labels)
    # Neighbours share the first stage, and others share the second: together the two narrow an activity down.
    first, second = means[0][number // SHARED_FIRST], means[1][number % max(1, -(-labels // SHARED_SECOND))]
    stages = np.stack([first, second, means[2][:labels], means[3][:labels]], axis=1)
    return _World(stages, generator.standard_normal((BACKGROUND_KINDS, width)))


def _activity_counts(generator: np.random.Generator, size: int) -> np.ndarray:
    """Return each recording's number of activities, in the shares of `ACTIVITIES_A_RECORDING` as nearly as can be."""
    bounds = np.round(np.cumsum(list(ACTIVITIES_A_RECORDING.values())) * size)
    return generator.permutation(np.searchsorted(bounds, np.arange(size), side="right") + 1)


def _plan(generator: np.random.Generator, activities: int, labels: int) -> list[tuple[int, int, int]]:
    """Return (label, first frame, frame after the last) in order; label -1 is the background around activities."""
    plan, frame = [], 0
    for number in range(2 * activities + 1):
        is_activity = number % 2 == 1
        length = int(generator.integers(*(ACTIVITY_FRAMES if is_activity else BACKGROUND_FRAMES), endpoint=True))
        label = int(generator.integers(labels)) if is_activity else -1
        plan.append((label, frame, frame + length))
        frame += length
    return plan


def _features(
    world: _World, plans: Iterator[list[tuple[int, int, int]]], seed: int, noise: float
) -> Iterator[np.ndarray]:
    for number, plan in enumerate(plans):
        generator = np.random.default_rng([seed, len(SUBSETS) + 1, number])
        means = np.concatenate([_stage_means(generator, world, label, last - first) for label, first, last in plan])
        offset = 0.3 * generator.standard_normal(means.shape[1])
        yield (means + offset + noise * _noise(generator, means.shape)).astype(np.float32)


def _stage_means(generator: np.random.Generator, world: _World, label: int, length: int) -> np.ndarray:
    """Return the mean feature of each of the `length` frames of a stretch."""
    if label < 0:
        kinds = generator.integers(len(world.background), size=2)
        means: np.ndarray = world.background[np.where(np.arange(length) < length // 2, *kinds)]
        if generator.random() < 0.5:  # a start of an activity that comes to nothing
            false_start = slice(length // 3, length // 3 + length // 5)
            means[false_start] = world.stages[generator.integers(len(world.stages)), 0]
        return means
    shares = generator.dirichlet(STAGE_WEIGHTS)
    stage = np.searchsorted(np.cumsum(shares) * length, np.arange(length), side="right").clip(0, len(STAGE_WEIGHTS) - 1)
    means = world.stages[label, stage]
    return means


def _noise(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return unit-variance noise in which a frame keeps `NOISE_MEMORY` of the one before."""
    fresh = generator.standard_normal(shape)
    fresh[1:] *= np.sqrt(1 - NOISE_MEMORY**2)
    for frame in range(1, len(fresh)):
        fresh[frame] += NOISE_MEMORY * fresh[frame - 1]
    return fresh
