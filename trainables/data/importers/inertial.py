"""Causal frame features of inertial signals (accelerometer and gyroscope), shared by the importers of such data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

CHANNELS = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
# Edges in Hz: below 0.5 lies posture; human gait has its base between 0.5 and 3 and its overtones up to about 15.
BANDS = (0.3, 1.0, 1.7, 2.6, 4.0, 7.0, 15.0)
# Log energies are taken above this floor (units squared), so that silence is a number and sensor noise stays small.
ENERGY_FLOOR = 1e-4
FEATURES_PER_CHANNEL = 8 + len(BANDS) - 1


@dataclass(frozen=True)
class Windows:
    """Trailing windows of `short` and `long` samples over a signal of `rate` Hz; `step` samples are a frame."""

    rate: float
    step: int
    short: int
    long: int

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.rate / self.step

    def describe(self) -> str:
        """Return what the feature columns mean, in words."""
        bands = ", ".join(f"{low:g}-{high:g}" for low, high in pairwise(BANDS))
        return (
            f"{FEATURES_PER_CHANNEL} per channel ({', '.join(CHANNELS)}): mean, standard deviation, minimum, maximum and "
            f"mean absolute difference over the trailing {self.short / self.rate:g} s; mean, standard deviation and "
            f"rise (second half's mean less the first's) over the trailing {self.long / self.rate:g} s, and the log "
            f"energy there in {bands} Hz"
        )


def inertial_features(signal: np.ndarray, windows: Windows) -> np.ndarray:
    """Return causal features of `signal`.

    Every window ends with its frame's last sample. A window that begins before the signal is filled with the first
    sample.

    Parameters
    ----------
    signal
        (samples, channels); samples beyond the last whole frame are not used.

    Returns
    -------
    array, (samples // `windows.step`, channels x `FEATURES_PER_CHANNEL`) float32
        Channel by channel, in the order `Windows.describe` gives.
    """
    frames = len(signal) // windows.step
    if not frames:
        return np.empty((0, signal.shape[1] * FEATURES_PER_CHANNEL), np.float32)
    values = signal[: frames * windows.step].astype(np.float64)
    short, long = (_trailing(values, length, windows.step) for length in (windows.short, windows.long))
    half = windows.long // 2
    columns = [
        short.mean(axis=2),
        short.std(axis=2),
        short.min(axis=2),
        short.max(axis=2),
        np.abs(np.diff(short, axis=2)).mean(axis=2),
        long.mean(axis=2),
        long.std(axis=2),
        long[:, :, half:].mean(axis=2) - long[:, :, :half].mean(axis=2),
        *_band_energies(long, windows.rate),
    ]
    return np.stack(columns, axis=2).reshape(frames, -1).astype(np.float32)


def _trailing(values: np.ndarray, length: int, step: int) -> np.ndarray:
    """Return the last `length` samples at each frame's end, (frames, channels, length)."""
    before = np.repeat(values[:1], length - step, axis=0)
    return sliding_window_view(np.concatenate([before, values]), length, axis=0)[::step]


def _band_energies(long: np.ndarray, rate: float) -> list[np.ndarray]:
    """Return the log energy of each band, (frames, channels) each; a Hann window keeps the mean from leaking in."""
    length = long.shape[2]
    centred = long - long.mean(axis=2, keepdims=True)
    power = np.abs(np.fft.rfft(centred * np.hanning(length), axis=2)) ** 2 / length**2
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    return [
        np.log(power[:, :, (frequencies >= low) & (frequencies < high)].sum(axis=2) + ENERGY_FLOOR)
        for low, high in pairwise(BANDS)
    ]
