"""Trained detectors in use: the model folder, offline and live detection, export to other runtimes."""

from .detector import Detector
from .events import Alarm, Begun, Ended, Event, Revised
from .stream import Frame, Stream

__all__ = ["Alarm", "Begun", "Detector", "Ended", "Event", "Frame", "Revised", "Stream"]
