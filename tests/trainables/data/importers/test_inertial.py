"""Frame features of inertial signals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.importers.hapt import WINDOWS as HAPT
from crescendo.trainables.data.importers.inertial import (
    BANDS,
    ENERGY_FLOOR,
    FEATURES_PER_CHANNEL,
    Windows,
    inertial_features,
)
from crescendo.trainables.data.importers.tug import WINDOWS as TUG


def literal(signal: np.ndarray, windows: Windows) -> np.ndarray:
    """One frame, one channel, one feature after the other."""
    rows = []
    for frame in range(len(signal) // windows.step):
        end = (frame + 1) * windows.step
        row = []
        for channel in signal.T.astype(float):
            short, long = ([channel[max(0, end - n + i)] for i in range(n)] for n in (windows.short, windows.long))
            half = len(long) // 2
            row += [np.mean(short), np.std(short), min(short), max(short)]
            row += [np.mean([abs(b - a) for a, b in pairwise(short)])]
            row += [np.mean(long), np.std(long), np.mean(long[half:]) - np.mean(long[:half])]
            centred = (np.array(long) - np.mean(long)) * np.hanning(len(long))
            for low, high in pairwise(BANDS):
                energy = 0.0
                for k in range(len(long) // 2 + 1):
                    if low <= k * windows.rate / len(long) < high:
                        wave = np.exp(-2j * np.pi * k * np.arange(len(long)) / len(long))
                        energy += abs(np.sum(centred * wave)) ** 2 / len(long) ** 2
                row.append(np.log(energy + ENERGY_FLOOR))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("windows", [HAPT, TUG, Windows(rate=20, step=3, short=6, long=16)])
def test_agrees_with_literal_reference(windows: Windows) -> None:
    signal = np.random.default_rng(0).standard_normal((150, 2)).cumsum(axis=0).astype(np.float32)
    features = inertial_features(signal, windows)
    assert features.shape == (150 // windows.step, 2 * FEATURES_PER_CHANNEL)
    np.testing.assert_allclose(features, literal(signal, windows), rtol=2e-5, atol=2e-5)


@settings(max_examples=25, deadline=None)
@given(frame=st.integers(0, 48), seed=st.integers(0, 2**31))
def test_no_frame_knows_what_comes_after_it(frame: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    signal = generator.standard_normal((400, 6))
    changed = signal.copy()
    end = (frame + 1) * HAPT.step
    changed[end:] = 100 * generator.standard_normal(changed[end:].shape)
    before, after = inertial_features(signal, HAPT), inertial_features(changed, HAPT)
    np.testing.assert_array_equal(after[: frame + 1], before[: frame + 1])
    np.testing.assert_array_equal(inertial_features(signal[:end], HAPT), before[: frame + 1])
    assert (after[frame + 1] != before[frame + 1]).any()


def test_band_of_a_sine_holds_its_energy() -> None:
    time = np.arange(500) / HAPT.rate
    features = inertial_features(np.sin(2 * np.pi * 2.1 * time)[:, None], HAPT)
    assert [low <= 2.1 < high for low, high in pairwise(BANDS)].index(True) == np.argmax(features[-1, 8:])


def test_signal_shorter_than_a_frame_has_none() -> None:
    assert inertial_features(np.zeros((7, 6)), HAPT).shape == (0, 84)
