"""Texts that users wrote, before they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

# All but line feed and tab of what moves a cursor, starts an escape sequence, turns the direction of writing, or is not
# allowed in XML.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")


def written_out(character: str) -> str:
    r"""Return a character as Python writes it: `\x1b`, `\u4e2d`, `\U0001d11e`."""
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(text: str, form: Callable[[str], str] = written_out) -> str:
    r"""Return `text` with its control characters written out, such as `\x1b` for escape; line feeds and tabs stay."""
    return _CONTROL.sub(lambda found: form(found.group()), text)
