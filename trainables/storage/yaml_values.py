"""YAML as plain values: numbers, words, true, false, null, lists and mappings of words; nothing in it can run code.

Plain values are those of YAML 1.2, as in studies (`search_spaces.yaml_source`, which also keeps lines): `no` and `off` are
words, `1e-3` is a number, `010` is ten, a date is text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from crescendo.trainables.errors import InputError

LARGEST = 2**20
"""Bytes of a YAML file that is read."""
# With aliases a kilobyte can stand for more values than fit in any memory.
_VALUES = 100_000
_DIGITS = 308


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # the base's interface


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def yaml_value(text: str, where: str) -> Any:
    """Return the value that the YAML `text` of `where` holds; None if it is empty.

    Raises
    ------
    InputError
        If it is not valid YAML, has a key twice, a value with another tag, one that holds itself, text or a number that
        cannot be written, or stands for more values than anybody writes.
    """
    try:
        node = _Loader(text).get_single_node()
        return None if node is None else _Values(where).of(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{where}: not valid YAML ({error.problem or error.context}{line})") from None
    except yaml.YAMLError as error:
        raise InputError(f"{where}: not valid YAML ({' '.join(str(error).split())})") from None
    except RecursionError:
        raise InputError(f"{where}: must not be nested this deep") from None


class _Values:
    def __init__(self, where: str) -> None:
        self._where, self._count = where, 0

    def of(self, node: yaml.Node, above: tuple[int, ...]) -> Any:
        """Return the value of `node`, which lies in those of `above`."""
        self._count += 1
        if self._count > _VALUES:
            raise InputError(f"{self._where}: stands for more than {_VALUES:,} values; write fewer")
        if id(node) in above:
            raise self._wrong(node, "a value must not hold itself; write it out")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, (*above, id(node)))
        if isinstance(node, yaml.SequenceNode):
            return [self.of(one, (*above, id(node))) for one in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, above: tuple[int, ...]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._wrong(key_node, "every key must be plain text")
            key = str(key_node.value)
            if key in content:
                raise self._wrong(key_node, f"{key!r:.80} must stand once but stands twice")
            content[key] = self.of(value_node, above)
        return content

    def _scalar(self, node: yaml.Node) -> Any:
        kind, text = node.tag.removeprefix("tag:yaml.org,2002:"), str(node.value)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind in ("int", "float"):
            return self._number(node, kind, text)
        if kind != "str":
            raise self._wrong(node, f"must be a plain value, without the tag {node.tag!r:.80}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self._wrong(node, f"{text!a:.80} holds half of a surrogate pair, which is no text") from None
        return text

    def _number(self, node: yaml.Node, kind: str, text: str) -> int | float:
        if len(text) > _DIGITS:
            raise self._wrong(node, f"a number must fit in 64-bit floating point but has {len(text)} digits")
        try:
            return int(text) if kind == "int" else float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            raise self._wrong(node, f"must be a number but got {text!r:.60}") from None

    def _wrong(self, node: yaml.Node, rule: str) -> InputError:
        line = f", line {node.start_mark.line + 1}" if node.start_mark else ""
        return InputError(f"{self._where}{line}: {rule}")
