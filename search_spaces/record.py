"""A study written down: beside its results, and with its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.study import Study

STUDY_FILE = "study.json"


@dataclass(frozen=True)
class StudyRecord:
    """A study, and the content hash of the data set that it runs on.

    `folds` are the names of its folds, in order, each with the content hash of its recordings as they are divided; empty
    where the study has none.
    """

    study: Study
    dataset_hash: str
    folds: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the content of `STUDY_FILE`."""
        content = {"study": self.study.to_json(), "dataset_hash": self.dataset_hash}
        return {**content, "folds": dict(self.folds)} if self.folds else content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> StudyRecord:
        """Return the record whose `to_json` is `content`.

        Raises
        ------
        StudyError
            If it is of another version, or damaged.
        """
        try:
            folds = {name: str(content_hash) for name, content_hash in content.get("folds", {}).items()}
            return cls(Study.from_json(content["study"]), str(content["dataset_hash"]), folds)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise StudyError([f"{'.'.join(map(str, first['loc']))}: {first['msg']}"]) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StudyError([f"{type(error).__name__}: {error}"]) from error
