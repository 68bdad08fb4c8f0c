"""JSON in files: written whole or not at all, read strictly."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import atomic_file
from crescendo.trainables.storage.reading import read_bytes, unpack

# Digits of the largest integers that 64-bit floating point holds.
_DIGITS = 308


def write_json(destination: Path | str, content: Any) -> None:
    """Write `content` as indented JSON, atomically; NaN and infinity are refused with `ValueError`.

    Raises
    ------
    InputError
        If it holds half of a surrogate pair, or `destination` cannot be written.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        around = text[max(0, error.start - 20) : error.end + 20]
        raise InputError(
            f"{destination}: cannot hold {around!a}: half of a surrogate pair is no text; mend it"
        ) from None
    with atomic_file(destination) as partial:
        partial.write_bytes(data)


def read_json(path: Path | str) -> Any:
    """Return what the JSON file `path` holds; a name ending in `.gz` is decompressed.

    Raises
    ------
    InputError
        If the file is missing, unreadable, cut short or not valid JSON.
    """
    path = Path(path)
    return parse_json(read_bytes(path), str(path))


def parse_json(data: bytes, where: str) -> Any:
    """Return what the JSON text `data` holds, decompressed if `where`, its file's name, ends in `.gz`.

    What Python's reader would drop in silence, or no writer could give back, is refused here.

    Raises
    ------
    InputError
        If it is cut short, not valid JSON, or holds a name twice in one object, an integer beyond float64, or half a
        surrogate pair. NaN and infinity are for those to refuse who know where they stand.
    """
    plain = unpack(data, where) if where.endswith(".gz") else data
    try:
        text = plain.decode(json.detect_encoding(plain))
        content = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(content, ensure_ascii=False).encode()
    except _Content as error:
        raise InputError(f"{where}: {error}") from None
    except UnicodeEncodeError as error:
        half = error.object[error.start : error.end].encode("ascii", "backslashreplace").decode()
        raise InputError(f"{where}: holds {half}, half of a surrogate pair, which is no text; mend it") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid JSON ({error})") from error
    return content


def can_be_written(content: Any) -> bool:
    """Tell whether JSON has `content`: it holds no NaN, no infinity, and only text that is some."""
    try:
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def is_number(value: Any) -> bool:
    """Tell whether a value read from JSON is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class _Content(ValueError):
    """Valid JSON that says nothing that can be kept."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise _Content(f"the name {_short(twice)} stands {counts[twice]} times in one object; keep one of them")
    return content


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise _Content(f"holds an integer of {len(digits)} digits; a number must fit in 64-bit floating point")
    return int(digits)


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
