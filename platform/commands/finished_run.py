"""What commands read of a finished run's folder: its figures, its matching rule, its frame scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.protocols import PROTOCOLS, MatchingRule
from crescendo.trainables.evaluation.subset_metrics import SubsetMetrics
from crescendo.trainables.inference.decoded_subset import DecodedSubset, decode_subset
from crescendo.trainables.registry import check_no_plugin
from crescendo.trainables.storage.json_files import read_json
from crescendo.trainables.storage.reading import expecting, mapping

_WHAT, _AGAIN = "the figures of a finished run", "train it again"


class RunFolder:
    """A finished run's folder: what `crescendo train --output` wrote, or the outputs of a confirmed trial."""

    def __init__(self, path: Path) -> None:
        """Read the run's figures; `InputError` if it is unfinished or damaged."""
        self.path, self._file = path, path / "metrics.json"
        if not self._file.is_file():
            raise InputError(f"{path}: holds no metrics.json; name the folder of a finished `crescendo train --output`")
        with expecting(_WHAT, self._file, _AGAIN):
            self._metrics: Mapping[str, Any] = mapping(read_json(self._file))

    def subset(self, asked: str | None) -> str:
        """Return the split that is asked for; default: test if the run was scored on it, else validation.

        Raises
        ------
        InputError
            If the run was not scored on it.
        """
        scored = [name for name in ("test", "validation") if name in self._metrics]
        chosen = asked or (scored[0] if scored else "test")
        if chosen not in scored:
            raise InputError(
                f"--subset {chosen}: {self.path} was scored on {', '.join(sorted(scored)) or 'no split'} alone"
            )
        return chosen

    def metrics(self, subset: str) -> SubsetMetrics:
        """Return the run's own figures of a split; `InputError` if they are damaged."""
        try:
            return SubsetMetrics.from_json(self._metrics[subset])
        except InputError as error:
            raise InputError(f"{self._file}: {error}") from None

    def alarms(self) -> tuple[dict[str, dict[str, float]], float | None]:
        """Return rate -> label -> threshold, and the hours of the validation recordings that these were chosen on.

        None where the run does not say how long these are; `InputError` if the figures are damaged.
        """
        with expecting(_WHAT, self._file, _AGAIN):
            hours = mapping(mapping(self._metrics.get("validation", {})).get("online", {})).get("hours")
            alarms = {rate: dict(mapping(one)) for rate, one in mapping(self._metrics.get("alarms", {})).items()}
            return alarms, None if hours is None else float(hours)

    def rule(self, *, allow_plugin: bool) -> MatchingRule:
        """Return the matching rule that the run was scored with.

        Raises
        ------
        InputError
            If it does not come with Crescendo and is not allowed, or cannot be imported.
        """
        with expecting(_WHAT, self._file, _AGAIN):
            protocol = str(self._metrics["config"][PROTOCOLS.key])
        if not allow_plugin:
            check_no_plugin({PROTOCOLS.key: protocol}, str(self._file))
        return PROTOCOLS.resolve(protocol)

    def decoded(self, subset: str, dataset: Dataset) -> DecodedSubset:
        """Return the spans that the stored frame scores of `subset` hold.

        Raises
        ------
        InputError
            If the run was trained on another data set than `dataset`, or keeps no frame scores of all recordings.
        """
        with expecting(_WHAT, self._file, _AGAIN):
            merge_gap, name, content_hash = (
                int(self._metrics["merge_gap"]),
                self._metrics["dataset"]["name"],
                self._metrics["dataset"]["content_hash"],
            )
            if content_hash != dataset.content_hash:
                raise InputError(
                    f"--dataset {dataset.path}: is not the one {self.path} was trained on ({name}, content hash "
                    f"{content_hash[:12]}, not {dataset.content_hash[:12]})"
                )
        file = self.path / "scores" / f"{subset}.arrow"
        if not file.is_file():
            raise InputError(
                f"{self.path}: keeps no frame scores of all {subset} recordings, as `crescendo train --output` does; leave "
                "--dataset out to see what was measured"
            )
        store = FrameStore([file])
        expected = {
            recording: (dataset.frames(recording), len(dataset.labels)) for recording in dataset.recordings(subset)
        }
        if expected != {recording: (store.frames(recording), store.width) for recording in store.recordings}:
            raise InputError(f"{file}: holds no scores of the {subset} recordings of {dataset.path}; {_AGAIN}")
        scores = {recording: store[recording] for recording in store.recordings}
        return decode_subset(dataset, subset, scores, [merge_gap])
