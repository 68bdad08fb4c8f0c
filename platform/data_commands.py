"""`crescendo data`: import, synthesize, describe."""

import typer

data = typer.Typer(no_args_is_help=True, help="Prepare and describe data sets.")
