"""Speed of scoring: against a plain loop over detections, and of all merge gaps against one.

    CRESCENDO_TEST_DATA=../shared/data .venv/bin/python benchmarks/evaluation.py [--json FILE]

Ground truth is that of ActivityNet 1.3 and of HAPT where CRESCENDO_TEST_DATA names the folder of real data, otherwise
generated data of the same size. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from yardstick import Row, argument_parser, compare, report

from crescendo.trainables.data.annotations import Annotations, Recording, Segment, read_annotations
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.evaluation.average_precision import average_precision
from crescendo.trainables.evaluation.matching import DetectionArrays, GroundTruth, match
from crescendo.trainables.evaluation.mean_ap import evaluate_scores, truth_of
from crescendo.trainables.evaluation.protocols import PROTOCOLS
from crescendo.trainables.inference.decoding import find_runs

sys.path.append(str(Path(__file__).parents[1] / "tests" / "references"))
import reference_evaluation

DETECTIONS_A_VIDEO = 40
WRONG_LABELS = 0.3
MERGE_GAPS = range(61)
PAPER_IOU = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def activitynet_truth(data: Path | None, random: np.random.Generator) -> GroundTruth:
    """The segments of ActivityNet 1.3's validation videos, or as many generated ones."""
    if data is not None:
        annotations = read_annotations(data / "activitynet" / "activity_net.v1-3.json.gz")
        return truth_of({name: one.segments for name, one in annotations.of("validation").items()}).segments
    recording = np.sort(np.concatenate((np.arange(4728), random.integers(0, 4728, 7293 - 4728))))
    start = random.uniform(0, 100, 7293)
    label = random.integers(0, 200, 4728)[recording]
    return GroundTruth(recording, label, start, start + random.uniform(1, 80, 7293))


def jittered(truth: GroundTruth, random: np.random.Generator) -> DetectionArrays:
    """`DETECTIONS_A_VIDEO` detections a video, moved and stretched from its segments, some with wrong labels."""
    videos = np.unique(truth.recording)
    order = np.argsort(truth.recording, kind="stable")
    first = np.searchsorted(truth.recording[order], videos)
    count = np.bincount(truth.recording)[videos]
    draws = random.integers(0, np.repeat(count, DETECTIONS_A_VIDEO))
    source = order[np.repeat(first, DETECTIONS_A_VIDEO) + draws]
    length = np.maximum(truth.end[source] - truth.start[source], 0.1)
    start = truth.start[source] + random.normal(0, 0.2, len(source)) * length
    end = start + length * np.exp(random.normal(0, 0.3, len(source)))
    wrong = random.random(len(source)) < WRONG_LABELS
    label = np.where(wrong, random.integers(0, truth.label.max() + 1, len(source)), truth.label[source])
    score = random.random(len(source))
    only = np.zeros(len(source), dtype=np.int64)
    return DetectionArrays(truth.recording[source], label, start, end, score, since=only, until=only + 1)


def against_a_loop(truth: GroundTruth, detections: DetectionArrays) -> list[Row]:
    """Compare with the tests' reference and check that it agrees to 1e-12."""
    iou = [0.5 + 0.05 * step for step in range(10)]
    labels = int(truth.label.max()) + 1
    rows = []
    for protocol, rule in PROTOCOLS.items():
        results = {}

        def ours(rule=rule, results=results) -> None:
            matches = match(truth, detections, iou, rule)
            results["ours"] = average_precision(truth, detections, matches, labels=labels, enveloped=rule.enveloped)[0]

        def loop(protocol=protocol, results=results) -> None:
            results["loop"] = reference_evaluation.average_precision(truth, detections, iou, protocol)

        rows.append(
            compare(
                f"{protocol}: {len(detections.start):,} detections, times faster than a loop",
                ours,
                loop,
                at_least=5,
                repeats=3,
                warm_up=0,
            )
        )
        for label, expected in results["loop"].items():
            np.testing.assert_allclose(results["ours"][label], expected, rtol=0, atol=1e-12)
    return rows


def hapt_validation(data: Path | None, random: np.random.Generator) -> Annotations:
    """14 of HAPT's recordings, or as many generated ones, at 50 samples a second."""
    recordings = {}
    if data is not None:
        with zipfile.ZipFile(data / "hapt.zip") as archive:
            names = archive.namelist()
            lines = archive.read(next(n for n in names if n.endswith("RawData/labels.txt"))).decode().splitlines()
        listed: dict[int, list[Segment]] = {}
        for line in lines:
            experiment, _, activity, first, last = map(int, line.split())
            listed.setdefault(experiment, []).append(Segment(f"activity {activity}", (first - 1) / 50, last / 50))
        for experiment in sorted(listed)[:14]:
            segments = tuple(listed[experiment])
            recordings[f"{experiment:02}"] = Recording("validation", segments[-1].end + 5, segments)
        return Annotations(recordings)
    for number in range(14):
        bounds = np.sort(random.uniform(0, 368, 40))
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        segments = tuple(Segment(f"activity {random.integers(12)}", float(start), float(end)) for start, end in pairs)
        recordings[f"{number:02}"] = Recording("validation", 368.0, segments)
    return Annotations(recordings)


def noisy_scores(dataset: Dataset, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Softmax scores that drift about the truth: three times as many runs as an LSTM trained on HAPT gives."""
    drift, jitter = 40, 0.05
    scores = {}
    for name in dataset.recordings("validation"):
        labels = dataset.frame_labels(name)
        noise = random.normal(size=(len(labels) + drift - 1, len(dataset.labels)))
        smooth = np.apply_along_axis(np.convolve, 0, noise, np.ones(drift) / np.sqrt(drift), mode="valid")
        logits = smooth + jitter * random.normal(size=smooth.shape)
        logits[np.arange(len(labels)), labels] += 3
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores[name] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores


def merge_gap_sweep(data: Path | None, random: np.random.Generator) -> Row:
    """Compare all merge gaps in one call with the default gap alone, on scores about as restless as a trained model's."""
    with tempfile.TemporaryDirectory() as folder:
        metadata = DatasetMetadata("hapt", 6.25, "none", "benchmark", "none")
        dataset = write_dataset(Path(folder) / "data", metadata, hapt_validation(data, random))
        scores = noisy_scores(dataset, random)
        frames = sum(len(matrix) for matrix in scores.values())
        runs = sum(len(find_runs(matrix, 0).label) for matrix in scores.values())
        return compare(
            f"{len(MERGE_GAPS)} merge gaps over one, {frames:,} frames, {runs:,} runs",
            lambda: evaluate_scores(dataset, "validation", scores, list(MERGE_GAPS), iou=PAPER_IOU),
            lambda: evaluate_scores(dataset, "validation", scores, [20], iou=PAPER_IOU),
            at_most=5,
            repeats=31,
        )


def main() -> None:
    """Run all comparisons."""
    parser = argument_parser(__doc__)
    parser.add_argument("--sweep-only", action="store_true", help="leave out the slow comparison with the loop")
    options = parser.parse_args()
    folder = os.environ.get("CRESCENDO_TEST_DATA")
    data = Path(folder) if folder else None
    random = np.random.default_rng(0)
    rows = [merge_gap_sweep(data, random)]
    if not options.sweep_only:
        truth = activitynet_truth(data, random)
        rows += against_a_loop(truth, jittered(truth, random))
    sys.exit(0 if report(rows, options.json) else 1)


if __name__ == "__main__":
    main()
