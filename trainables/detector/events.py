"""Events of live detection: activities that begin, change and end, and alarms."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from crescendo.trainables.evaluation.result_format import Detection


@dataclass(frozen=True)
class Event:
    """News of one span, known once the frame that ends at `time` has been seen.

    A span is known by its label and start. Times are in seconds: of the recording, or of the frames' own time stamps
    where they have some. `end` is that of the last frame of the label so far; `score` the mean score of the label over
    the span so far, filled gaps included (protocol section 3).
    """

    kind: ClassVar[str]

    label: str
    start: float
    end: float
    score: float
    time: float

    def to_json(self) -> dict[str, Any]:
        """Return the event as a JSON-able object, its kind under `event`."""
        return {"event": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Begun(Event):
    """An activity begins: the frame's argmax is its label, and no span of the label is open."""

    kind: ClassVar[str] = "begun"


@dataclass(frozen=True)
class Revised(Event):
    """A span grew: a later run was merged into it within the merge gap, or it went on for `revise_every` seconds."""

    kind: ClassVar[str] = "revised"


@dataclass(frozen=True)
class Alarm(Event):
    """A span's score so far reached `threshold`, that of its label, for the first time.

    The alarm stays up until the span's end.
    """

    kind: ClassVar[str] = "alarm"

    threshold: float


@dataclass(frozen=True)
class Ended(Event):
    """A span is closed for good: its merge gap has passed, or the stream ended. This is a detection, final."""

    kind: ClassVar[str] = "ended"

    @property
    def detection(self) -> Detection:
        """The detection, as offline decoding gives it."""
        return Detection(self.label, self.start, self.end, self.score)
