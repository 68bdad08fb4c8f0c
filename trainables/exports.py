"""What a room offers to whoever writes `from crescendo.ROOM import NAME`: found when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def exports(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of `package` that imports each name of `homes` from its module at first use.

    Every import of a module runs the `__init__` of the packages above it: importing torch there would slow down each
    command.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    return find
