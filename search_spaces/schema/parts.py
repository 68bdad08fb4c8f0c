"""Settings with a part for each of several names, as `lambda_r`: `lambda_r.score` is a setting like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.schema.values import Plain


def flat(settings: Any) -> Any:
    """Return settings in which a mapping stands for its entries, `lambda_r: {score: 6}` for `lambda_r.score: 6`.

    What is no mapping of settings is returned as it is; `ValueError` if an entry stands by itself, too.
    """
    return _joined(settings, lambda value: bool(value) and all(isinstance(name, str) for name in value))


def flat_space(space: Any) -> Any:
    """Return a space in which a mapping of spaces stands for its entries, as `flat` does with values."""
    own = {*Range.model_fields, *Choices.model_fields}
    return _joined(
        space,
        lambda value: (
            bool(value) and not own & value.keys() and all(isinstance(one, Mapping) for one in value.values())
        ),
    )


def _joined(settings: Any, has_parts: Callable[[Mapping[Any, Any]], bool]) -> Any:
    if not isinstance(settings, Mapping):
        return settings
    joined: dict[Any, Any] = {}
    for key, value in settings.items():
        parts = isinstance(value, Mapping) and has_parts(value)
        for name, one in ({f"{key}.{name}": one for name, one in value.items()} if parts else {key: value}).items():
            if name in joined:
                raise ValueError(f"{name} must stand once but stands by itself and in {name.partition('.')[0]}")
            joined[name] = one
    return joined


Settings = Annotated[
    dict[str, Plain], BeforeValidator(flat, json_schema_input_type=dict[str, Plain | dict[str, Plain]])
]
"""Setting -> value; settings that have a part for each of several names may be written as mappings."""


def is_part(key: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether the whole that `key` is a part of is among `settings`."""
    whole, sign, _ = key.partition(".")
    return bool(sign) and whole in settings


def is_real(settings: Mapping[str, Any], key: str) -> bool:
    """Tell whether a setting is a real number, as a part of one that is, or that has parts that are, is too."""
    whole = key.partition(".")[0]
    return any(isinstance(value, float) for one, value in settings.items() if one.partition(".")[0] == whole)
