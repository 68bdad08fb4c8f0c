"""The benchmark of a whole study, on the CPU with a study as small as can be; nothing is timed here."""

import json
import subprocess
import sys
from pathlib import Path

import gpu_study
import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_study.py"
SMALL = (
    "ablate.variant=[none, score]", "search.trials=1", "search.start=[]", "confirm.seeds=[0]", "base.iterations=20",
    "base.evaluate_every=10", "base.learning_rate_step=10", "base.hidden_size=8", "base.sequences=4",
    "base.sequence_length=20", "base.bptt=10", "decode.merge_gap={low: 0, high: 3}",
)  # fmt: skip


def measured(dataset, output, *arguments):
    """Run it; return its exit code, what it printed and its rows by name."""
    command = [sys.executable, str(SCRIPT), str(dataset.path), "--json", str(output), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = json.loads(output.read_text()) if output.is_file() else []
    return done.returncode, done.stdout + done.stderr, {row["name"]: row for row in rows}


def in_this_process(monkeypatch, *arguments):
    """Run it here, where all that it imports is there; return what it ends with."""
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        gpu_study.main()
    return ended.value.code


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_cuda_a_row_says_so(tiny_dataset, tmp_path, monkeypatch):
    output = tmp_path / "rows.json"
    assert in_this_process(monkeypatch, tiny_dataset.path, "--json", output) == 0
    assert [(row["target"], row["holds"]) for row in json.loads(output.read_text())] == [("skipped: no CUDA", True)]


@pytest.mark.slow
@pytest.mark.ray
def test_the_phases_add_up_to_the_whole(tiny_dataset, tmp_path):
    changes = [part for change in SMALL for part in ("--set", change)]
    code, said, rows = measured(tiny_dataset, tmp_path / "rows.json", "--cpu", *changes)
    assert code == 0, said
    whole = rows["loss_ablation on HAPT, whole study, 4 trainings, seconds over 45"]
    assert (whole["target"], whole["holds"]) == ("none", True)
    names = ("before the first trial", "search", "confirm", "after the last trial")
    phases = [rows[f"share of it: {name}"] for name in names]
    assert sum(row["ratio"] for row in phases) == pytest.approx(1, abs=0.01)
    assert sum(row["candidate_seconds"] for row in phases) == pytest.approx(whole["candidate_seconds"], abs=0.5)
    assert all(row["candidate_seconds"] > 0 for row in phases)
    assert rows["share of it in which a cohort trained"]["candidate_seconds"] > 0


def test_what_cannot_be_a_data_set_is_said_before_anything_starts(tmp_path, monkeypatch):
    said = in_this_process(monkeypatch, tmp_path)
    assert said.startswith(f"error: {tmp_path}: not a prepared data set")
    assert len(said.splitlines()) == 1
