"""Where a study's runs are: addresses of MLflow stores, and the one that a study's folder remembers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from crescendo.trainables.errors import InputError
from crescendo.trainables.files import read_json
from crescendo.trainables.reading import check_plain, expecting, mapping

_SQLITE = b"SQLite format 3\0"

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
    with expecting("the address of a study's store", file, "name the store with --tracking-uri"):
        uri = mapping(read_json(file))["uri"]
        if not isinstance(uri, str | None):
            raise TypeError(f"the address is {uri!r:.40}")
    return uri


def check_store(uri: str, source: object) -> None:
    """Raise `InputError` unless `uri` is the address of a store; a file must be there and be one. `source` is of whom."""
    check_address(uri)
    file = sqlite_file(uri)
    if file is not None:
        if not file.exists():  # MLflow would make an empty one
            raise InputError(f"{source}: there is no MLflow store {file}; has the study begun?")
        check_sqlite(file)


def check_sqlite(file: Path) -> None:
    """Raise `InputError` unless `file` is an SQLite database, whatever is in it."""
    check_plain(file)
    with file.open("rb") as store:
        if store.read(len(_SQLITE)) != _SQLITE:
            raise InputError(f"{file}: is no SQLite database, as the stores of studies are; restore it from a copy")


def store_of(output: Path) -> str:
    """Return the address of the store that holds the runs of the study in `output`; `InputError` if none was tracked."""
    return remembered_address(output) or local_store(output)
