"""Groups of commands that are imported only when they are asked for, so that help of the others comes at once."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from crescendo.platform.commands.options import CheckedCommand


@dataclass(frozen=True)
class LazyCommand:
    """A command before it is imported: `target` is its `module:attribute`, `help` the first paragraph of its help.

    The attribute is a function or a `typer.Typer`.
    """

    target: str
    help: str

    def load(self) -> Any:
        """Import the command's module and return the command."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)


class _LazyGroup(TyperGroup):
    """Lists its commands by their declared help and imports the one that runs."""

    listed: ClassVar[Mapping[str, str]]
    load: ClassVar[Callable[[str], Any]]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {name: TyperCommand(name, help=text) for name, text in self.listed.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the command itself where until now only its help stood."""
        name = args[0]
        found = None if name.startswith("-") else type(self).load(name)
        if found is not None:
            command = typer.main.get_command(found if isinstance(found, typer.Typer) else alone(found))
            command.name = name
            self.commands[name] = command
        return super().resolve_command(ctx, args)


def lazy_group(help_text: str, listed: Mapping[str, str], load: Callable[[str], Any]) -> typer.Typer:
    """Return the group of the commands of `listed`: name -> the first paragraph of its help.

    `load` is called with the name of the one command that is run; it returns a function or a `typer.Typer`, or None if
    there is no such command.
    """
    group = type("LazyGroup", (_LazyGroup,), {"listed": listed, "load": staticmethod(load)})
    app = typer.Typer(
        cls=group, help=help_text, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )
    app.callback()(_nothing)
    return app


def declared_group(help_text: str, commands: Mapping[str, LazyCommand]) -> typer.Typer:
    """Return the group of `commands`."""

    def load(name: str) -> Any:
        return commands[name].load() if name in commands else None

    return lazy_group(help_text, {name: command.help for name, command in commands.items()}, load)


def alone(function: Callable[..., None]) -> typer.Typer:
    """Return the application of one command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(cls=CheckedCommand)(function)
    return app


def _nothing() -> None:
    # Typer makes a group only of what has commands or a callback.
    pass
