"""Settings as people give them: a shipped configuration, a file of their own, `--set key=value`."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import user_path
from crescendo.trainables.storage.reading import read_text
from crescendo.trainables.storage.yaml_values import LARGEST, yaml_value

AUTO = "auto"
"""The configuration that a data set's figures make (`auto_config`); no file."""


def shipped_names() -> tuple[str, ...]:
    """Return the names of the configurations that ship with Crescendo."""
    return tuple(sorted(file.name[:-5] for file in _folder().iterdir() if file.name.endswith(".yaml")))


def read_settings(name_or_file: str) -> dict[str, Any]:
    """Return the settings of a shipped configuration, by name, or of a YAML file; they are not yet validated.

    Raises
    ------
    InputError
        If it is neither, or not a YAML mapping.
    """
    shipped = name_or_file in shipped_names()
    path = Path(str(_folder() / f"{name_or_file}.yaml")) if shipped else user_path(name_or_file)
    if not shipped and not os.path.lexists(path):
        raise InputError(
            f"{name_or_file}: neither a file nor a shipped configuration ({', '.join(shipped_names())}), nor {AUTO}"
        )
    content = yaml_value(read_text(path, LARGEST), name_or_file)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{name_or_file}: must be a mapping of keys to values but is a {type(content).__name__}")
    return content


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """Return the settings of `--set key=value` options; values are read as YAML (`0.5`, `true`, `[0.1, 0.5]`)."""
    settings = {}
    for assignment in assignments:
        key, sign, value = assignment.partition("=")
        if not sign or not key.strip():
            raise InputError(f"--set {assignment:.80}: expected key=value")
        settings[key.strip()] = yaml_value(value, f"--set {assignment:.80}")
    return settings


def _folder() -> Any:
    return files("crescendo.trainables.configs")
