"""The command `crescendo`."""

from __future__ import annotations

from crescendo.platform.commands.lazy_group import LazyCommand, declared_group
from crescendo.platform.console import guarded

_COMMANDS = "crescendo.platform.commands"
COMMANDS = {
    "train": LazyCommand(
        f"{_COMMANDS}.train:train",
        "Train one detector: validation mAP as it goes; frame scores, detections and metrics at the end.",
    ),
    "evaluate": LazyCommand(
        f"{_COMMANDS}.evaluate:evaluate",
        "Score detections (mAP at each IoU threshold, AP of each label), frame labels (segmental), or a run while it watches.",
    ),
    "export": LazyCommand(
        f"{_COMMANDS}.export:export",
        "Export a trained detector: weights, labels, frame rate, features, reset, merge gap and alarm thresholds.",
    ),
    "detect": LazyCommand(
        f"{_COMMANDS}.detect:detect",
        "Detect activities: detections in ActivityNet's result format, or live events as they happen.",
    ),
    "sweep": LazyCommand(
        f"{_COMMANDS}.sweep:sweep",
        "Run a study: every arm searched with the same budget, its best setting confirmed with fresh seeds.",
    ),
    "report": LazyCommand(
        f"{_COMMANDS}.report:report",
        "Turn a study's runs into tables, figures and one page; several studies on the same data set are compared.",
    ),
    "ui": LazyCommand(
        f"{_COMMANDS}.tracking:ui",
        "Show a study's runs in MLflow's user interface, on this machine only; Ctrl-C ends it.",
    ),
    "sync": LazyCommand(
        f"{_COMMANDS}.tracking:sync",
        "Tell an MLflow server what it has not been told of a study: after it was down, or because it is another one.",
    ),
    "data": LazyCommand(f"{_COMMANDS}.data:data", "Prepare and describe data sets."),
    "study": LazyCommand(f"{_COMMANDS}.study:study", "Look at studies, and check them before they run."),
}

app = declared_group(
    "Does a ranking loss on activity progression detect activities better and earlier, on your data?", COMMANDS
)


def main() -> None:
    """Run the command line."""
    guarded(lambda: app(standalone_mode=False))
