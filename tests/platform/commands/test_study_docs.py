"""docs/studies.md says everything that a study may say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from crescendo.platform.studies.settings import resolve_settings
from crescendo.search_spaces.arms import arms_of
from crescendo.search_spaces.loading import parse_study
from crescendo.search_spaces.schema.phases import Block
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.search_spaces.study import Study

PAGE = Path(__file__).parents[3] / "docs" / "studies.md"


def keys(schema: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in schema.model_fields.items():
        if name == "ablate":
            yield from (name, *(f"ablate.N.{key}" for key in Block.model_fields))
            continue
        inner = next((one for one in (field.annotation, *get_args(field.annotation)) if is_section(one)), None)
        if inner is None:
            yield above + name
        else:
            yield from keys(inner, f"{above}{name}.")


def is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def documented(heading: str) -> set[str]:
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {key for row in re.findall(r"^\| ([^|]*) \|", section, re.M) for key in re.findall(r"`([^`]+)`", row)}


def test_every_key_of_a_study_and_no_other_is_documented() -> None:
    assert documented("Every key") == {*keys(Study), "early_stopping"}


def test_every_key_of_a_space_and_no_other_is_documented() -> None:
    assert documented("Spaces") == {*Range.model_fields, *Choices.model_fields}


def examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("example", examples())
def test_the_examples_are_valid(example: str) -> None:
    text = example if "name: my_ablation" in example else f"name: test\ndataset: synthetic\n{example}"
    assert len(arms_of(parse_study(text, "example", (), resolve_settings))) > 1


def test_the_whole_example_names_every_section() -> None:
    assert all(re.search(rf"^{name}:", examples()[0], re.M) for name in Study.model_fields)
