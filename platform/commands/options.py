"""Options that several commands share, and what holds for the options of all."""

from __future__ import annotations

import math
import os
from collections import Counter
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from crescendo.trainables.errors import InputError

AllowPlugin = Annotated[
    bool,
    typer.Option(
        "--allow-plugin",
        help="Import and run code that does not come with Crescendo, where what is opened names some. For people you trust.",
    ),
]


class CheckedCommand(TyperCommand):
    """A command whose options of one value are given once, whose numbers are finite and whose words are text."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the command line; `InputError` naming an option that takes one value and was given several."""
        _, _, met = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, times in Counter(met).items():
            if times > 1 and isinstance(parameter, TyperOption) and not (parameter.multiple or parameter.is_flag):
                raise InputError(f"{_named(parameter)}: is given {times} times but takes one value; give it once")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; `InputError` naming the option whose value nothing can be done with."""
        for parameter in self.params:
            given = ctx.params.get(parameter.name)
            for value in given if isinstance(given, list | tuple) else [given]:
                if (fault := _fault(value)) is not None:
                    raise InputError(f"{_named(parameter)}: {fault}")
        return super().invoke(ctx)


def _fault(value: object) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number but got {value}"
    if isinstance(value, str) and not _is_text(value) and not os.path.lexists(value):
        return f"must be text in UTF-8 but got {value!a}"
    return None


def _is_text(value: str) -> bool:
    """Tell whether `value` can be written; bytes that are no UTF-8 arrive as halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _named(parameter: Any) -> str:
    return str(parameter.opts[0] if parameter.param_type_name == "option" else parameter.human_readable_name)
