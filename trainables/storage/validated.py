"""Content of JSON as a typed value, or one line that says what is wrong with it."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from crescendo.trainables.errors import InputError
from crescendo.trainables.plurals import counted
from crescendo.trainables.storage.json_files import can_be_written

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], content: Any, where: object, remedy: str) -> Model:
    """Return `content`, of the file `where`, as a `model`.

    Raises
    ------
    InputError
        With the first fault, how many more there are, and `remedy`.
    """
    if not can_be_written(content):
        raise InputError(f"{where}: holds NaN or infinity, which JSON does not have; {remedy}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first, *more = error.errors(include_url=False)
        key = ".".join(str(part) for part in first["loc"])
        fault = f"{key}: {first['msg'].removeprefix('Value error, ')}" if key else first["msg"]
        if first["type"] == "missing":
            fault = f"lacks the key {key!r}"
        elif first["type"] == "extra_forbidden":
            fault = f"{key}: unknown key"
        others = f" (and {counted(len(more), 'more fault')})" if more else ""
        raise InputError(f"{where}: {fault}{others}; {remedy}") from None
