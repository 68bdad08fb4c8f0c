"""Writes the stored examples of every format anew, with the code of the tree whose Python runs it.

    .venv/bin/python tests/formats/make.py                # all of stored/, and identities.json
    .venv/bin/python tests/formats/make.py lstm mlflow    # only what makes these of stored/
    .venv/bin/python tests/formats/make.py identities     # only identities.json

Run it only when a format is meant to change, and read the difference in Git: what lies here stands for what people have
on their disks. Everything is made by commands, in a scratch folder with relative paths; what a file says of the machine
(processor, temporary folders) is made neutral.

stored/data, pixels, fc6      prepared data sets: features, pictures, a network's fc6 with the fc7 layer behind it
stored/training               a finished `crescendo train`
stored/interrupted-training   the same, killed: a checkpoint and nothing else
stored/study                  a finished sweep without its MLflow store; study.yaml, printed.txt and report.json beside it
stored/interrupted-study      the same sweep, stopped in the middle of a trial
stored/lstm, cnn              model folders; with the detections they find in stored/data
stored/mlflow                 the MLflow model of lstm
identities.json               what identities, seeds, studies' fingerprints and a content hash come to
"""

import getpass
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "support"))
from stored_formats import STORED, TRAINING, assignments, write_source  # noqa: E402

CRESCENDO = (sys.executable, "-c", "from crescendo.platform.cli import main; main()")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "120", "NO_COLOR": "1"}
CLASSIFIER = {**TRAINING, "model": "cnn", "variant": "none", "fc7_size": 4, "layers": 1, "merge_gap": 8}
# Of a report: figures repeat it, the others are of the machine and the hour.
NOT_KEPT = {"figures", "store", "provenance", "costs", "seconds"}
STUDY = """
name: stored
description: What a study leaves.
dataset: data
base: {hidden_size: 6, sequences: 8, sequence_length: 30, bptt: 10, iterations: 48, evaluate_every: 12, dropout: 0.1,
       iou: [0.3, 0.5], fractions: [0.3, 1.0]}
ablate: {variant: [none, margin]}
baseline: {variant: none}
search:
  trials: 4
  startup_trials: 2
  space:
    learning_rate: {low: 0.01, high: 0.1, log: true}
    lambda_r: {low: 0.1, high: 30, log: true, when: {variant: margin}}
    fc7_size: {choices: [0, 5]}
    fc7_learning_rate: {low: 0.001, high: 0.1, log: true, when: {fc7_size: 5}}
  start: [{lambda_r: 6, learning_rate: 0.03, fc7_size: 5, fc7_learning_rate: 0.01, merge_gap: 4}]
decode: {merge_gap: {low: 0, high: 12}, reset: [memory, none]}
objective: {metric: mAP/iou_0.50}
confirm: {seeds: [0]}
early_stopping: {asha: {grace: 12, reduction: 2}}
resources: {cpus: 1, concurrent: 1}
"""


def crescendo(*arguments: object) -> str:
    """Run a command in the current folder; return what it prints."""
    words = [str(one) for one in arguments]
    return subprocess.run([*CRESCENDO, *words], env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True).stdout


def make_data() -> None:
    crescendo("data", "synthesize", "data", "--seed", 3, "--recordings", 6, "--labels", 2, "--feature-dim", 4, "--fps", 2,
              "--noise", 0.4)  # fmt: skip


def make_pixels() -> None:
    crescendo("data", "synthesize", "videos", "--videos", "--recordings", 2, "--labels", 2, "--size", 24)
    crescendo("data", "extract", "videos", "pixels", "--annotations", "videos/annotations.json", "--fps", 1, "--layer",
              "pixels", "--size", 16, "--backbone", "resnet18", "--weights", "none")  # fmt: skip


def make_fc6() -> None:
    """No command makes one of a network this small."""
    import numpy as np
    import torch

    from crescendo.trainables.data.annotations import Annotations, Recording, Segment
    from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset

    segments = (Segment("walk", 1.0, 5.0),)
    names = {f"{subset} recording": Recording(subset, 8.0, segments) for subset in ("training", "validation", "test")}
    draw = np.random.default_rng(0)
    write_dataset(
        "fc6",
        DatasetMetadata("fc6", 4.0, "fc6 of a network", "made for the tests", "MIT"),
        Annotations(names),
        frames=dict.fromkeys(names, 32),
        features=[draw.random((32, 5), dtype=np.float32) for _ in names],
        feature_dim=5,
        dtype="float16",
        fc7=(torch.arange(15.0).reshape(3, 5) / 16, torch.arange(3.0) / 8),
    )


def make_training() -> None:
    crescendo("train", "data", "--output", "training", *assignments(TRAINING))


def make_interrupted_training() -> None:
    folder = Path("interrupted-training")
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        command = [*CRESCENDO, "train", "data", "--output", str(folder), *assignments(TRAINING)]
        with subprocess.Popen(command, env=ENVIRONMENT) as process:
            while process.poll() is None and not any(folder.glob("checkpoints/iteration-*/checkpoint.json")):
                time.sleep(0.001)
            process.kill()
        checkpoints = [one.name for one in folder.glob("checkpoints/*")]
        if len(checkpoints) == 1 and checkpoints[0] < f"iteration-{TRAINING['iterations']:09d}":
            return


