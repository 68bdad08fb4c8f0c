"""What the rows of `abuse_cases` write before a command is run: stored folders, damaged ones, and files made to do harm.

A row maps a path to its content: text, bytes, or one of these, a function of the path.
"""

import fcntl
import gzip
import io
import json
import os
import shutil
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io

STORED = Path(__file__).parents[1] / "formats" / "stored"
Write = Callable[[Path], object]


def stored(name: str) -> Write:
    """A folder or file of tests/formats/stored."""

    def write(path: Path) -> None:
        (shutil.copytree if (STORED / name).is_dir() else shutil.copy)(STORED / name, path)

    return write


def changed(change: Callable[[Any], Any]) -> Write:
    """The JSON file that is there already, with its content changed in place, or replaced by what `change` returns."""

    def write(path: Path) -> None:
        content = json.loads(path.read_text())
        returned = change(content)
        path.write_text(json.dumps(content if returned is None else returned))

    return write


def set_to(*keys: Any, value: Any) -> Write:
    """The JSON file that is there already, with one entry changed."""

    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return changed(change)


def without(*keys: Any) -> Write:
    """The JSON file that is there already, without one entry."""

    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return changed(change)


def cut(path: Path) -> None:
    """The file that is there already, cut in half."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def first_line(text: str) -> Write:
    """The file that is there already, with another first line."""
    return lambda path: path.write_text("\n".join([text, *path.read_text().splitlines()[1:]]) + "\n")


def with_line(line: str) -> Write:
    """The file that is there already, with one more line at its end."""
    return lambda path: path.write_text(f"{path.read_text()}{line}\n")


def removed(path: Path) -> None:
    """Nothing, where there was something."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def folder(path: Path) -> None:
    """An empty folder."""
    path.mkdir(parents=True)


def fifo(path: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path)


_HELD: list[Any] = []


def held(path: Path) -> None:
    """A lock that somebody holds."""
    _HELD.append(path.open("w"))
    fcntl.flock(_HELD[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)


def locked(path: Path) -> None:
    """What is there already, for nobody to read."""
    path.chmod(0)


def guarded(path: Path) -> None:
    """An empty folder in which nothing can be written."""
    path.mkdir(mode=0o555)


def readable(path: Path) -> None:
    """An empty file that can be read alone."""
    path.touch(mode=0o444)


def database(path: Path) -> None:
    """An SQLite database of somebody else's."""
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE notes (text)")


def foreign(path: Path) -> None:
    """An MLflow store of a version that nobody knows."""
    from mlflow import MlflowClient  # which takes seconds

    made = path.with_name("made.db")  # MLflow checks a store only the first time that it meets its address
    MlflowClient(f"sqlite:///{made}").search_experiments()
    with closing(sqlite3.connect(made)) as store, store:
        store.execute("UPDATE alembic_version SET version_num = 'unknown'")
    made.rename(path)


def loop(path: Path) -> None:
    """A link that leads to itself."""
    path.symlink_to(path.name)


def linked(target: str) -> Write:
    """A link."""
    return lambda path: path.symlink_to(target)


def npy(array: Any, *, header: str | None = None, version: bytes = b"\x01\x00") -> bytes:
    """A `.npy` file, with another header."""
    file = io.BytesIO()
    np.save(file, np.asarray(array), allow_pickle=True)
    if header is None:
        return file.getvalue()
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(header) + 1)
    return b"\x93NUMPY" + version + size + header.encode("latin1") + b"\n" + file.getvalue()[128:]


def npy_of(shape: str, descr: str = "'<f4'") -> bytes:
    """A `.npy` file of 16 bytes whose header announces `shape`."""
    return npy([1.0, 2.0], header=f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")


def annotations(**entry: Any) -> str:
    """Annotations of one recording, `a`, with some of its entry changed."""
    whole = {"duration": 5.0, "subset": "training", "annotations": [{"segment": [1, 2], "label": "walk"}], **entry}
    return json.dumps({"version": "1", "taxonomy": [], "database": {"a": whole}})


def source(text: str | bytes = annotations(), **files: Any) -> dict[str, Any]:
    """A folder `raw` for `data import directory`: annotations and `a.npy`, 5 s at 4 frames a second."""
    named = {f"raw/{name.replace('_', '.')}": content for name, content in files.items()}
    return {"raw/annotations.json": text, "raw/a.npy": npy(np.zeros((20, 2), np.float32)), **named}


def zipped(names: dict[str, bytes], *, announced: int | None = None) -> bytes:
    """A zip; `announced` is the size that it says each member unpacks to."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
        for member in archive.infolist() if announced is not None else ():
            member.file_size = announced
    return file.getvalue()


def zeros(mebibytes: int) -> bytes:
    """A gzip file of zeros, a thousandth of what it unpacks to."""
    return gzip.compress(bytes(2**20)) * mebibytes


def arrow(
    metadata: dict[str, str] | None = None, *, width: int = 4, rows: int = 3, kind: pa.DataType | None = None
) -> Write:
    """A frame store of one recording, with other metadata."""

    def write(path: Path) -> None:
        kind_of = kind or pa.list_(pa.float32(), width)
        schema = pa.schema([pa.field("features", kind_of)], metadata=metadata)
        values = pa.array([[0.0] * width] * rows if kind is None else [None] * rows, kind_of)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(pa.record_batch([values], schema=schema))

    return write


def parquet(**columns: Any) -> Write:
    """A parquet file."""
    return lambda path: pq.write_table(pa.table(columns), path)


def mat(**variables: Any) -> bytes:
    """A file of MATLAB, not packed."""
    file = io.BytesIO()
    scipy.io.savemat(file, variables)
    return file.getvalue()


def mat_bomb(mebibytes: int) -> bytes:
    """A file of MATLAB whose matrix of 20 x 2 is packed zeros, more than its size says."""
    inside = mat(x=np.zeros((20, 2)))[128:].replace(
        struct.pack("<II", 9, 320), struct.pack("<II", 9, mebibytes * 2**20)
    )
    packer = zlib.compressobj()
    packed = (
        packer.compress(inside) + b"".join(packer.compress(bytes(2**20)) for _ in range(mebibytes)) + packer.flush()
    )
    return mat()[:128] + struct.pack("<II", 15, len(packed)) + packed


def hdf5(fill: Callable[[Any], object]) -> Write:
    """An HDF5 file that `fill` writes into."""

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            fill(file)

    return write


def safetensors(header: bytes) -> bytes:
    """A safetensors file without data."""
    return struct.pack("<Q", len(header)) + header


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{depth}: &a{depth} [{', '.join([f'*a{depth - 1}'] * 10)}]\n" for depth in range(1, 9)
)
"""A kilobyte of YAML that stands for a billion values."""

TRUTH = json.dumps(
    {"database": {"a": {"duration": 20.0, "subset": "test", "annotations": [{"segment": [0, 10], "label": "run"}]}}}
)


def results(**entry: Any) -> str:
    """A result file of one detection, with some of it changed."""
    return json.dumps({"results": {"a": [{"segment": [0, 5], "label": "run", "score": 0.5, **entry}]}})
