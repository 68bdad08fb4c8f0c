"""Tables of named choices, and the user's own choices, named `module:attribute`."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from crescendo.trainables.errors import InputError

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Registry(Mapping[str, Entry], Generic[Entry]):
    """The choices of one setting: name -> entry, in the order in which they are listed to users.

    Attributes
    ----------
    key : str
        Name of the setting, for messages.
    entries : mapping
        The built-in entries.
    accept : callable
        Turns the object that `module:attribute` names into an entry; raises `ValueError`, with the broken rule, if it is
        not fit to be one.
    """

    key: str
    entries: Mapping[str, Entry]
    accept: Callable[[Any], Entry]

    def __getitem__(self, name: str) -> Entry:
        return self.entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def check(self, name: str) -> None:
        """Raise `InputError` unless `name` is a built-in name or has the form `module:attribute`; nothing is imported."""
        if name not in self.entries and not is_plugin(name):
            known = ", ".join(self.entries)
            raise InputError(f"{self.key}: must be one of {known}, or MODULE:ATTRIBUTE for your own, but got {name!r}")

    def resolve(self, name: str) -> Entry:
        """Return the entry called `name`, or the one that `module:attribute` names.

        Raises
        ------
        InputError
            If there is no such entry, or of `module:attribute` the module cannot be imported, lacks the attribute, or
            holds something else there than the setting takes.
        """
        self.check(name)
        if name in self.entries:
            return self.entries[name]
        try:
            return self.accept(load(self.key, name))
        except ValueError as error:
            raise InputError(f"{self.key}: {name}: {error}") from None


def is_plugin(name: str) -> bool:
    """Tell whether `name` has the form `module:attribute`; nothing is imported."""
    module, sign, attribute = name.partition(":")
    return bool(sign) and attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))


def look_in(folder: str | Path) -> None:
    """Add `folder` to the end of the import path, where none of its files can take the place of an installed module."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()


def check_no_plugin(settings: Mapping[str, Any], source: str) -> None:
    """Refuse settings that name code of somebody's own (`module:attribute`), which would run when they are used.

    Raises
    ------
    InputError
        If a setting does; the message names `source` and the setting.
    """
    for key, value in settings.items():
        if isinstance(value, str) and is_plugin(value):
            raise InputError(
                f"{source}: {key}: names {value}, code that does not come with Crescendo and that opening this would run; "
                "if you trust it, pass --allow-plugin (in Python allow_plugin=True)"
            )


def blame(error: Exception) -> str:
    """Return in one line what the user's own code raised, and in which file and line, to be shown instead of a traceback.

    `error` must have been caught where that code is called. If already the call failed, as with wrong arguments, no file
    is named.
    """
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f"; {own[-1].filename}, line {own[-1].lineno}" if own else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def load(key: str, reference: str) -> Any:
    """Return the object that `reference`, `module:attribute`, names.

    Raises
    ------
    InputError
        If the module cannot be imported or lacks the attribute; the message names the setting `key`.
    """
    module_name, _, attribute = reference.partition(":")
    look_in(Path.cwd())
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever somebody's own module raises
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(
            f"{key}: {reference}: the module {module_name} cannot be imported ({reason}); it must lie in the working "
            "folder, on PYTHONPATH, or be installed"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise InputError(
            f"{key}: {reference}: the module {module_name} ({getattr(module, '__file__', 'no file')}) has no {attribute}"
        ) from None
