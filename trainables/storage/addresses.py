"""Addresses of stores and data sets: what of them is shown and kept."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

_FILES = ("sqlite", "file")  # schemes that know no user
# A shorter password is only taken out of an address: as a word it is in too many others.
_SHORTEST_WORD = 4


def shown_address(uri: str) -> str:
    """Return `uri` as it is shown and kept: without user, password and query, in which there may be a secret.

    A password may hold letters that nobody escaped, so that all up to the last `@` counts as one.
    """
    scheme, separator, rest = parts_of(uri)
    if not scheme.startswith(_FILES):
        rest = rest.rpartition("@")[2].partition("#")[0]
    return f"{scheme}{separator}{rest.partition('?')[0]}"


def shown_dataset(address: str) -> str:
    """Return the address of a data set as it is shown and kept: a folder's as it is, a URI's without secrets."""
    return shown_address(address) if "://" in address else address


def hidden(text: str, uri: str) -> str:
    """Return `text`, an error say, without what `shown_address` takes out of `uri`."""
    text = text.replace(uri, shown_address(uri))
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        text = text.replace(f"{secret}@", "")
        if len(secret) >= _SHORTEST_WORD:
            text = text.replace(secret, "***")
    return text


def _secrets(uri: str) -> set[str]:
    scheme, _, rest = parts_of(uri)
    user, _, rest = ("", "", rest) if scheme.startswith(_FILES) else rest.rpartition("@")
    rest, _, fragment = rest.partition("#")
    query = rest.partition("?")[2]
    password = user.partition(":")[2]
    values = {value for _, value in parse_qsl(query)} | {part.partition("=")[2] or part for part in query.split("&")}
    return {one for one in (user, password, unquote(password), fragment, *values) if one}


def parts_of(uri: str) -> tuple[str, str, str]:
    """Return scheme, `://` and the rest; an address without a scheme is all rest, whatever its password holds."""
    scheme, separator, rest = uri.partition("://")
    return (scheme, separator, rest) if re.fullmatch(r"[A-Za-z][\w+.-]*://", scheme + separator) else ("", "", uri)
