"""`crescendo data import`: the importers of the table, and anyone's own; their parameters are the options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, get_args, get_origin

import typer
from rich.markup import escape

from crescendo.platform.commands.data_display import Heard, print_summary, terminal
from crescendo.platform.commands.description import print_description
from crescendo.platform.commands.lazy_group import lazy_group
from crescendo.platform.commands.options import CheckedCommand
from crescendo.platform.terminal_text import say
from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.describe import describe
from crescendo.trainables.data.importers.base import IMPORTERS, Importer, find_importer
from crescendo.trainables.errors import InputError
from crescendo.trainables.registry import blame, is_plugin
from crescendo.trainables.storage.files import check_new_folder

SOURCE = "The zip as downloaded, or the folder it unpacks to."
DESTINATION = "Folder to make; it must not exist."
DRY_RUN = "Check and describe everything, and write nothing there."


def import_command(name: str) -> typer.Typer:
    """Return the command that runs the importer called `name`, or the one that `module:function` names.

    Raises
    ------
    InputError
        If there is no such importer, or its parameters cannot be those of a command.
    """
    importer = find_importer(name)

    def command(source: Path, destination: Path, dry_run: bool, **options: Any) -> None:
        with ExitStack() as stack:
            with terminal() as screen:
                reporter = Heard(screen)
                told = {"reporter": reporter} if "reporter" in inspect.signature(importer).parameters else {}
                check_new_folder(destination)
                folder = destination
                if dry_run:
                    folder = Path(stack.enter_context(TemporaryDirectory(prefix="crescendo-"))) / destination.name
                made = _run(name, importer, source, folder, {**options, **told})
                if not dry_run:  # which shows them all
                    reporter.say_the_rest(note for dataset in made for note in dataset.metadata.notes)
            for dataset in made:
                if dry_run:
                    print_description({**describe(dataset), "path": destination / dataset.path.relative_to(folder)})
                else:
                    print_summary(dataset)
        if dry_run:
            say(f"dry run: nothing was written to {destination}")

    command.__annotations__ = {}
    app = typer.Typer(add_completion=False)
    app.command(cls=CheckedCommand, help=escape(IMPORTERS.resolve(name).description))(command)
    try:
        parameters = inspect.signature(importer, eval_str=True).parameters
        # What Typer reads; it raises RuntimeError where it has no option for a type.
        command.__signature__ = inspect.Signature(list(_shown(list(parameters.values()))))  # type: ignore[attr-defined]
        typer.main.get_command(app)
    except (ValueError, NameError, TypeError, RuntimeError) as error:
        raise InputError(f"{IMPORTERS.key}: {name}: its parameters cannot be read ({error})") from None
    return app


def _shown(parameters: list[inspect.Parameter]) -> Iterator[inspect.Parameter]:
    """Yield an importer's parameters as Typer wants them."""
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2:
        raise ValueError("it must take the source and the destination first")
    for parameter, key, text in zip(positional, ("source", "destination"), (SOURCE, DESTINATION), strict=False):
        help_text = _text(parameter.annotation) or text
        kind = Annotated[Path, typer.Argument(help=help_text)]
        yield inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
    for parameter in parameters:
        if parameter not in positional[:2] and parameter.name != "reporter":
            if parameter.name in ("source", "destination", "dry_run"):
                raise ValueError(
                    f"{parameter.name} is a parameter of the command itself; name the importer's otherwise"
                )
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=_option(parameter))
    rehearse = Annotated[bool, typer.Option("--dry-run", help=DRY_RUN)]
    yield inspect.Parameter("dry_run", inspect.Parameter.KEYWORD_ONLY, annotation=rehearse, default=False)


def _option(parameter: inspect.Parameter) -> Any:
    """Return the annotation that makes `parameter` an option; a flag that is off has no `--no-...` beside it."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise ValueError(f"{parameter} has no options of its own; name them one by one")
    given = parameter.annotation
    kind = get_args(given)[0] if get_origin(given) is Annotated else given
    names = [f"--{parameter.name.replace('_', '-')}"] if kind is bool and parameter.default is False else []
    return Annotated[str if kind is parameter.empty else kind, typer.Option(*names, help=_text(given))]


def _text(annotation: Any) -> str | None:
    texts = [one for one in get_args(annotation)[1:] if isinstance(one, str)]
    return escape(texts[0]) if get_origin(annotation) is Annotated and texts else None


def _run(name: str, importer: Importer, source: Path, destination: Path, options: dict[str, Any]) -> Sequence[Dataset]:
    try:
        made = importer(source, destination, **options)
    except InputError:
        raise
    except Exception as error:
        if not is_plugin(name):
            raise
        raise InputError(f"{IMPORTERS.key}: {name} failed ({blame(error)})") from error
    several = made if isinstance(made, tuple) else (made,)
    if not several or not all(isinstance(one, Dataset) for one in several):
        raise InputError(
            f"{IMPORTERS.key}: {name} must return the Dataset that write_dataset makes but returned {made!r:.80}"
        )
    return several


imports = lazy_group(
    "Turn a raw data set into a prepared one.\n\nMODULE:FUNCTION in place of a name is an importer of your own.",
    {name: spec.description for name, spec in IMPORTERS.items()},
    import_command,
)
