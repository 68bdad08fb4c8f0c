"""Prepared data sets in a bucket: copied once to each machine, since features are memory-mapped."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
from filelock import FileLock
from pyarrow import fs

from crescendo.trainables.data.dataset import Dataset
from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.addresses import hidden, shown_address
from crescendo.trainables.storage.files import atomic_directory, cache_folder, mended
from crescendo.trainables.storage.json_files import parse_json


def is_remote(address: str | Path) -> bool:
    """Tell whether `address` is a URI, such as `s3://BUCKET/hapt`, and not a folder."""
    return "://" in str(address)


def open_dataset(address: str | Path) -> Dataset:
    """Open the data set in a folder, or at a URI of pyarrow's file systems (`s3://`, `gs://`, `hdfs://`, `file://`).

    A data set at a URI is first copied to this machine, below `$XDG_CACHE_HOME/crescendo/datasets` (default
    `~/.cache`), unless a copy with the same content hash is there already.

    Raises
    ------
    InputError
        If it cannot be reached, or is no prepared data set.
    """
    return Dataset(_local_copy(str(address)) if is_remote(address) else address)


def _local_copy(address: str) -> Path:
    shown = shown_address(address)
    try:
        files, folder = fs.FileSystem.from_uri(address)
        metadata = parse_json(files.open_input_file(f"{folder}/dataset.json").read(), f"{shown}/dataset.json")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{shown}: no prepared data set can be read there ({hidden(' '.join(str(error).split()), address)[:300]}); "
            "check the address, and that this machine may read it"
        ) from None
    content = str(metadata.get("content_hash", "")) if isinstance(metadata, dict) else ""
    if not re.fullmatch(r"[0-9a-f]{64}", content):
        raise InputError(f"{shown}: dataset.json holds no content hash; import the data set again")
    copies = cache_folder() / "datasets"
    with mended(copies):
        copies.mkdir(parents=True, exist_ok=True)
    with FileLock(copies / f"{content}.lock"):
        if not (copies / content).exists():
            with atomic_directory(copies / content) as partial:
                fs.copy_files(folder, str(partial), source_filesystem=files)
    return copies / content
