"""The feature store: zero-copy, complete, and flat in memory whatever its size."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crescendo.trainables.data.store import FrameStore, write_frames
from crescendo.trainables.errors import InputError


def write(path: Path, matrices: dict[str, np.ndarray], dtype: str = "float32", **options) -> str:
    width = next(iter(matrices.values())).shape[1]
    frames = {name: len(matrix) for name, matrix in matrices.items()}
    return write_frames(path, "features", frames, matrices.values(), width=width, dtype=dtype, **options)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(0, 20), min_size=1, max_size=6),
    width=st.integers(1, 9),
    dtype=st.sampled_from(["float16", "float32"]),
)
def test_what_is_written_comes_back(tmp_path: Path, lengths: list[int], width: int, dtype: str) -> None:
    generator = np.random.default_rng(0)
    matrices = {f"r{n}": generator.standard_normal((length, width)).astype(dtype) for n, length in enumerate(lengths)}
    write(tmp_path / "a.arrow", matrices, dtype, metadata={"run": 7})
    store = FrameStore([tmp_path / "a.arrow"])
    assert store.recordings == tuple(matrices)
    assert (store.width, store.dtype, store.metadata) == (width, np.dtype(dtype), {"run": 7})
    for name, matrix in matrices.items():
        assert store.frames(name) == len(matrix)
        assert store[name].dtype == matrix.dtype
        np.testing.assert_array_equal(store[name], matrix)


def test_several_files_are_one_store(tmp_path: Path) -> None:
    write(tmp_path / "a.arrow", {"x": np.zeros((2, 3))})
    write(tmp_path / "b.arrow", {"y": np.ones((4, 3))})
    store = FrameStore([tmp_path / "a.arrow", tmp_path / "b.arrow"])
    assert store.recordings == ("x", "y")
    assert store["y"].sum() == 12


def test_pyarrow_alone_reads_it(tmp_path: Path) -> None:
    write(tmp_path / "a.arrow", {"x": np.arange(6.0).reshape(2, 3), "y": np.ones((4, 3))})
    with pa.memory_map(str(tmp_path / "a.arrow")) as source:
        table = pa.ipc.open_file(source).read_all()
        assert table.column_names == ["features"]
        assert table["features"].to_pylist()[:2] == [[0, 1, 2], [3, 4, 5]]
        assert json.loads(table.schema.metadata[b"crescendo.recordings"]) == [["x", 2], ["y", 4]]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_slice_is_a_view_of_the_mapped_file(tmp_path: Path, dtype: str) -> None:
    write(tmp_path / "a.arrow", {"x": np.ones((50, 5)), "y": np.ones((50, 5))}, dtype)
    store = FrameStore([tmp_path / "a.arrow"])
    part = store["y"][10:30]
    assert not part.flags.owndata
    assert not part.flags.writeable
    assert np.shares_memory(part, store["y"])
    assert not np.shares_memory(part, store["x"])
    address = part.__array_interface__["data"][0]
    lines = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith("a.arrow")]
    ranges = [[int(number, 16) for number in re.match(r"(\w+)-(\w+)", line).groups()] for line in lines]
    assert any(low <= address and address + part.nbytes <= high for low, high in ranges)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((3, 3)), r"recording 'y': the matrix has shape \(3, 3\), expected \(2, 3\)"),
        (np.zeros((2, 4)), r"shape \(2, 4\), expected \(2, 3\)"),
        (np.array([[0, 0, 0], [0, np.nan, 0]]), "recording 'y': frame 1 holds NaN or infinity"),
        (np.array([[0, 0, 0], [0, -np.inf, 0]]), "recording 'y': frame 1 holds NaN or infinity"),
        (
            np.array([[0, 0, np.nan], [0, np.nan, 0]]),
            r"frame 0 holds NaN or infinity in column 2 \(2 of 2 frames hold such\)",
        ),
        (np.array([[1e6, 0, 0], [0, 0, 0]]), "recording 'y': frame 0 holds a value too large for float16"),
    ],
)
def test_wrong_matrices_leave_no_file(tmp_path: Path, matrix: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_frames(
            tmp_path / "a.arrow", "features", {"x": 2, "y": 2}, [np.zeros((2, 3)), matrix], width=3, dtype="float16"
        )
    assert not list(tmp_path.iterdir())


def test_hash_tells_contents_apart(tmp_path: Path) -> None:
    ones, zeros = np.ones((2, 3)), np.zeros((2, 3))
    hashes = [
        write(tmp_path / "a", {"x": ones}),
        write(tmp_path / "b", {"x": zeros}),
        write(tmp_path / "c", {"y": ones}),
        write(tmp_path / "d", {"x": ones}, "float16"),
        write(tmp_path / "e", {"x": ones[:1], "y": ones[:1]}),
    ]
    assert len(set(hashes)) == 5
    assert write(tmp_path / "f", {"x": ones}) == hashes[0]


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    whole = tmp_path / "a.arrow"
    write(whole, {"x": np.zeros((200, 3))})
    (tmp_path / "cut.arrow").write_bytes(whole.read_bytes()[:-100])
    (tmp_path / "text.arrow").write_text("no arrow file")
    with pa.OSFile(str(tmp_path / "other.arrow"), "wb") as sink:
        table = pa.table({"a": [1]})
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    for name, message in [
        ("cut", "not a complete Arrow file"),
        ("text", "not a complete Arrow file"),
        ("none", "no such file"),
        ("other", "not a frame store"),
    ]:
        with pytest.raises(InputError, match=rf"{name}\.arrow: {message}"):
            FrameStore([tmp_path / f"{name}.arrow"])
    with pytest.raises(InputError, match="stored twice"):
        FrameStore([whole, whole])
    write(tmp_path / "wide.arrow", {"z": np.zeros((2, 4))})
    with pytest.raises(InputError, match="disagree"):
        FrameStore([whole, tmp_path / "wide.arrow"])


class SparseFile:
    """A file that seeks over long writes, all of them zeros, so that they take no room on disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.closed = False

    def write(self, buffer: object) -> int:
        size = memoryview(buffer).nbytes
        if size > 2**21:
            self._file.seek(size, 1)
        else:
            self._file.write(memoryview(buffer))
        return size

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
        self.closed = True


