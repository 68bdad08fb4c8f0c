"""Where a study's runs are: addresses of MLflow stores, and the one that a study's folder remembers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from crescendo.trainables.errors import InputError
from crescendo.trainables.files import read_json

REMEMBERED = "destination.json"
"""File below `tracking/` of a study's folder: `{"uri": ...}`, null for the store beside it."""


def check_address(uri: str) -> None:
    """Raise `InputError` if `uri` is no address of a store that MLflow takes; nothing is asked of the store."""
    if urlsplit(uri).scheme in ("", "file"):
        raise InputError(
            f"--tracking-uri {uri}: MLflow keeps runs in a database or on a server; "
            "write http://HOST:PORT or sqlite:///FILE.db, or leave it out for a store beside the results"
        )


def shown_address(uri: str) -> str:
    """Return `uri` as it is shown and kept: without user and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else uri


def local_store(output: Path) -> str:
    """Return the address of the store beside a study's results."""
    return f"sqlite:///{output.absolute() / 'mlflow.db'}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for any other address."""
    parts = urlsplit(uri)
    return Path(unquote(parts.path.removeprefix("/"))) if parts.scheme == "sqlite" else None


def remembered_address(output: Path) -> str | None:
    """Return the address that the study in `output` was last written to, without its password; None: the local store.

    Raises
    ------
    InputError
        If no study was tracked there.
    """
    file = output / "tracking" / REMEMBERED
    if not file.is_file():
        raise InputError(f"{output}: no study was tracked here; name the output folder of a sweep")
    uri = read_json(file)["uri"]
    return None if uri is None else str(uri)


def store_of(output: Path) -> str:
    """Return the address of the store that holds the runs of the study in `output`; `InputError` if none was tracked."""
    return remembered_address(output) or local_store(output)
