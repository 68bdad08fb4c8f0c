"""Trained detectors in use: the model folder, offline and live detection, export to other runtimes."""

from crescendo.trainables.detector.detector import Detector
from crescendo.trainables.detector.events import Alarm, Begun, Ended, Event, Revised
from crescendo.trainables.detector.stream import Frame, Stream

__all__ = ["Alarm", "Begun", "Detector", "Ended", "Event", "Frame", "Revised", "Stream"]
