"""What an importer is, which ones there are, and how one tells whoever started it what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from crescendo.trainables.registry import Registry, load

if TYPE_CHECKING:
    from crescendo.trainables.data.dataset import Dataset

Item = TypeVar("Item")


class Reporter(Protocol):
    """Hears of an import's progress and of what it decided; an importer knows of no terminal."""

    def say(self, line: str) -> None:
        """Take one line that the user should read."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items`, of which there are `total`, and show how far they are; `what` names the work."""


class SilentReporter:
    """A reporter that shows nothing."""

    def say(self, line: str) -> None:
        """Ignore `line`."""

    def track(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield `items`."""
        yield from items


Importer = Callable[..., "Dataset | tuple[Dataset, ...]"]
"""Turns a raw data set into a prepared one: `importer(source, destination, *, reporter=None, **options)` -> `Dataset`.

One that makes a data set of each of several folds (`fold_sets.write_fold_sets`) returns all of them.

`source` and `destination` are paths. Every other parameter but `reporter` is an option of the command line, of its name,
type and default; `Annotated[TYPE, "text"]` gives the option its help. Ends with `write_dataset`, and raises `InputError`
where the raw data set cannot be used.
"""


CLIP = "Cut segments to their recording instead of refusing them."
"""Help of the option `clip`, where annotations are read that may leave their recording."""


@dataclass(frozen=True)
class ImporterSpec:
    """An importer before it is imported: `target` is its `module:function`, `description` says in a line what of."""

    target: str
    description: str


def _own(found: Any) -> ImporterSpec:
    if not callable(found):
        raise ValueError(f"must be a function (source, destination, *, reporter, options) but is {found!r:.80}")
    return ImporterSpec("", (getattr(found, "__doc__", None) or "").strip().split("\n\n")[0])


_IMPORTERS = "crescendo.trainables.data.importers"
IMPORTERS = Registry(
    "importer",
    {
        "hapt": ImporterSpec(
            f"{_IMPORTERS}.hapt:import_hapt",
            "UCI HAPT: activities and postural transitions with a smartphone, 6.25 frames a second.",
        ),
        "tug": ImporterSpec(
            f"{_IMPORTERS}.tug:import_tug", "Timed-up-and-go with a smartphone or smartwatch, 10 frames a second."
        ),
        "gtea": ImporterSpec(
            f"{_IMPORTERS}.gtea:import_gtea",
            "GTEA with the features of a spatial CNN, one of four folds or all, 15 frames a second.",
        ),
        "activitynet": ImporterSpec(
            f"{_IMPORTERS}.activitynet:import_activitynet",
            "ActivityNet in the paper's split, with features that were computed elsewhere.",
        ),
        "directory": ImporterSpec(
            f"{_IMPORTERS}.directory:import_directory",
            "Your own data: annotations in ActivityNet's format, and one feature matrix per recording.",
        ),
        "frames": ImporterSpec(
            f"{_IMPORTERS}.frames:import_frames",
            "Your own data: a label of every frame, and one feature matrix per recording.",
        ),
    },
    accept=_own,
)


def find_importer(name: str) -> Importer:
    """Return the importer called `name`, or the one that `module:function` names.

    Raises
    ------
    InputError
        If there is none.
    """
    importer: Importer = load(IMPORTERS.key, IMPORTERS.resolve(name).target or name)
    return importer
