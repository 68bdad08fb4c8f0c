"""One archive with which Crescendo is checked on a machine that has a GPU and no network: `make gpu-bundle`.

    .venv/bin/python benchmarks/gpu_bundle.py [--data DATA] [--there NAME ...] [--python 3.12] [--out FILE]

Holds the code of the working tree (files that git tracks), its GPU tests and benchmarks, the wheels that Python with
torch and numpy lacks, and `check.py`, which runs them (`gpu_check.py`). `--there` names packages that the machine has:
their wheels are left out. `--data` names HAPT as `crescendo data import hapt` makes it: it is added, its features as float16,
if it fits. An archive of more than 60 MiB is refused. The same files make the same archive, byte for byte.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from gpu_check import ROOMS
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from crescendo.trainables.data.dataset import Dataset, write_dataset
from crescendo.trainables.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
TOP = "crescendo-gpu-check"
LIMIT = 60 * 2**20
CODE = (*ROOMS, "benchmarks", "tests/trainables", "tests/references", "tests/support", "tests/conftest.py")
FILES = (*CODE, "pyproject.toml", "LICENSE")
# What the tests and benchmarks import; torch and numpy are there.
PACKAGES = (
    "filelock", "hypothesis", "pillow", "pyarrow", "pydantic", "pytest", "pytest-timeout", "pyyaml", "rich", "safetensors",
    "threadpoolctl",
)  # fmt: skip
# The smallest that pyproject.toml allows: 40 MB, and each later one is larger. Others are what is installed here.
VERSIONS = {"pyarrow": "18.1.0"}


class Refused(Exception):
    """The archive cannot be made; the text is one line that says why."""


def tracked(root: Path) -> list[str]:
    """Return the files of `root` that git tracks and the check needs, sorted."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--", *FILES]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode:
        raise Refused(f"{root}: not a working tree of git: {listed.stderr.decode(errors='replace').strip()}")
    return sorted(name for name in listed.stdout.decode().split("\0") if name and (root / name).exists())


def code(root: Path) -> dict[str, bytes]:
    """Return the place in the archive and content of each file of the code, `check.py` among them."""
    files = {}
    for name in tracked(root):
        if (root / name).is_symlink():
            raise Refused(f"{name}: is a link, and might lead out of the archive; pack a file in its place")
        files[f"code/{name}"] = (root / name).read_bytes()
    return files | {"check.py": files["code/benchmarks/gpu_check.py"]}


def pinned(python: str, there: Iterable[str] = ()) -> list[str]:
    """Return `name==version` of `PACKAGES` and what they need on Linux with `python`, without those that are `there`."""
    target = {
        "python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux", "os_name": "posix",
        "platform_system": "Linux", "platform_machine": "x86_64", "extra": "",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    left_out, found, waiting = {canonicalize_name(name) for name in there}, dict[str, str](), list(PACKAGES)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found or name in left_out:
            continue
        found[name] = VERSIONS.get(name) or importlib.metadata.version(name)
        needs = [Requirement(one) for one in importlib.metadata.requires(name) or ()]
        waiting += [one.name for one in needs if one.marker is None or one.marker.evaluate(target)]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def wheels(requirements: Iterable[str], python: str) -> dict[str, bytes]:
    """Return the place and content of the wheels of `requirements`, which pip downloads for Linux on x86-64."""
    platforms = [f"--platform=manylinux{tag}_x86_64" for tag in ("_2_28", "_2_27", "_2_17", "2014")]
    abis = [f"--abi={tag}" for tag in (f"cp{python.replace('.', '')}", "abi3", "none")]
    with tempfile.TemporaryDirectory(prefix="crescendo-bundle-") as folder:
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *abis, *platforms,
            "--dest", folder, *requirements,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"pip download failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
        return {f"wheels/{file.name}": file.read_bytes() for file in sorted(Path(folder).glob("*.whl"))}


def half_precision(data: Path) -> dict[str, bytes]:
    """Return the place and content of the files of the prepared data set `data`, its features as float16."""
    dataset = Dataset(data)
    names = list(dataset.annotations.recordings)
    notes = (*dataset.metadata.notes, "features rounded to float16")
    with tempfile.TemporaryDirectory(prefix="crescendo-bundle-") as scratch:
        folder = Path(scratch) / "data"
        write_dataset(
            folder,
            replace(dataset.metadata, notes=notes),
            dataset.annotations,
            frames={name: dataset.frames(name) for name in names},
            features=(dataset.features(name)[:].astype("float16") for name in names),
            feature_dim=dataset.feature_dim,
            dtype="float16",
            labels=dataset.labels[1:],
        )
        return {
            f"data/hapt/{file.relative_to(folder).as_posix()}": file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive, compressed, of `files` (place -> content): below one folder, in order, of no date and nobody's."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for place, content in sorted(files.items()):
            member = tarfile.TarInfo(f"{TOP}/{place}")
            member.size, member.mode = len(content), 0o755 if place == "check.py" else 0o644
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def pack(files: Mapping[str, bytes], data: Mapping[str, bytes], limit: int = LIMIT) -> tuple[bytes, bool]:
    """Return the archive of `files`, and of `data` too if that fits into `limit` bytes, and whether it did."""
    if data and len(whole := archive({**files, **data})) <= limit:
        return whole, True
    packed = archive(files)
    if len(packed) > limit:
        largest = max(files, key=lambda place: len(files[place]))
        raise Refused(
            f"the archive would have {len(packed) / 2**20:.1f} MiB, more than the {limit / 2**20:g} allowed; its "
            f"largest file is {largest}: name packages that the machine has with --there"
        )
    return packed, False


def main() -> None:
    """Make the archive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DATA", type=Path, help="HAPT, prepared")
    parser.add_argument("--there", metavar="NAME", nargs="*", default=[], help="packages that the machine has")
    parser.add_argument("--python", metavar="VERSION", default="3.12", help="Python of the machine (3.12)")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path("build") / f"{TOP}.tar.gz")
    options = parser.parse_args()
    try:
        requirements = pinned(options.python, options.there)
        files = code(ROOT) | wheels(requirements, options.python)
        packed, with_data = pack(files, half_precision(options.data) if options.data else {})
    except (Refused, InputError) as error:
        sys.exit(f"error: {error}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(packed)
    print(f"{options.out}: {len(packed) / 2**20:.1f} MiB; {len(files):,} files; {', '.join(requirements)}")
    if options.data and not with_data:
        print(f"Without {options.data}, which does not fit: --there names packages that the machine has.")


if __name__ == "__main__":
    main()
