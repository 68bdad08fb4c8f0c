"""UCI HAPT: "Smartphone-Based Recognition of Human Activities and Postural Transitions", raw part."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.importers.base import Reporter, SilentReporter
from crescendo.trainables.data.importers.inertial import CHANNELS, FEATURES_PER_CHANNEL, Windows, inertial_features
from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted

RATE = 50
# 6.25 frames a second is close to the paper's 6, so its sequence length, BPTT and merge gap carry over.
WINDOWS = Windows(rate=RATE, step=8, short=32, long=128)
# Of the official training users, in rising order, the third and every fourth after it: 5 of 21.
VALIDATION_USERS = slice(2, None, 4)

_ACC = re.compile(r"RawData/acc_exp(\d+)_user(\d+)\.txt")


@dataclass(frozen=True)
class Experiment:
    """One experiment: its user and its signal, (samples, 6) float32 at 50 Hz: accelerometer (g), gyroscope (rad/s)."""

    user: int
    signal: np.ndarray


def import_hapt(source: Path | str, destination: Path | str, *, reporter: Reporter | None = None) -> Dataset:
    """Prepare HAPT: frames at 6.25 a second with causal features of the six channels.

    The official user split is kept; validation users are taken from the training users.

    Raises
    ------
    InputError
        If a raw file is missing, cut short or damaged, a label lies beyond its signal, or `destination` exists.
    """
    reporter = reporter or SilentReporter()
    with RawFiles(source, "RawData/labels.txt", "UCI's HAPT data set") as files:
        subsets = _user_subsets(files)
        names = _activity_names(files)
        raw = _recordings(files, reporter)
        segments = _segments(files, raw, names)
    unknown = sorted({one.user for one in raw.values()} - set(subsets))
    if unknown:
        raise InputError(
            f"{source}: user {unknown[0]} is in neither Train/subject_id_train.txt nor Test/subject_id_test.txt"
        )
    recordings = {
        f"exp{experiment:02d}_user{one.user:02d}": Recording(
            subsets[one.user],
            len(one.signal) / RATE,
            tuple(segments[experiment]),
            {"samples": len(one.signal)},
            f"user {one.user}",
        )
        for experiment, one in raw.items()
    }
    validation = sorted(user for user, subset in subsets.items() if subset == "validation")
    note = f"validation users, taken from the official training users: {', '.join(map(str, validation))}"
    reporter.say(note)
    signals = [one.signal for one in raw.values()]
    return write_dataset(
        destination,
        DatasetMetadata(
            name="hapt",
            fps=WINDOWS.fps,
            features=WINDOWS.describe(),
            source="UCI: Smartphone-Based Recognition of Human Activities and Postural Transitions, raw data",
            licence="no commercial use (the data set's README); UCI's page lists CC BY 4.0",
            notes=(note,),
        ),
        Annotations(recordings, groups_are="people"),
        frames={name: len(signal) // WINDOWS.step for name, signal in zip(recordings, signals, strict=True)},
        features=(
            inertial_features(signal, WINDOWS) for signal in reporter.track(signals, len(signals), "computing features")
        ),
        feature_dim=len(CHANNELS) * FEATURES_PER_CHANNEL,
        labels=[names[number] for number in sorted(names)],
    )


def _user_subsets(files: RawFiles) -> dict[int, str]:
    users = {}
    for subset, name in (("training", "Train/subject_id_train.txt"), ("test", "Test/subject_id_test.txt")):
        users[subset] = sorted({row[0] for row in _integer_rows(files, name, 1)})
    both = set(users["training"]) & set(users["test"])
    if both:
        raise InputError(f"{files.path}: user {min(both)} is in the training and in the test part")
    validation = users["training"][VALIDATION_USERS]
    return {user: "validation" if user in validation else subset for subset in users for user in users[subset]}


def _activity_names(files: RawFiles) -> dict[int, str]:
    names = {}
    for number, line in enumerate(files.read_text("activity_labels.txt").splitlines(), 1):
        parts = line.split()
        if parts:
            if len(parts) != 2 or not parts[0].isdigit():
                raise InputError(
                    f"{files.where('activity_labels.txt')}: line {number} is {line!r:.80}; expected number, name"
                )
            names[int(parts[0])] = parts[1]
    return names


def _recordings(files: RawFiles, reporter: Reporter) -> dict[int, Experiment]:
    """Return experiment -> recording, by rising number."""
    found = {int(match[1]): match for match in map(_ACC.fullmatch, files.names) if match}
    recordings = {}
    for experiment in reporter.track(sorted(found), len(found), "reading signals"):
        match = found[experiment]
        acc = _signal(files, match[0])
        gyro = _signal(files, f"RawData/gyro_exp{match[1]}_user{match[2]}.txt")
        if len(acc) != len(gyro):
            raise InputError(
                f"{files.where(match[0])}: has {counted(len(acc), 'sample')}, its gyroscope file {len(gyro)}; one of them is cut "
                "short: get the data set again"
            )
        recordings[experiment] = Experiment(int(match[2]), np.hstack([acc, gyro]))
    return recordings


def _signal(files: RawFiles, name: str) -> np.ndarray:
    """Return a raw file's samples, (samples, 3) float32."""
    content = files.read_bytes(name)
    try:
        signal = np.loadtxt(io.BytesIO(content), dtype=np.float32, ndmin=2) if content.strip() else np.empty((0, 3))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{files.where(name)}: expected three numbers a line ({error}); get the data set again"
        ) from error
    if not len(signal) or signal.shape[1] != 3 or not content.endswith(b"\n"):
        raise InputError(f"{files.where(name)}: cut short, or not three numbers a line; get the data set again")
    if not np.isfinite(signal).all():
        line = int(np.flatnonzero(~np.isfinite(signal).all(axis=1))[0]) + 1
        raise InputError(f"{files.where(name)}: line {line} holds NaN or infinity; get the data set again")
    return signal


def _segments(files: RawFiles, raw: dict[int, Experiment], names: dict[int, str]) -> dict[int, list[Segment]]:
    """Return experiment -> segments in file order; the file counts samples from 1 and includes the last."""
    segments: dict[int, list[Segment]] = {experiment: [] for experiment in raw}
    where = files.where("RawData/labels.txt")
    for line, row in enumerate(_integer_rows(files, "RawData/labels.txt", 5), 1):
        experiment, user, activity, first, last = row
        if experiment not in raw or raw[experiment].user != user:
            raise InputError(
                f"{where}: line {line} names experiment {experiment} of user {user}, but "
                f"RawData/acc_exp{experiment:02d}_user{user:02d}.txt is missing; get the data set again"
            )
        samples = len(raw[experiment].signal)
        if not 1 <= first <= last <= samples:
            raise InputError(
                f"{where}: line {line} labels samples {first} to {last} of experiment {experiment}, whose signal has "
                f"samples 1 to {samples}; a raw file is cut short or the label is wrong"
            )
        if activity not in names:
            raise InputError(f"{where}: line {line} has activity {activity}; activity_labels.txt names {sorted(names)}")
        segments[experiment].append(Segment(names[activity], (first - 1) / RATE, last / RATE))
    return segments


def _integer_rows(files: RawFiles, name: str, columns: int) -> Iterator[list[int]]:
    for number, line in enumerate(files.read_text(name).splitlines(), 1):
        try:
            row = [int(part) for part in line.split()]
        except ValueError:
            row = []
        if len(row) != columns:
            raise InputError(f"{files.where(name)}: line {number} is {line!r:.80}; expected {columns} whole number(s)")
        yield row
