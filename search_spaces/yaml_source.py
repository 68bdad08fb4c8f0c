"""A study file as plain values, overridden by `--set`, with the line of every entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from crescendo.search_spaces.problems import Path, Problem

# With aliases a kilobyte can stand for more values than fit in any memory.
_VALUES = 100_000
_DIGITS = 308  # of the largest integers that 64-bit floating point holds


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain values: `no` and `on` are words, `1e-3` is a number, `010` is ten, a date is text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # the base's interface


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


@dataclass
class Source:
    """A study as written: its content, where each entry stands, and what is wrong with its form.

    `places` leads from an entry's path to its place (`study.yaml:12`, or `--set search.trials=4`) and order.
    """

    name: str
    content: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, tuple[int, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)

    def entry(self, path: Path) -> tuple[Path, Path]:
        """Return the longest part of `path` that is an entry of the source, and the keys of `path` that are not.

        Steps that are no keys, as pydantic's names for alternatives, are left out.
        """
        found: Path = ()
        rest = path
        for number, part in enumerate(path):
            if (*found, part) in self.places:
                found, rest = (*found, part), path[number + 1 :]
        return found, tuple(step for step in rest if isinstance(step, str))

    def lines(self, problems: Iterable[Problem]) -> list[str]:
        """Return the lines to show, `place: key: rule`, in the order of the source, each once."""
        shown: dict[str, tuple[int, int]] = {}
        for number, problem in enumerate(problems):
            entry, lacking = self.entry(problem.path)
            order, place = self.places.get(entry, (1, f"{self.name}:1"))
            key = ".".join(str(step) for step in (*entry, *lacking))
            shown.setdefault(f"{place}: {key}: {problem.rule}" if key else f"{place}: {problem.rule}", (order, number))
        return [*self.fatal, *sorted(shown, key=lambda line: shown[line])]


def read(text: str, name: str, overrides: Sequence[str] = ()) -> Source:
    """Return the YAML `text`, overridden by `key=value` pairs, as a source; it holds the problems of form."""
    source = Source(name)
    try:
        node = _Loader(text).get_single_node()
        size = _size(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        source.fatal.append(f"{name}:{line}: not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:
        source.fatal.append(f"{name}:1: not valid YAML: {' '.join(str(error).split())}")
    except RecursionError:
        source.fatal.append(f"{name}:1: must not be nested this deep")
    else:
        if not isinstance(node, yaml.MappingNode):
            what = "it is empty" if node is None else "it is none"
            source.fatal.append(f"{name}:1: must be a mapping of keys to values but {what}; see docs/studies.md")
        elif size > _VALUES:
            source.fatal.append(f"{name}:1: stands for {size:,} values, more than the {_VALUES:,} of any study")
        else:
            source.content = _value(node, (), source, ())
    for override in overrides:
        _override(source, override)
    return source


def _size(node: yaml.Node | None) -> int:
    """Return how many values `node` stands for, each alias written out; what holds itself counts once."""
    sizes: dict[int, int] = {}

    def of(one: yaml.Node) -> int:
        if id(one) not in sizes:
            sizes[id(one)] = 1
            parts = [value for pair in one.value for value in pair] if isinstance(one, yaml.MappingNode) else one.value
            sizes[id(one)] += sum(map(of, parts)) if isinstance(parts, list) else 0
        return sizes[id(one)]

    return 0 if node is None else of(node)


def _value(node: yaml.Node, path: Path, source: Source, above: tuple[int, ...]) -> Any:
    """Return the plain value of `node`, noting the line of everything in it."""
    place = f"{source.name}:{node.start_mark.line + 1}" if node.start_mark else source.name
    source.places.setdefault(path, (node.start_mark.line + 1, place))
    if id(node) in above:
        source.problems.append(Problem(path, "must not hold itself; write the values out"))
        return None
    inside = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, source, inside)
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, (*path, number), source, inside) for number, one in enumerate(node.value)]
    return _scalar(node, path, source)


def _mapping(node: yaml.MappingNode, path: Path, source: Source, above: tuple[int, ...]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            source.problems.append(Problem(path, "every key must be plain text"))
            continue
        key = str(key_node.value)
        here = (*path, key)
        if key in content:
            rule = f"must stand once but stands on lines {lines[key]} and {line}"
            source.problems.append(Problem(here, rule))
            continue
        lines[key] = line
        source.places[here] = (line, f"{source.name}:{line}")
        content[key] = _value(value_node, here, source, above)
    return content


def _scalar(node: yaml.Node, path: Path, source: Source) -> Any:
    kind, text = node.tag.removeprefix("tag:yaml.org,2002:"), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in ("int", "float"):
        return _number(kind, text, path, source)
    if kind != "str":
        source.problems.append(Problem(path, f"must be a plain value, without the tag {node.tag!r:.80}"))
    elif not _is_text(text):
        source.problems.append(Problem(path, f"{text!a:.80} holds half of a surrogate pair, which is no text"))
        return None
    return text


def _number(kind: str, text: str, path: Path, source: Source) -> int | float | None:
    try:
        if len(text) <= _DIGITS:
            return int(text) if kind == "int" else float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        rule = f"must fit in 64-bit floating point but has {len(text)} digits"
    except ValueError:
        rule = f"must be a number but got {text!r:.60}"
    source.problems.append(Problem(path, rule))
    return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdecimal() and len(step) < 10


def _override(source: Source, override: str) -> None:
    """Override the source's content by one `key=value`."""
    place = f"--set {override:.80}"
    key, sign, text = override.partition("=")
    steps = [int(step) if _is_index(step) else step for step in key.strip().split(".")]
    if not sign or "" in steps:
        source.fatal.append(f"{place}: expected key=value, with dots between keys, as search.trials=4")
        return
    new = Source(place)
    try:
        node = _Loader(text).get_single_node()
        if _size(node) > _VALUES:
            source.fatal.append(f"{place}: stands for more than {_VALUES:,} values")
            return
        value = None if node is None else _value(node, tuple(steps), new, ())
    except (yaml.YAMLError, RecursionError) as error:
        reason = (
            "it is nested too deep" if isinstance(error, RecursionError) else getattr(error, "problem", None) or error
        )
        source.fatal.append(f"{place}: the value is not valid YAML: {' '.join(str(reason).split())}")
        return
    target: Any = source.content
    for depth, step in enumerate(steps[:-1]):
        if isinstance(target, dict) and isinstance(step, str):
            target = target.setdefault(step, {})
        elif isinstance(target, list) and isinstance(step, int) and step < len(target):
            target = target[step]
        if not isinstance(target, dict | list) or (isinstance(target, list) != isinstance(steps[depth + 1], int)):
            there = ".".join(str(one) for one in steps[: depth + 1])
            whole = f"{there}={{{steps[depth + 1]}: ...}}"
            source.fatal.append(
                f"{place}: {there} has no entry {steps[depth + 1]!r}; give it whole, as --set '{whole}'"
            )
            return
    last = steps[-1]
    if isinstance(target, list) and isinstance(last, int) and last >= len(target):
        source.fatal.append(f"{place}: must be an entry below {len(target)}, numbered from 0, but got {last}")
        return
    target[last] = value
    path = tuple(steps)
    stale = {one for one in source.places if one[: len(path)] == path}
    for one in stale:
        del source.places[one]
    source.problems = [one for one in source.problems if one.path[: len(path)] != path] + new.problems
    for depth in range(1, len(path)):
        source.places.setdefault(path[:depth], (0, place))
    for one in new.places:
        source.places[one] = (0, place)
    source.places[path] = (0, place)