def sparse_store(folder: Path, recordings: int, frames: int, width: int) -> Path:
    """Write a store of zeros with holes, its schema as `write_frames` makes it."""
    write(folder / "model.arrow", {"r0": np.zeros((1, width))}, "float16")
    schema = pa.ipc.open_file(str(folder / "model.arrow")).schema
    names = json.dumps([[f"r{number}", frames] for number in range(recordings)]).encode()
    schema = schema.with_metadata({**schema.metadata, b"crescendo.recordings": names})
    zeros = pa.array(np.zeros(frames * width, np.float16))
    batch = pa.record_batch([pa.FixedSizeListArray.from_arrays(zeros, width)], schema=schema)
    path = folder / "sparse.arrow"
    with pa.PythonFile(SparseFile(path), "w") as sink, pa.ipc.new_file(sink, schema) as writer:
        for _ in range(recordings):
            writer.write_batch(batch)
    return path


DRAW = """
import sys
import numpy as np
from crescendo.trainables.data.store import FrameStore

def memory(kind):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024

FrameStore([sys.argv[2]])["r0"].sum()
before = memory("RssAnon"), memory("RssFile")
store = FrameStore([sys.argv[1]])
opened = memory("RssAnon"), memory("RssFile")
generator = np.random.default_rng(0)
highest = 0.0
names = store.recordings
for draw in range(400):
    name = names[generator.integers(len(names))]
    start = generator.integers(store.frames(name) - 100)
    part = store[name][start : start + 100]
    assert not part[::50, ::512].any()
    if draw % 20 == 0:
        highest = max(highest, memory("RssAnon"))
print(opened[0] - before[0], opened[1] - before[1], highest - opened[0])
"""


@pytest.mark.parametrize(
    ("recordings", "frames"),
    [
        pytest.param(2500, 500, id="10 GB"),
        pytest.param(19_200, 940, id="ActivityNet: 18 million frames, 148 GB"),
    ],
)
def test_memory_stays_flat_while_drawing_all_over(tmp_path: Path, recordings: int, frames: int) -> None:
    path = sparse_store(tmp_path, recordings, frames, width=4096)
    assert path.stat().st_size > recordings * frames * 4096 * 2
    assert path.stat().st_blocks * 512 < path.stat().st_size / 100
    process = subprocess.run(
        [sys.executable, "-c", DRAW, path, tmp_path / "model.arrow"], capture_output=True, text=True, check=True
    )
    opening, mapped, drawing = map(float, process.stdout.split())
    # MiB. A recording's name and place take about 0.4 KiB; nothing depends on its frames.
    assert opening < 8 + recordings / 1024
    assert mapped < 8
    assert drawing < 4


WRITE = """
import sys
import numpy as np
from crescendo.trainables.data.store import write_frames

def memory():
    return next(int(l.split()[1]) for l in open("/proc/self/status").read().splitlines() if l.startswith("RssAnon")) / 1024

def matrices(count):
    global highest
    for number in range(count):
        yield np.full((250, 1024), number, np.float32)
        highest = max(highest, memory())

highest = 0.0
write_frames(sys.argv[1] + ".few", "features", {f"r{n}": 250 for n in range(10)}, matrices(10), width=1024, dtype="float32")
few, highest = highest, 0.0
write_frames(sys.argv[1], "features", {f"r{n}": 250 for n in range(200)}, matrices(200), width=1024, dtype="float32")
print(highest - few)
"""


def test_writing_holds_one_recording_in_memory(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", WRITE, tmp_path / "a.arrow"], capture_output=True, text=True, check=True
    )
    assert (tmp_path / "a.arrow").stat().st_size > 200 * 2**20 * 0.9
    assert float(process.stdout) < 8
