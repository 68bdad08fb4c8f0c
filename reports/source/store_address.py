"""Where a study's runs are: addresses of MLflow stores, and the one that a study's folder remembers."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.addresses import hidden, parts_of, shown_address
from crescendo.trainables.storage.files import check_file
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.storage.reading import check_plain, expecting, mapping

_SQLITE = b"SQLite format 3\0"

STORE_FILE, ARTIFACT_FOLDER = "mlflow.db", "mlartifacts"
"""What a study without another store keeps its runs in, below its folder."""

REMEMBERED = "destination.json"
"""File below `tracking/` of a study's folder (`remembered`)."""

_SERVERS = ("http", "https")
_DATABASES = ("postgresql", "mysql", "mssql", "sqlite")
_FORMS = "write http://HOST:PORT or sqlite:///FILE.db, or leave it out for a store beside the results"
# In the address of an SQLite file these mean something else, and MLflow does not read them back alike everywhere.
_NOT_IN_A_PATH = "%?#"


def check_address(uri: str) -> None:
    """Raise `InputError` if `uri` is no address of a store that MLflow takes here; nothing is asked of the store."""
    fault = _fault(uri)
    if fault:
        raise InputError(f"--tracking-uri {shown_address(uri)}: {fault}")


def _fault(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # Where there is a password, what is wrong may be a part of it.
        why = "; in a password / ? # @ are written %2F %3F %23 %40" if "@" in uri else f" ({error})"
        return f"is no address{why}; {_FORMS}"
    kind = parts.scheme.partition("+")[0]
    if re.fullmatch(r"[\w.-]+:\d+(/.*)?", uri):
        return f"lacks the scheme; write http://{uri}"
    if kind in _SERVERS:
        return None if host and (port is None or port > 0) and not re.search(r"\s", uri) else f"names no host; {_FORMS}"
    if kind not in _DATABASES:
        return f"MLflow keeps runs in a database or on a server; {_FORMS}"
    if kind == "sqlite" and _in_memory(uri):
        return "names no file, so nothing would be kept; write sqlite:///FILE.db"
    return None if parts.scheme == "sqlite" else _lacking_driver(uri)


def _in_memory(uri: str) -> bool:
    name = uri.partition(":")[2].removeprefix("///").partition("?")[0]
    return not uri.partition(":")[2].startswith("///") or name in ("", ":memory:") or name.startswith("file:")


def _lacking_driver(uri: str) -> str | None:
    # Only a database needs it, and it takes a while.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except ImportError as error:
        return f"needs a Python package that is not installed ({error.name}); install it with pip"
    except (SQLAlchemyError, ValueError) as error:
        return f"is no address of a database ({hidden(str(error).splitlines()[0], uri)}); {_FORMS}"
    return None


def local_store(output: Path) -> str:
    """Return the address of the store beside a study's results.

    Raises
    ------
    InputError
        If the folder's path holds a character that an address cannot.
    """
    path = str(output.absolute())
    wrong = next((letter for letter in path if letter in _NOT_IN_A_PATH), None)
    if wrong is not None:
        raise InputError(
            f"{output}: a store of runs cannot lie below a folder with {wrong!r} in its name; "
            "choose another one, or keep the runs elsewhere with --tracking-uri"
        )
    return f"sqlite:///{path}/{STORE_FILE}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for any other address."""
    scheme, _, rest = parts_of(uri)
    return Path(unquote(rest.partition("?")[0].removeprefix("/"))) if scheme.startswith("sqlite") else None


def absolute_address(uri: str) -> str:
    """Return `uri`, an SQLite store's with the whole path of its file, so that it is the same in any working folder.

    Raises
    ------
    InputError
        As `check_address` does; or if the working folder is one that `local_store` refuses.
    """
    check_address(uri)
    file = sqlite_file(uri)
    if file is None or file.is_absolute():
        return uri
    return local_store(Path.cwd()).removesuffix(STORE_FILE) + uri.partition(":///")[2]


def remembered(output: Path) -> dict[str, Any]:
    """Return what the folder remembers: `uri`, null for the store beside it; whether it is `whole`, and it `worked`.

    It is not whole where it had a user, a password or a query, which are not kept.

    Raises
    ------
    InputError
        If no study was tracked there.
    """
    file = output / "tracking" / REMEMBERED
    if not file.is_file():
        raise InputError(f"{output}: no study was tracked here; name the output folder of a sweep")
    with expecting("the address of a study's store", file, "name the store with --tracking-uri"):
        content = {"whole": True, "worked": True, **mapping(read_json(file))}
        if not isinstance(content["uri"], str | None):
            raise TypeError(f"the address is {content['uri']!r:.40}")
    return content


def remembered_address(output: Path) -> str | None:
    """Return the address that the study in `output` was last written to; None: the local store.

    Raises
    ------
    InputError
        If no study was tracked there, or its address had a password, which is not kept.
    """
    kept = remembered(output)
    uri: str | None = kept["uri"]
    if kept["whole"] or (str(uri).startswith(_SERVERS) and os.environ.get("MLFLOW_TRACKING_USERNAME")):
        return uri
    raise InputError(
        f"{output}: its runs are at {uri}, whose user, password or query is not kept; give the whole address with "
        "--tracking-uri or MLFLOW_TRACKING_URI, or for a server MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    )


def check_store(uri: str, source: object) -> None:
    """Raise `InputError` unless `uri` is the address of a store; a file must be there and be one. `source` is of whom."""
    check_address(uri)
    file = sqlite_file(uri)
    if file is not None:
        if not file.exists():  # MLflow would make an empty one
            raise InputError(f"{source}: there is no MLflow store {file}; has the study begun?")
        check_sqlite(file)


def check_writable(uri: str) -> None:
    """Raise `InputError` if `uri` is an SQLite store's and its file can be neither made nor written; nothing is left."""
    file = sqlite_file(uri)
    if file is None:
        return
    check_file(file)
    if file.exists():
        if file.stat().st_size:  # of nothing SQLite makes a database
            check_sqlite(file)
        if not os.access(file, os.W_OK):
            raise InputError(f"{file}: cannot be written ({os.strerror(errno.EACCES)}); choose another place")


def check_sqlite(file: Path) -> None:
    """Raise `InputError` unless `file` is an SQLite database, whatever is in it."""
    check_plain(file)
    with file.open("rb") as store:
        if store.read(len(_SQLITE)) != _SQLITE:
            raise InputError(f"{file}: is no SQLite database, as the stores of studies are; restore it from a copy")


def store_of(output: Path) -> str:
    """Return the address of the store that holds the runs of the study in `output`; `InputError` if none was tracked."""
    return remembered_address(output) or local_store(output)
