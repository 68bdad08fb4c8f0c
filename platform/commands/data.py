"""`crescendo data`: import, extract, synthesize, describe."""

from __future__ import annotations

from crescendo.platform.commands.lazy_group import LazyCommand, declared_group

_COMMANDS = "crescendo.platform.commands"
COMMANDS = {
    "extract": LazyCommand(
        f"{_COMMANDS}.extract:extract",
        "Videos to a prepared data set: frames by time stamp, through a network, on all CPUs and GPUs there are.",
    ),
    "synthesize": LazyCommand(
        f"{_COMMANDS}.synthesize:synthesize",
        "Make a synthetic data set: long activities of stages, early ones shared between classes. Or make videos.",
    ),
    "describe": LazyCommand(f"{_COMMANDS}.describe:describe", "Count what a prepared data set holds."),
    "import": LazyCommand(f"{_COMMANDS}.data_import:imports", "Turn a raw data set into a prepared one."),
}

data = declared_group("Prepare and describe data sets.", COMMANDS)
