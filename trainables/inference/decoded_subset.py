"""Frame scores of a subset and the spans decoded from them, once for everything that is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.inference.decoding import MergedSpans, Runs, Spans, find_runs, join_runs, merge


@dataclass(frozen=True)
class DecodedSubset:
    """The frame scores of `subset`, and the spans decoded from them with each of several merge gaps.

    Attributes
    ----------
    merge_gaps : in frames, in rising order; spans refer to a merge gap by its number in this list
    recordings : sorted by name; runs and spans refer to a recording by its number in this list
    scores : recording -> (frames, labels), of these recordings at least
    runs : the runs of all recordings, before merging
    spans : the spans of all recordings and merge gaps; of a single gap, sorted by recording, label and start
    """

    dataset: Dataset
    subset: str
    merge_gaps: tuple[int, ...]
    recordings: tuple[str, ...]
    scores: Mapping[str, np.ndarray]
    runs: Runs
    spans: MergedSpans

    @property
    def merge_gap(self) -> int:
        """The only merge gap; `ValueError` if there are several."""
        [gap] = self.merge_gaps
        return gap

    def at(self, merge_gap: int) -> DecodedSubset:
        """Return the same with the spans of `merge_gap` alone, which must be one of `merge_gaps`."""
        spans, number = self.spans, self.merge_gaps.index(merge_gap)
        kept = np.flatnonzero((spans.since <= number) & (number < spans.until))
        kept = kept[np.lexsort((spans.start[kept], spans.label[kept], spans.recording[kept]))]
        names = MergedSpans.__dataclass_fields__
        alone = MergedSpans(**{name: getattr(spans, name)[kept] for name in names})
        first = np.zeros_like(alone.since)
        return replace(self, merge_gaps=(merge_gap,), spans=replace(alone, since=first, until=first + 1))

    def by_recording(self) -> dict[str, Spans]:
        """Return the spans of each recording, sorted by start, then label; `ValueError` if there are several gaps."""
        spans = self.at(self.merge_gap).spans
        order = np.lexsort((spans.label, spans.start, spans.recording))
        bounds = np.searchsorted(spans.recording[order], np.arange(len(self.recordings) + 1))
        rows = {name: order[bounds[number] : bounds[number + 1]] for number, name in enumerate(self.recordings)}
        return {
            name: Spans(spans.label[mine], spans.start[mine], spans.end[mine], spans.score[mine])
            for name, mine in rows.items()
        }


def decode_subset(
    dataset: Dataset, subset: str, scores: Mapping[str, np.ndarray], merge_gaps: Sequence[int]
) -> DecodedSubset:
    """Decode the frame scores of `subset` with every merge gap (frames); argmax, runs and their sums are computed once.

    Parameters
    ----------
    scores
        Recording -> (frames, labels), at least the recordings of `subset`.

    Raises
    ------
    InputError
        If a recording has no scores, or scores of another shape than its frames and labels, or that are NaN; if the
        subset has no recordings.
    """
    recordings = tuple(sorted(dataset.recordings(subset)))
    rising = tuple(sorted(set(merge_gaps)))
    parts = []
    for number, recording in enumerate(recordings):
        matrix = checked_scores(dataset, recording, scores)
        try:
            parts.append(find_runs(matrix, max(rising, default=0), recording=number))
        except InputError as error:
            raise InputError(f"recording {recording!r}: {error}") from None
    runs = join_runs(parts)
    return DecodedSubset(dataset, subset, rising, recordings, scores, runs, merge(runs, rising))


def checked_scores(dataset: Dataset, recording: str, scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the scores of `recording`; `InputError` if they are missing, or not (frames, labels) of this data set."""
    if recording not in scores:
        raise InputError(f"recording {recording!r} has no scores; run the model over the whole subset")
    expected = (dataset.frames(recording), len(dataset.labels))
    if scores[recording].shape != expected:
        raise InputError(
            f"recording {recording!r}: the scores have shape {scores[recording].shape}, expected {expected} "
            "(frames, labels); they belong to another data set"
        )
    return scores[recording]
