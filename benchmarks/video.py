"""Speed of extraction: against the bare network, and of decoding against ffmpeg; memory against the video's length.

    CRESCENDO_TEST_DATA=../shared/data .venv/bin/python benchmarks/video.py [--json FILE] [--rounds N] [--only PART]

Extraction is the pipeline of `crescendo data extract` with VGG19 (random weights cost what others cost). Its rate is that of
the frames which three times the videos have more than the videos once, over the time they take more: the start of Ray,
the loading of weights and the filling of the pipeline, which a real run pays once, cancel out. The bare network sees
frames that are ready as tensors, in batches of the same size, in this process. The videos are
the real clips where CRESCENDO_TEST_DATA names their folder, otherwise generated. ffmpeg (Debian's, skipped where there is
none) samples, resizes and crops the same frames and writes them to nowhere. Memory is the peak of all processes of an
extraction (proportional set size, the object store included), a video of ten minutes against one of one minute.
Exits with 1 if a target is missed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import psutil
import torch
from yardstick import Row, argument_parser, compare, report

from crescendo.platform.extraction.pipeline import BATCH, Network, extracted
from crescendo.platform.tuning.session import ray_session
from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.storage.json_files import write_json
from crescendo.trainables.video.backbones import Backbone, load_backbone
from crescendo.trainables.video.decoding import sampled_frames
from crescendo.trainables.video.encoding import write_video

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from numbered_frames import numbered

FPS = 6.0
EXTRACT = [sys.executable, "-c", "from crescendo.platform.cli import main; main()", "data", "extract"]


def clips(scratch: Path) -> list[Path]:
    """The real clips, or three generated ones."""
    folder = os.environ.get("CRESCENDO_TEST_DATA")
    if folder:
        return sorted((Path(folder) / "videos").resolve().glob("*.mp4"))
    paths = [scratch / f"{number}.mp4" for number in range(3)]
    for path in paths:
        write_video(path, numbered(range(300), 360, 640), time_base=Fraction(1, 25))
    return paths


def bare_rate(backbone: Backbone, frames: int) -> float:
    """Return the frames a second of the network alone."""
    torch.set_num_threads(os.cpu_count() or 1)
    size = backbone.preparation.size
    batch = torch.randint(0, 256, (BATCH, 3, size, size), dtype=torch.uint8)
    rounds = max(2, round(frames / BATCH))
    with torch.inference_mode():
        backbone(batch)
        begin = time.perf_counter()
        for _ in range(rounds):
            backbone(batch)
    return rounds * BATCH / (time.perf_counter() - begin)


def extraction_seconds(videos: list[Path], backbone: Backbone, network: Network) -> float:
    """Return the time of the pipeline, Ray being there."""
    begin = time.perf_counter()
    for part in extracted(dict(enumerate(videos)), FPS, backbone.preparation, network):
        if part.error:
            raise RuntimeError(part.error)
    return time.perf_counter() - begin


def against_the_bare_network(videos: list[Path], count: int) -> Row:
    """Extraction with VGG19 and the network alone, in turn."""
    backbone = load_backbone("vgg19", "none", layer="fc7")
    network = Network("vgg19", "none", "fc7", None, backbone.fingerprint)
    frames = sum(1 for path in videos for _ in sampled_frames(path, FPS, backbone.preparation))
    ours, bare = [], []

    def extraction() -> float:
        once, thrice = (extraction_seconds(videos * times, backbone, network) for times in (1, 3))
        return 2 * frames / (thrice - once)

    with ray_session(object_store=200 * 2**20):
        for number in range(count):
            for which in (0, 1) if number % 2 == 0 else (1, 0):
                if which:
                    bare.append(bare_rate(backbone, frames))
                else:
                    ours.append(extraction())
    print(
        "frames a second, extraction:",
        [round(one, 2) for one in ours],
        "bare network:",
        [round(one, 2) for one in bare],
    )
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    seconds = [frames / statistics.median(rates) for rates in (ours, bare)]
    return Row(
        f"decoding and VGG19 against the bare network, {frames} frames",
        ratio,
        "at least 0.9",
        ratio >= 0.9,
        *seconds,
        rounds=count,
    )


def against_ffmpeg(videos: list[Path], rounds: int) -> Row:
    """Decoding and preparing frames, here and by ffmpeg."""
    preparation = load_backbone("alexnet", "none", layer="pooled").preparation
    size, resize = preparation.size, preparation.resize
    # The picture on screen at the centre of each interval, as here; then the same resizing and cropping.
    picks = f"fps={FPS}:start_time={0.5 / FPS}:round=up"
    scales = f"scale=w='if(gt(iw,ih),-2,{resize})':h='if(gt(iw,ih),{resize},-2)':flags=bilinear,crop={size}:{size}"

    def ffmpeg() -> None:
        for path in videos:
            command = [
                "ffmpeg",
                "-v",
                "error",
                "-i",
                path,
                "-vf",
                f"{picks},{scales},format=rgb24",
                "-an",
                "-f",
                "null",
                "-",
            ]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def ours() -> None:
        for path in videos:
            for _ in sampled_frames(path, FPS, preparation):
                pass

    return compare("decoding against ffmpeg", ours, ffmpeg, at_least=0.7, repeats=max(rounds, 3))


def peak_memory(scratch: Path, minutes: int) -> float:
    """Return the most bytes all processes of an extraction held together, on a video of so many minutes."""
    folder = scratch / f"{minutes} minutes"
    folder.mkdir()
    stamps = range(minutes * 60 * 12)
    write_video(folder / "video.mp4", numbered((stamp for stamp in stamps), 240, 320), time_base=Fraction(1, 12))
    write_json(folder / "truth.json", Annotations({"video": Recording("training", minutes * 60.0, ())}).to_json())
    options = [
        "--annotations",
        folder / "truth.json",
        "--backbone",
        "alexnet",
        "--weights",
        "none",
        "--layer",
        "pooled",
    ]
    command = [*EXTRACT, folder, *options, scratch / f"data {minutes}"]
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    peak, me = 0, psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        with contextlib.suppress(psutil.Error):
            for one in (me, *me.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += one.memory_full_info().pss
        peak = max(peak, total)
        time.sleep(0.5)
    if process.returncode:
        raise RuntimeError(f"extraction ended with {process.returncode}")
    return float(peak)


def memory(scratch: Path) -> Row:
    """Peak memory of ten minutes against one."""
    short, long = peak_memory(scratch, 1), peak_memory(scratch, 10)
    print(f"peak memory of all processes: one minute {short / 2**20:,.0f} MiB, ten minutes {long / 2**20:,.0f} MiB")
    ratio = long / short
    return Row(
        "peak memory, ten minutes against one (MiB)",
        ratio,
        "at most 1.15",
        ratio <= 1.15,
        long / 2**20,
        short / 2**20,
        1,
    )


def main() -> None:
    """Run all, or what is asked for."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("network", "ffmpeg", "memory"))
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        videos = clips(scratch)
        if options.only in (None, "ffmpeg"):
            if shutil.which("ffmpeg"):
                rows.append(against_ffmpeg(videos, options.rounds))
            else:
                print("decoding against ffmpeg: skipped, there is no ffmpeg here")
        if options.only in (None, "memory"):
            rows.append(memory(scratch))
        if options.only in (None, "network"):
            rows.append(against_the_bare_network(videos, options.rounds))
    sys.exit(0 if report(rows, options.json) else 1)


if __name__ == "__main__":
    main()
