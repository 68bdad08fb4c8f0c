"""A study written down: beside its results, and with its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from crescendo.search_spaces.budgeting import Extent
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.study import Study

STUDY_FILE = "study.json"
LOCK_FILE = "sweep.lock"
"""In a study's folder: held by the sweep that runs it, for as long as it does."""


@dataclass(frozen=True)
class StudyRecord:
    """A study, and the content hash of the data set that it runs on.

    `folds` are the names of its folds, in order, each with the content hash of its recordings as they are divided; empty
    where the study has none.
    `added_late`: of what more was added by hand once there were results on the test split: `seeds`, `trials`, `repeats`; and
    `baseline`, where it was changed then.
    `extent`: how much of it is done, of a study with a budget, once that is planned.
    `data_notes`: what was said of the data set as it was made.
    """

    study: Study
    dataset_hash: str
    folds: Mapping[str, str] = field(default_factory=dict)
    added_late: tuple[str, ...] = ()
    extent: Extent | None = None
    data_notes: tuple[str, ...] = ()

    @property
    def done(self) -> Study:
        """The study as far as its budget went."""
        return self.study if self.extent is None else self.extent.of(self.study)

    def to_json(self) -> dict[str, Any]:
        """Return the content of `STUDY_FILE`."""
        content = {"study": self.study.to_json(), "dataset_hash": self.dataset_hash}
        late = {"added_late": list(self.added_late)} if self.added_late else {}
        extent = {} if self.extent is None else {"extent": self.extent.to_json()}
        notes = {"data_notes": list(self.data_notes)} if self.data_notes else {}
        return {**content, **({"folds": dict(self.folds)} if self.folds else {}), **late, **extent, **notes}

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
            late = tuple(map(str, content.get("added_late", ())))
            extent = Extent.from_json(content["extent"]) if "extent" in content else None
            notes = tuple(map(str, content.get("data_notes", ())))
            return cls(Study.from_json(content["study"]), str(content["dataset_hash"]), folds, late, extent, notes)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise StudyError([f"{'.'.join(map(str, first['loc']))}: {first['msg']}"]) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StudyError([f"{type(error).__name__}: {error}"]) from error
