"""Names of folds: short enough for tables, and without a letter that a ledger, a tag or a path could take amiss."""

from __future__ import annotations

import re
from collections.abc import Iterable

FOLD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=+-]{0,39}")


def names_of_sets(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return a name for each data set of a list: the last part of its path, and its number where that names two, or none."""
    paths = (_path(one) for one in addresses)
    lasts = [re.sub(r"[^A-Za-z0-9_.=+-]+", "-", one.rpartition("/")[2]).lstrip("_.=+-") for one in paths]
    names = [last if FOLD_NAME.fullmatch(last) and lasts.count(last) == 1 else "" for last in lasts]
    return tuple(name or _numbered(number, names) for number, name in enumerate(names, 1))


def _path(address: str) -> str:
    """Return the path of an address: no part of a URI's user, password or query, in which there may be a secret."""
    scheme, separator, rest = address.partition("://")
    path = rest.rpartition("@")[2].partition("#")[0].partition("?")[0] if separator else scheme
    return path.rstrip("/")


def _numbered(number: int, names: list[str]) -> str:
    name = str(number)
    while name in names:
        name = f"{name}+"
    return name
