"""A trained detector in use, offline and live."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.detector.events import Ended
from crescendo.trainables.detector.folder import ALARM_HOURS, ModelMetadata, read_model, write_model
from crescendo.trainables.detector.step import RecurrentStep
from crescendo.trainables.detector.stream import Frame, Stream
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.calibration import Calibration, calibrations
from crescendo.trainables.evaluation.result_format import Detection, in_seconds
from crescendo.trainables.inference.decoding import decode
from crescendo.trainables.inference.scoring import Watch, score_recordings
from crescendo.trainables.models.base import DetectionModel
from crescendo.trainables.plurals import counted, rate_text


class Detector:
    """A trained model with all it needs to detect activities: labels, fps, reset, merge gap, alarm thresholds.

    >>> detector = Detector.load("models/hapt")
    >>> for detection in detector.detect(np.load("features.npy")):
    ...     print(detection.label, detection.start, detection.end, detection.score)
    >>> for event in detector.stream(frames):
    ...     print(event.kind, event.label, event.start, event.score)

    The spans that `stream` ends are the detections that `detect` returns, to the last bit. `detect_dataset` runs
    recordings side by side, as training does, and returns what the training run found; its scores may differ from the
    stream's in the last bits of float32, since products of many rows round differently.

    Attributes
    ----------
    metadata : ModelMetadata
    model : DetectionModel
        In evaluation mode, on the CPU.
    """

    def __init__(self, metadata: ModelMetadata, model: DetectionModel) -> None:
        self.metadata, self.model = metadata, model
        self._step = RecurrentStep(model, metadata.reset).eval()

    @classmethod
    def load(cls, folder: Path | str, *, allow_plugin: bool = False) -> Self:
        """Read a model folder, as `crescendo export` writes it; no code in it is run.

        A folder may name a model that does not come with Crescendo (`module:class`). `allow_plugin` lets its module be
        imported from where the program's own modules are, which runs it: allow it for people you trust.

        Raises
        ------
        InputError
            If it is incomplete, damaged or altered, or names a model that is not allowed.
        """
        return cls(*read_model(folder, allow_plugin=allow_plugin))

    def save(self, folder: Path | str) -> None:
        """Write a model folder; `InputError` if `folder` exists and is not empty."""
        write_model(folder, self.metadata, self.model)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, background first."""
        return tuple(self.metadata.labels)

    @property
    def step(self) -> RecurrentStep:
        """One frame of each of n recordings through the model, with its reset."""
        return self._step

    def thresholds(self, rate: str) -> dict[str, float]:
        """Return label -> the score so far at which its alarm is raised, for a rate of false alarms such as `1/h`.

        Raises
        ------
        InputError
            If the model knows no such rate.
        """
        if rate not in self.metadata.alarms:
            known = (
                ", ".join(self.metadata.alarms) or "none: export a run made by this version, from scores on validation"
            )
            raise InputError(f"alarm rate {rate}: the model has no thresholds for it; it has {known}")
        return self.metadata.alarms[rate]

    @property
    def calibrations(self) -> dict[str, Calibration]:
        """Rate of false alarms -> what its thresholds rest on; empty where the model does not say."""
        hours = self.metadata.training.get(ALARM_HOURS)
        return calibrations(self.metadata.alarms, hours) if isinstance(hours, float) and hours > 0 else {}

    def detect(self, frames: Iterable[ArrayLike | Frame]) -> list[Detection]:
        """Return the detections of one recording, by start and label.

        `frames` is (frames, features), or yields frames in order. They are read one at a time, so memory does not
        depend on their number.

        Raises
        ------
        InputError
            Naming the first frame that cannot be used; see `Stream.push`.
        """
        index = {label: number for number, label in enumerate(self.metadata.labels)}
        found = [event.detection for event in self.stream(frames) if isinstance(event, Ended)]
        return sorted(found, key=lambda one: (one.start, index[one.label]))

    def detect_dataset(self, dataset: Dataset, subset: str, watch: Watch | None = None) -> dict[str, list[Detection]]:
        """Return recording -> detections of a prepared data set, as the training run made them.

        `watch` is called now and then with the frames done and those in all.

        Raises
        ------
        InputError
            If the data set's frames are not what the model takes, or it has no such subset.
        """
        if (dataset.feature_dim, dataset.fps) != (self.metadata.features.dimension, self.metadata.fps):
            raise InputError(
                f"{dataset.path}: has {counted(dataset.feature_dim or 0, 'feature')} at {rate_text(dataset.fps)}, the model "
                f"takes {self.metadata.features.dimension} at {self.metadata.fps:g}; prepare it as the training data were"
            )
        scores = score_recordings(self.model, dataset, dataset.recordings(subset), self.metadata.reset, watch)
        return {recording: self._decoded(matrix) for recording, matrix in scores.items()}

    def stream(
        self,
        frames: Iterable[ArrayLike | Frame] = (),
        *,
        alarm: str | None = None,
        revise_every: float = 1.0,
    ) -> Stream:
        """Return an iterator over the events of `frames`; without `frames`, `push` them one by one.

        Parameters
        ----------
        alarm
            Rate of false alarms, such as `1/h`: spans whose score so far reaches their label's threshold raise an alarm.
        revise_every
            Seconds between two `Revised` events of a span that goes on; when a run is merged into it, one is given at
            once.

        Raises
        ------
        InputError
            If the model knows no such rate.
        """
        thresholds = None if alarm is None else self.thresholds(alarm)
        return Stream(self.metadata, self._step, frames, thresholds=thresholds, revise_every=revise_every)

    def _decoded(self, scores: np.ndarray) -> list[Detection]:
        return in_seconds(decode(scores, self.metadata.merge_gap), self.metadata.labels, self.metadata.fps)
