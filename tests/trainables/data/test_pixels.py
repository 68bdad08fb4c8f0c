"""Prepared frames as JPEG, and the data set that holds them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crescendo.trainables.data import pixels
from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import Dataset, DatasetMetadata, write_dataset
from crescendo.trainables.data.pixels import PixelStore, encode_picture, write_pixels
from crescendo.trainables.data.store import FrameStore
from crescendo.trainables.errors import InputError

SIZE = 8
LENGTHS = {"long": 700, "none": 0, "short": 3, "exact": 256}


def picture(random: np.random.Generator) -> np.ndarray:
    """A smooth picture, as JPEG can keep it: each channel a ramp."""
    ramp = np.linspace(0, 1, SIZE)
    corners = random.integers(0, 256, (3, 2, 1, 1))
    return (corners[:, 0] * (1 - ramp) + corners[:, 1] * ramp * np.ones((SIZE, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[PixelStore, dict[str, np.ndarray]]:
    random = np.random.default_rng(1)
    pictures = {
        name: np.stack([picture(random) for _ in range(count)]) if count else np.empty((0, 3, SIZE, SIZE), np.uint8)
        for name, count in LENGTHS.items()
    }
    path = tmp_path_factory.mktemp("pixels") / "p.arrow"
    write_pixels(path, LENGTHS, ((encode_picture(one) for one in some) for some in pictures.values()), size=SIZE)
    return PixelStore([path]), pictures


def test_pictures_come_back_as_jpeg_keeps_them(stored: tuple[PixelStore, dict[str, np.ndarray]]) -> None:
    store, pictures = stored
    assert store.recordings == tuple(LENGTHS)
    assert (store.size, store.width) == (SIZE, 3 * SIZE * SIZE)
    for name, written in pictures.items():
        frames = store[name]
        assert frames.shape == (len(written), store.width)
        assert len(frames) == store.frames(name) == len(written)
        read = np.asarray(frames).reshape(written.shape)
        assert read.dtype == np.uint8
        difference = np.abs(read.astype(int) - written)
        assert difference.sum() <= 8 * difference.size


@given(
    name=st.sampled_from(list(LENGTHS)),
    first=st.integers(-20, 720),
    last=st.integers(-20, 720),
    step=st.integers(1, 300),
)
def test_slices_are_those_of_the_whole(
    stored: tuple[PixelStore, dict[str, np.ndarray]], name: str, first: int, last: int, step: int
) -> None:
    store, _ = stored
    numbers = range(store.frames(name))[first:last:step]
    expected = [store.picture(name, number).reshape(-1) for number in numbers]
    read = store[name][first:last:step]
    assert read.shape == (len(numbers), store.width)
    assert all(np.array_equal(one, other) for one, other in zip(read, expected, strict=True))


def test_only_what_is_touched_is_decoded(
    stored: tuple[PixelStore, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = stored
    touched: list[int] = []
    encoded = store.encoded

    def watched(recording: str, number: int) -> bytes:
        touched.append(number)
        return encoded(recording, number)

    monkeypatch.setattr(store, "encoded", watched)
    frames = store["long"]
    assert not touched
    frames[300:303]
    assert touched == [300, 301, 302]


def test_hash_is_of_the_content(tmp_path: Path) -> None:
    one, other = (encode_picture(np.full((3, SIZE, SIZE), value, np.uint8)) for value in (10, 200))
    names = {"a": 1, "b": 1}
    hashes = [
        write_pixels(tmp_path / str(number), names, pictures, size=SIZE)
        for number, pictures in enumerate(([[one], [other]], [[one], [other]], [[other], [one]]))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_several_files_are_one_store(tmp_path: Path) -> None:
    one = encode_picture(np.zeros((3, SIZE, SIZE), np.uint8))
    for name in "ab":
        write_pixels(tmp_path / name, {name: 2}, [[one, one]], size=SIZE)
    assert PixelStore([tmp_path / "a", tmp_path / "b"]).recordings == ("a", "b")
    with pytest.raises(InputError, match="'a' is stored twice"):
        PixelStore([tmp_path / "a", tmp_path / "a"])


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    one = encode_picture(np.zeros((3, SIZE, SIZE), np.uint8))
    with pytest.raises(InputError, match="recording 'a': has 1 frame, not the 2 announced"):
        write_pixels(tmp_path / "a", {"a": 2}, [[one]], size=SIZE)
    assert not (tmp_path / "a").exists()
    write_pixels(tmp_path / "b", {"b": 2}, [[one, one[:-40]]], size=SIZE)
    store = PixelStore([tmp_path / "b"])
    assert store["b"][:1].sum() == 0
    with pytest.raises(InputError, match="frame 1 of recording 'b' is no picture"):
        store["b"][1:]
    write_pixels(tmp_path / "c", {"c": 1}, [[one]], size=2 * SIZE)
    with pytest.raises(InputError, match="frame 0 of recording 'c' has shape"):
        PixelStore([tmp_path / "c"])["c"][:]
    with pytest.raises(InputError, match="not a frame store"):
        FrameStore([tmp_path / "b"])


def make(destination: Path) -> Dataset:
    dark, light = (encode_picture(np.full((3, SIZE, SIZE), value, np.uint8)) for value in (20, 220))
    annotations = Annotations(
        {
            "a": Recording("training", 2.0, (Segment("light", 1.0, 2.0),)),
            "b": Recording("test", 1.0, (Segment("light", 0.0, 0.5),)),
        }
    )
    return write_dataset(
        destination,
        DatasetMetadata("pictures", 2.0, "squares", "here", "free"),
        annotations,
        frames={"a": 4, "b": 2},
        features=[[dark, dark, light, light], [light, dark]],
        feature_dim=3 * SIZE * SIZE,
        dtype="jpeg",
        store_metadata={"preparation": {"size": SIZE}},
    )


def test_data_set_of_pixels(tmp_path: Path) -> None:
    make(tmp_path / "d")
    dataset = Dataset(tmp_path / "d")
    assert dataset.holds_pixels
    assert dataset.feature_dim == 3 * SIZE * SIZE
    assert dataset.store.dtype == np.uint8
    assert dataset.store.metadata == {"preparation": {"size": SIZE}}
    for recording in ("a", "b"):
        bright = np.asarray(dataset.features(recording)[:]).mean(axis=1) > 128
        np.testing.assert_array_equal(bright, dataset.frame_labels(recording) == 1)


def test_data_set_of_pixels_needs_its_file(tmp_path: Path) -> None:
    make(tmp_path / "d")
    shutil.rmtree(tmp_path / "d" / "features")
    with pytest.raises(InputError, match="holds no features"):
        Dataset(tmp_path / "d")


def test_batches_bound_the_writers_memory() -> None:
    drawn: list[int] = []

    def endless():
        for number in range(10**9):
            drawn.append(number)
            yield b"x"

    assert len(next(pixels._batches(endless()))) == len(drawn) == 256
