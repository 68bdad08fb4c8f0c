"""Every schema error of a study at once, and the study without the entries that have them."""

from __future__ import annotations

import copy
import difflib
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from crescendo.search_spaces.problems import Path, Problem
from crescendo.search_spaces.schema.phases import Block
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.study import Study, with_dataset

_PLACEHOLDERS = {"name": "study", "dataset": "synthetic"}


def salvage(schema: type[Study], content: Mapping[str, Any]) -> tuple[Study | None, list[Problem]]:
    """Return the study without the entries that break the schema, and one problem for each of those.

    The rest of the study can then be checked too, so that every error is shown at once. The study is None if nothing
    usable is left.
    """
    # Folds that are left out must not leave the data set out with them.
    rest: Any = copy.deepcopy(dict(with_dataset(content)))
    found: list[Problem] = []
    for _ in range(20):  # an entry left out may lay open one more error, never many
        try:
            return schema.model_validate(rest), found
        except ValidationError as error:
            explained = [_explain(schema, one, rest) for one in error.errors(include_url=False, include_context=True)]
        earlier = tuple(found)
        for problem in explained:
            if not problem.echoes(earlier) and all(problem.path != other.path for other in found):
                found.append(problem)
        for problem in explained:
            _leave_out(rest, problem.path)
    return None, found


def _explain(schema: type[BaseModel], error: Any, content: Any) -> Problem:
    """Return the entry that `error` is about, and the rule in words."""
    path = _entry(content, error["loc"])
    message = str(error["msg"]).replace("Input should be", "must be")
    if error["type"] == "missing":
        return Problem((*path, error["loc"][-1]), "must be given")
    if error["type"] == "extra_forbidden":
        return Problem(path, "unknown key" + suggestion(str(path[-1]), _siblings(schema, path)))
    if error["type"] == "value_error":
        return Problem(path, message.removeprefix("Value error, "))
    if error["type"] == "too_long":
        return Problem(path, "must hold at most {max_length:,} values but holds more".format(**error["ctx"]))
    if error["type"] == "too_short":
        return Problem(path, "must hold at least one value but is empty")
    if error["type"] in ("model_type", "model_attributes_type", "dict_type"):
        message = "must be a mapping of keys to values"
    elif error["type"] == "tuple_type":
        message = "must be a list"
    elif error["type"] == "string_pattern_mismatch":
        message = "must be letters, digits and any of _ - . = , + after a first letter or digit"
    return Problem(path, f"{message[0].lower()}{message[1:]} but got {error['input']!r:.80}")


def suggestion(key: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` where a known key is close, else the list of them; of `count:3` what YAML makes of it."""
    known = list(known)
    name, colon, value = key.partition(":")
    if colon and value and name in known:
        return f"; YAML takes it for one word: write a blank after the colon, `{name}: {value}`"
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(known)}" if known else ""


def _entry(content: Any, location: Iterable[str | int]) -> Path:
    """Return the steps of `location` that lead through `content`; the others are pydantic's names for alternatives."""
    path: Path = ()
    for step in location:
        if (isinstance(content, Mapping) and step in content) or (
            isinstance(content, list) and isinstance(step, int) and step < len(content)
        ):
            content, path = content[step], (*path, step)  # type: ignore[index]
    return path


def _siblings(schema: Any, path: Path) -> list[str]:
    """Return the keys that are allowed in the place of the last step of `path`."""
    if path[:1] == ("ablate",):
        return list(Block.model_fields)
    if (len(path) > 3 and path[:2] == ("search", "space")) or path[:2] == ("decode", "merge_gap"):
        return list(dict.fromkeys([*Range.model_fields, *Choices.model_fields]))
    for step in path[:-1]:
        annotation = schema.model_fields[step].annotation
        alternatives = (annotation, *getattr(annotation, "__args__", ()))
        inner = [one for one in map(_bare, alternatives) if _is_model(one)]
        if not inner:
            return []
        schema = inner[0]
    return list(schema.model_fields)


def _bare(annotation: Any) -> Any:
    """Return a type without what is annotated to it."""
    return getattr(annotation, "__origin__", annotation)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _leave_out(content: Any, path: Path) -> None:
    """Remove the entry at `path` from `content`; a required entry is replaced by a stand-in.

    A list is removed whole, since its other entries would move; an entry that lacks a part is removed too, and a space
    whose choices are wrong, which would be read as a range without them.
    """
    steps = list(itertools.takewhile(lambda step: isinstance(step, str), path))
    if steps[-1:] == ["choices"]:
        steps.pop()
    while steps:
        parent = content
        for step in steps[:-1]:
            parent = parent.get(step) if isinstance(parent, dict) else None
        if not isinstance(parent, dict):  # it went with an error before this one
            return
        if len(steps) == 1 and steps[0] in _PLACEHOLDERS:
            content[steps[0]] = _PLACEHOLDERS[str(steps[0])]
            return
        if steps[-1] in parent:
            del parent[steps[-1]]
            return
        steps.pop()
