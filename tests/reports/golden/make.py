"""Makes the stored study that the golden test reports on, and the tables that it must give.

    .venv/bin/python tests/reports/golden/make.py study     # run a tiny study anew and keep its journal and results
    .venv/bin/python tests/reports/golden/make.py tables    # keep the tables that it gives now

`study.zip` keeps of a study what `crescendo sync` needs to tell it to a store: the journal and the confirmed trials'
results (frame scores of one seed). `stored_study.told` does so. Run `tables` after a change that is meant to change
tables, and read the difference in Git before committing it.
"""

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from crescendo.trainables.storage.json_files import read_json

sys.path.append(str(Path(__file__).parents[2] / "support"))

HERE = Path(__file__).parent
STUDY = """
name: golden
description: Does a ranking loss help on a data set of nearly nothing?
dataset: {dataset}
base: {{config: synthetic, iterations: 45, evaluate_every: 15, hidden_size: 16, sequences: 8, sequence_length: 40,
        iou: [0.3, 0.5, 0.7], fractions: [0.3, 0.6, 1.0]}}
ablate: {{variant: [none, score, margin]}}
search:
  trials: 5
  startup_trials: 3
  space:
    learning_rate: {{low: 0.003, high: 0.03, log: true}}
    dropout: {{low: 0.0, high: 0.5}}
    lambda_r: {{low: 0.1, high: 30, log: true, when: {{variant: [score, margin]}}}}
  start: [{{lambda_r: 6, learning_rate: 0.01, dropout: 0.2, merge_gap: 4}}]
decode: {{merge_gap: {{low: 0, high: 12}}, reset: [memory, none]}}
objective: {{metric: mAP/iou_0.50}}
confirm: {{seeds: [0, 1, 2]}}
early_stopping: {{asha: {{grace: 15, reduction: 2}}}}
resources: {{cpus: 1, concurrent: 1}}
"""


def make_study() -> None:
    """Run the study and keep its journal and results."""
    from crescendo.platform.studies.runner import run_study
    from crescendo.platform.studies.settings import resolve_settings
    from crescendo.search_spaces.loading import parse_study
    from crescendo.trainables.data.synthetic import synthesize

    with tempfile.TemporaryDirectory() as scratch:
        dataset, output = Path(scratch) / "synthetic", Path(scratch) / "golden"
        synthesize(dataset, recordings=16, labels=3, feature_dim=8, fps=2.0, noise=1.0)
        study = parse_study(STUDY.format(dataset=dataset), "golden.yaml", (), resolve_settings)
        run_study(study, output)
        pack(output, scratch)


def pack(output: Path, scratch: str) -> None:
    """Write `study.zip`, the same bytes for the same study."""
    with zipfile.ZipFile(HERE / "study.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted([output / "tracking" / "journal.jsonl", *output.glob("trials/*/outputs/*.*")]):
            seed = read_json(file.parent / "configuration.json")["seed"] if file.parent.name == "outputs" else None
            if file.name == "scores.arrow" and seed != 0:
                continue
            content = file.read_bytes().replace(f"{scratch}/".encode(), b"")
            archive.writestr(zipfile.ZipInfo(str(file.relative_to(output))), content, zipfile.ZIP_DEFLATED)


def make_tables() -> None:
    """Keep the tables that the stored study gives."""
    from stored_study import report_tables, told

    with tempfile.TemporaryDirectory() as scratch:
        shutil.rmtree(HERE / "tables", ignore_errors=True)
        report_tables(told(Path(scratch) / "golden"), HERE / "tables")


if __name__ == "__main__":
    {"study": make_study, "tables": make_tables}[sys.argv[1]]()
