"""Timed-up-and-go with a smartphone and a smartwatch (Matey-Sanz, Casteleyn, Granell; Data in Brief 2023, 109809)."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.importers.base import Reporter, SilentReporter
from crescendo.trainables.data.importers.inertial import CHANNELS, FEATURES_PER_CHANNEL, Windows, inertial_features
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted

DEVICES = {"sp": "smartphone", "sw": "smartwatch"}
BACKGROUND_LABEL = "SEATED"
ACTIVITIES = ("STANDING_UP", "WALKING", "TURNING", "SITTING_DOWN")

# The shortest activities last about 0.6 s: 10 frames a second give them six. The sensors' 104 Hz come in bursts of
# equal time stamps, up to 0.19 s apart on the phone, so that finer frames would repeat each other.
RATE = 50
WINDOWS = Windows(rate=RATE, step=5, short=16, long=64)

# Drawn once from the 23 subjects, so that a part of the data set is split as the whole is.
TEST_SUBJECTS = frozenset({"s03", "s06", "s09", "s14", "s18", "s22"})
VALIDATION_SUBJECTS = frozenset({"s02", "s11", "s16", "s20"})

_FILE = re.compile(r"DATA/(s\d+)/\1_(\d+)_(sp|sw)\.csv")
_COLUMNS = ("x_acc", "y_acc", "z_acc", "x_gyro", "y_gyro", "z_gyro", "timestamp", "label")


@dataclass(frozen=True)
class Execution:
    """One execution on one device: times (samples,) in seconds from its first sample, signal (samples, 6), labels."""

    times: np.ndarray
    signal: np.ndarray
    labels: np.ndarray

    @property
    def duration(self) -> float:
        """Seconds from the first sample to one mean sample period after the last."""
        return float(self.times[-1]) * len(self.times) / max(1, len(self.times) - 1)


def import_tug(
    source: Path | str,
    destination: Path | str,
    *,
    device: Annotated[str, "sp (smartphone) or sw (smartwatch)."] = "sp",
    reporter: Reporter | None = None,
) -> Dataset:
    """Prepare one device's recordings of the timed-up-and-go set: frames at 10 a second with causal features.

    SEATED is background. `TEST_SUBJECTS` test and
    `VALIDATION_SUBJECTS` validate, so that no subject is in two subsets.

    Raises
    ------
    InputError
        If a raw file is missing, cut short or damaged, the device unknown, or `destination` exists.
    """
    reporter = reporter or SilentReporter()
    if device not in DEVICES:
        raise InputError(f"device must be one of {', '.join(DEVICES)} but got {device!r}")
    raw: dict[str, Execution] = {}
    recordings: dict[str, Recording] = {}
    with RawFiles(source, "DATA", "the timed-up-and-go data set (a folder DATA of sXX/sXX_YY_sp.csv)") as files:
        found = [match for match in map(_FILE.fullmatch, files.names) if match and match[3] == device]
        if not found:
            raise InputError(f"{source}: holds no DATA/sXX/sXX_YY_{device}.csv; get the data set again")
        _check_executions(files, found, device)
        for match in reporter.track(found, len(found), "reading signals"):
            one = _read(files, match[0])
            name = f"{match[1]}_{match[2]}_{device}"
            raw[name] = one
            extra = {"execution": int(match[2]), "device": device, "samples": len(one.times)}
            recordings[name] = Recording(_subset(match[1]), one.duration, _segments(one), extra, match[1])
    note = (
        f"subjects of test: {', '.join(sorted(TEST_SUBJECTS))}; of validation: "
        f"{', '.join(sorted(VALIDATION_SUBJECTS))}; of training: all others"
    )
    reporter.say(note)
    return write_dataset(
        destination,
        DatasetMetadata(
            name=f"tug-{device}",
            fps=WINDOWS.fps,
            features=f"{DEVICES[device]}: {WINDOWS.describe()}",
            source="Matey-Sanz, Casteleyn, Granell: inertial measurements for human activity recognition, 2023",
            licence="CC BY 4.0",
            notes=(note,),
        ),
        Annotations(recordings, groups_are="people"),
        frames={name: _frames(one) for name, one in raw.items()},
        features=(
            inertial_features(resample(one.times, one.signal, _frames(one) * WINDOWS.step), WINDOWS)
            for one in reporter.track(raw.values(), len(raw), "computing features")
        ),
        feature_dim=len(CHANNELS) * FEATURES_PER_CHANNEL,
        labels=ACTIVITIES,
    )


def resample(times: np.ndarray, signal: np.ndarray, cells: int) -> np.ndarray:
    """Return `signal` on an even grid of `RATE` Hz: each cell's mean, or the cell before where it has no sample.

    Cell k covers [k / `RATE`, (k + 1) / `RATE`) seconds, so it holds nothing later than its end. Interpolation, which
    looks at the next sample, would not be causal.

    Parameters
    ----------
    times
        (samples,) seconds, rising, the first 0; equal ones are allowed.
    signal
        (samples, channels).

    Returns
    -------
    array, (`cells`, channels) float64
    """
    # Stamps are whole milliseconds: rounding keeps a stamp on a cell's edge from slipping below it.
    cell = np.floor(np.round(times * RATE, 6)).astype(np.int64)
    inside = cell < cells
    counts = np.bincount(cell[inside], minlength=cells)
    sums = np.stack([np.bincount(cell[inside], channel[inside], minlength=cells) for channel in signal.T], axis=1)
    last = np.maximum.accumulate(np.where(counts > 0, np.arange(cells), 0))
    means: np.ndarray = sums[last] / counts[last, None]
    return means


def _subset(subject: str) -> str:
    if subject in TEST_SUBJECTS:
        return "test"
    return "validation" if subject in VALIDATION_SUBJECTS else "training"


def _frames(one: Execution) -> int:
    return int(one.duration * WINDOWS.fps)


def _check_executions(files: RawFiles, found: list[re.Match[str]], device: str) -> None:
    """Refuse a data set whose table of executions names a file that is not there."""
    table = "DATA/subjects_info.csv"
    if table not in files:
        return
    rows = _csv(files, table, ("subject_id", "executions"))
    for subject, executions in zip(rows["subject_id"], rows["executions"], strict=True):
        there = sum(match[1] == subject for match in found)
        if there != executions:
            raise InputError(
                f"{files.path}: subject {subject} has {counted(there, 'file')} of device {device}, but {table} says "
                f"{executions}; a raw file is missing: get the data set again"
            )


def _read(files: RawFiles, name: str) -> Execution:
    where = files.where(name)
    rows = _csv(files, name, _COLUMNS)
    numbers = rows.loc[:, list(_COLUMNS[:-1])].apply(pd.to_numeric, errors="coerce")
    bad = ~np.isfinite(numbers.to_numpy(np.float64)).all(axis=1) | rows["label"].isna().to_numpy()
    if bad.any():
        raise InputError(f"{where}: line {int(np.flatnonzero(bad)[0]) + 2} is cut short or holds no number")
    unknown = set(rows["label"]) - {BACKGROUND_LABEL, *ACTIVITIES}
    if unknown:
        raise InputError(
            f"{where}: unknown label {sorted(unknown)[0]!r}; expected {BACKGROUND_LABEL}, {', '.join(ACTIVITIES)}"
        )
    stamps = numbers["timestamp"].to_numpy(np.float64)
    if len(stamps) < 2 or (np.diff(stamps) < 0).any() or stamps[-1] - stamps[0] < 1000:
        raise InputError(f"{where}: time stamps must rise and span at least 1 s; the file is cut short or damaged")
    signal = numbers.loc[:, list(_COLUMNS[:6])].to_numpy(np.float64)
    return Execution((stamps - stamps[0]) / 1000, signal, rows["label"].to_numpy(object))


def _csv(files: RawFiles, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        rows = pd.read_csv(io.BytesIO(files.read_bytes(name)))
    except ValueError as error:
        raise InputError(f"{files.where(name)}: not a CSV table ({error}); get the data set again") from error
    missing = [column for column in columns if column not in rows]
    if missing or not len(rows):
        raise InputError(
            f"{files.where(name)}: lacks the column {missing[0]!r}" if missing else f"{files.where(name)}: empty"
        )
    return rows


def _segments(one: Execution) -> tuple[Segment, ...]:
    """Return the runs of each activity, from the time of its first sample to that of the next run's first."""
    starts = np.flatnonzero(np.r_[True, one.labels[1:] != one.labels[:-1]])
    bounds = [*one.times[starts].tolist(), one.duration]
    return tuple(
        Segment(str(one.labels[first]), start, end)
        for first, start, end in zip(starts, bounds[:-1], bounds[1:], strict=True)
        if one.labels[first] != BACKGROUND_LABEL
    )
