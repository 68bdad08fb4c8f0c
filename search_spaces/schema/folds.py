"""The key `folds` of a study file, and what the folds of a list of data sets are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from crescendo.search_spaces.schema.values import Section

FOLD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=+-]{0,39}")


class FoldCount(Section):
    """Folds that are made of the recordings there are: each part is tested once."""

    count: int = Field(
        ge=3, le=1000, description="parts: each fold tests one, validates on the next, trains on the rest"
    )
    by: Literal["group", "recording"] = Field(
        default="group", description="what is never cut: a group of recordings (a person, a session), or a recording"
    )


def _dividing(folds: Any) -> Any:
    if folds is not None and folds != "own" and not isinstance(folds, FoldCount | Mapping | tuple):
        raise ValueError(f"must be own, {{count: 5, by: group}} or a list of prepared data sets but got {folds!r:.80}")
    return folds


def _several(folds: tuple[str, ...]) -> tuple[str, ...]:
    if len(folds) < 2 or len(set(folds)) < len(folds):
        raise ValueError(f"must be two or more different prepared data sets but got {list(folds)!s:.80}")
    return folds


_DataSets = Annotated[tuple[str, ...], Field(max_length=1000), AfterValidator(_several)]
Folds = Annotated[
    Annotated[FoldCount, Tag("parts")]
    | Annotated[_DataSets, Tag("sets")]
    | Annotated[Literal["own"], Tag("own")]
    | Annotated[None, Tag("none")],
    Discriminator(
        lambda value: (
            "none" if value is None else "own" if value == "own" else "sets" if isinstance(value, tuple) else "parts"
        )
    ),
    BeforeValidator(_dividing),
]


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