def make_study() -> None:
    """Stop the sweep in the middle of a trial that the search goes on after, keep what is there, and end it."""
    Path("study.yaml").write_text(STUDY.lstrip())
    stopped = Path("interrupted-study")
    while True:
        shutil.rmtree(stopped, ignore_errors=True)
        with subprocess.Popen(
            [*CRESCENDO, "sweep", "study.yaml", "--output", str(stopped)], env=ENVIRONMENT
        ) as process:
            while process.poll() is None and len(list(stopped.glob("trials/*/report.json"))) < 5:
                time.sleep(0.001)
            process.send_signal(signal.SIGINT)
        if process.returncode == 130 and len(list(stopped.glob("trials/*/iteration-*"))) == 1:
            break
    shutil.copytree(stopped, "study")
    printed = crescendo("sweep", "study.yaml", "--output", "study")
    crescendo("report", "study")
    shutil.copy("study.yaml", "study/study.yaml")
    report = json.loads(Path("study/report/report.json").read_text())
    Path("study/report.json").write_text(json.dumps(without(report, NOT_KEPT), indent=1) + "\n")
    shutil.rmtree("study/report")
    Path("study/printed.txt").write_text(printed)
    for folder in (stopped, Path("study")):
        for left in ("mlflow.db", "sweep.lock", "tracking/lock"):
            (folder / left).unlink(missing_ok=True)
        shutil.rmtree(folder / "mlartifacts", ignore_errors=True)


def without(content: object, keys: set[str]) -> object:
    """JSON content less the keys named, at every depth."""
    if isinstance(content, dict):
        return {key: without(value, keys) for key, value in content.items() if key not in keys}
    return [without(one, keys) for one in content] if isinstance(content, list) else content


def make_lstm() -> None:
    model("lstm", "training")
    crescendo("export", "lstm", "mlflow", "--format", "mlflow")


def make_cnn() -> None:
    crescendo("train", "data", "--output", "classifier", *assignments(CLASSIFIER))
    model("cnn", "classifier")


def model(name: str, run: str) -> None:
    """Export the run; beside the model folder, its detections in the data set and its events of one recording."""
    crescendo("export", run, name)
    crescendo("detect", name, "data", "--out", f"{name}.detections.json")
    recording = Path("recording.npy")
    if not recording.exists():
        import numpy as np

        from crescendo.trainables.data.dataset import Dataset

        dataset = Dataset("data")
        np.save(recording, dataset.features(dataset.recordings("test")[0]))
    with recording.open("rb") as frames:
        command = [*CRESCENDO, "detect", name, "--stream", "--alarm", "rate=50/h"]
        done = subprocess.run(command, env=ENVIRONMENT, check=True, stdin=frames, stdout=subprocess.PIPE)
    Path(f"{name}.events.jsonl").write_bytes(done.stdout)


def make_identities() -> None:
    """Compute anew what identities.json says of the inputs that it states."""
    from crescendo.platform.studies.identity import proposal_seed, trial_identity
    from crescendo.platform.studies.settings import load_study

    file = HERE / "identities.json"
    content = json.loads(file.read_text())
    for name, function in (("trial_identity", trial_identity), ("proposal_seed", proposal_seed)):
        for one in content[name]:
            one["is"] = function(**one["of"])
    for name in content["fingerprint"]:
        content["fingerprint"][name] = load_study(str(HERE / "studies" / f"{name}.yaml")).fingerprint
    write_source(Path("source"))
    crescendo("data", "import", "directory", "source", "imported", "--fps", 4)
    content["content_hash"] = json.loads(Path("imported/dataset.json").read_text())["content_hash"]
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


# What is made, in this order, by what, of what else.
MAKERS = {
    make_data: ("data",),
    make_pixels: ("pixels",),
    make_fc6: ("fc6",),
    make_training: ("training",),
    make_interrupted_training: ("interrupted-training",),
    make_lstm: ("lstm", "lstm.detections.json", "lstm.events.jsonl", "mlflow", "recording.npy"),
    make_cnn: ("cnn", "cnn.detections.json", "cnn.events.jsonl"),
    make_study: ("study", "interrupted-study"),
}


def neutral(folder: Path, scratch: str) -> None:
    """Take out of the files of `folder` what they say of this machine, and make sure that nothing is left."""
    from crescendo.platform.tracking.provenance import device

    told = [scratch, str(Path.home()), socket.gethostname(), getpass.getuser(), str(HERE.parents[1]), device()]
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes().replace(f"{scratch}/".encode(), b"").replace(device().encode(), b"a processor")
            content = re.sub(rb"/tmp/tmp\w+/", b"/data/", content)
            file.write_bytes(content)
            if file.name == "journal.jsonl":  # a position is an offset: that of the neutral journal's end
                (file.parent / "sent.json").write_text(json.dumps({"local": len(content)}))
            left = [word for word in told if len(word) > 3 and word.encode() in content]
            if left:
                raise SystemExit(f"{file.relative_to(folder)}: says {left[0]}")


def main(wanted: list[str]) -> None:
    """Make what is `wanted` (everything, if nothing is named) in a scratch folder; take the rest as it is stored."""
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for make, names in MAKERS.items():
            if wanted and not set(names) & set(wanted):
                copy(names, STORED, Path())
                continue
            make()
            copy(names, Path(), STORED)
            neutral(STORED, scratch)
            print(f"made {', '.join(names)}", flush=True)
        if not wanted or "identities" in wanted:
            make_identities()


def copy(names: tuple[str, ...], source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for name in names:
        if (target / name).is_dir():
            shutil.rmtree(target / name)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        else:
            shutil.copy(source / name, target / name)


if __name__ == "__main__":
    main(sys.argv[1:])
