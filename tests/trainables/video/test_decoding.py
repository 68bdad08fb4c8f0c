"""The right picture at the right time, the right way up, as torchvision would prepare it."""

import os
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import torchvision
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numbered_frames import numbered, read_number
from PIL import Image
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms import functional as transforms

from crescendo.trainables.errors import InputError
from crescendo.trainables.video.backbones import Preparation
from crescendo.trainables.video.decoding import Picture, prepare, probe, sampled_frames
from crescendo.trainables.video.encoding import write_video

SMALL = Preparation(size=56, resize=64)
RATES = {
    "23.976": (Fraction(1001, 24000), range(120)),
    "25": (Fraction(1, 25), range(130)),
    "30": (Fraction(1, 30), range(150)),
    "59.94": (Fraction(1001, 60000), range(290)),
    "variable": (Fraction(1, 1000), [0, *np.cumsum(np.random.default_rng(0).integers(9, 400, 60)).tolist()]),
    "slower than the frames": (Fraction(1, 2), range(8)),
}


def shown_by_definition(path: Path, fps: Fraction) -> list[int]:
    """Which picture is on screen at the centre of each frame, from nothing but the list of time stamps."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [
            (p.pts * p.time_base, p.duration * p.time_base) for p in container.demux(stream) if p.pts is not None
        ]
    begins = sorted(packets)
    zero = begins[0][0]
    end = begins[-1][0] + begins[-1][1] - zero
    numbers, frame = [], 0
    while (centre := (frame + Fraction(1, 2)) / fps) < end:
        numbers.append(max(number for number, (time, _) in enumerate(begins) if time - zero <= centre))
        frame += 1
    return numbers


def numbers_of(path: Path, fps: float) -> list[int]:
    return [read_number(frame, SMALL.resize) for frame in sampled_frames(path, fps, SMALL)]


@pytest.mark.parametrize("name", RATES)
def test_every_sampled_frame_is_the_right_one(tmp_path: Path, name: str) -> None:
    time_base, stamps = RATES[name]
    path = tmp_path / "video.mp4"
    write_video(path, numbered(stamps), time_base=time_base)
    expected = shown_by_definition(path, Fraction(6))
    assert len(expected) >= 20
    assert numbers_of(path, 6) == expected


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(1, 900), min_size=1, max_size=15), fps=st.sampled_from([1.0, 6.0, 6.25, 29.97]))
def test_any_time_stamps(tmp_path: Path, steps: list[int], fps: float) -> None:
    path = tmp_path / "video.mkv"
    path.unlink(missing_ok=True)
    write_video(path, numbered([0, *np.cumsum(steps).tolist()]), time_base=Fraction(1, 1000))
    numbers = numbers_of(path, fps)
    expected = shown_by_definition(path, Fraction(fps))
    # Matroska rounds the length of the last picture to milliseconds: it may stand for one frame more or less.
    assert abs(len(numbers) - max(len(expected), 1)) <= 1
    both = min(len(numbers), len(expected))
    assert numbers[:both] == expected[:both]
    assert numbers == sorted(numbers)


def test_time_counts_from_the_sound_where_it_starts_first(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    write_video(path, numbered(range(25, 75)), time_base=Fraction(1, 25), sound_seconds=3)
    frames = list(sampled_frames(path, 6, SMALL))
    assert len(frames) == 18
    assert all(not frame.any() for frame in frames[:6])
    assert [read_number(frame, SMALL.resize) for frame in frames[6:9]] == [2, 6, 10]


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_rotation_flag_turns_the_picture_upright(tmp_path: Path, rotation: int) -> None:
    path = tmp_path / "turned.mp4"
    turned = (
        (stamp, np.ascontiguousarray(np.rot90(picture, -rotation // 90)))
        for stamp, picture in numbered(range(300, 340), height=96, width=160)
    )
    write_video(path, turned, time_base=Fraction(1, 6), rotation=rotation)
    metadata = probe(path)
    assert (metadata.width, metadata.height, metadata.rotation % 360) == (160, 96, rotation % 360)
    assert numbers_of(path, 6) == list(range(40))


@pytest.mark.parametrize(
    "matrix", [(1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0), (-1, 0, 0, 1), (0, 1, 1, 0)]
)
def test_display_matrix_by_definition(matrix: tuple[int, int, int, int]) -> None:
    array = np.random.default_rng(0).integers(0, 256, (3, 5, 3)).astype(np.uint8)
    a, b, c, d = matrix
    places = {(a * x + c * y, b * x + d * y): array[y, x] for y in range(3) for x in range(5)}
    left, top = min(x for x, _ in places), min(y for _, y in places)
    expected = np.zeros((max(y for _, y in places) - top + 1, max(x for x, _ in places) - left + 1, 3), np.uint8)
    for (x, y), value in places.items():
        expected[y - top, x - left] = value
    picture = Picture(array, matrix, Fraction(1))
    np.testing.assert_array_equal(picture.shown(), expected)
    assert picture.size() == expected.shape[:2]


@pytest.mark.parametrize("shape", [(240, 320), (321, 201), (97, 129), (256, 256), (720, 1280), (30, 31)])
@pytest.mark.parametrize("network", ["vgg19", "efficientnet_b0"])
def test_frames_are_prepared_as_torchvision_does(shape: tuple[int, int], network: str) -> None:
    given_by = torchvision.models.get_model_weights(network).DEFAULT.transforms()
    preparation = Preparation(
        size=given_by.crop_size[0], resize=given_by.resize_size[0], interpolation=given_by.interpolation.value
    )
    random = np.random.default_rng(0)
    array = np.kron(random.integers(0, 256, (shape[0] // 10 + 1, shape[1] // 10 + 1, 3)), np.ones((10, 10, 1)))
    array = np.ascontiguousarray(array[: shape[0], : shape[1]].astype(np.uint8))
    prepared = torch.from_numpy(prepare(Picture(array, (1, 0, 0, 1), Fraction(1)), preparation))
    image = torch.from_numpy(array).permute(2, 0, 1)
    resized = v2.functional.resize(image, [preparation.resize], InterpolationMode(preparation.interpolation))
    torch.testing.assert_close(prepared, v2.functional.center_crop(resized, [preparation.size]), rtol=0, atol=0)
    # The transforms that come with the weights resize pictures of PIL, or tensors as floats: a grey level or two apart.
    levels = (
        transforms.normalize(prepared / 255, given_by.mean, given_by.std) - given_by(Image.fromarray(array))
    ).abs()
    assert (levels * 255 * torch.tensor(given_by.std).view(3, 1, 1)).max() < 2.5


def test_pixels_that_are_not_square_are_stretched() -> None:
    disc = np.hypot(*(np.mgrid[:100, :160] - np.array([50, 80])[:, None, None]) / np.array([40, 40])[:, None, None]) < 1
    squeezed = np.repeat(disc[:, ::2, None] * np.uint8(255), 3, axis=2)
    frame = prepare(Picture(squeezed, (1, 0, 0, 1), Fraction(2)), SMALL)[0] > 128
    rows, columns = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
    assert abs(len(rows) - len(columns)) <= 2  # the disc is squeezed by whole columns


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    path = tmp_path / "cut.mp4"
    write_video(path, numbered(range(250)), time_base=Fraction(1, 25), whole_head=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return path


def test_video_that_ends_too_early_is_broken_at_its_end_and_right_before(cut: Path) -> None:
    frames: list[np.ndarray] = []
    with pytest.raises(InputError, match=r"cut\.mp4: broken video: .* of the 10\.00 s it announces"):
        frames.extend(sampled_frames(cut, 6, SMALL))
    seen = [read_number(frame, SMALL.resize) for frame in frames]
    assert len(seen) > 20
    assert seen == [int(Fraction(2 * frame + 1, 12) * 25) for frame in range(len(seen))]


def test_files_that_are_no_videos(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video")
    shutil.copy(tmp_path / "text.mp4", tmp_path / "concat:text.mp4")
    write_video(tmp_path / "good.mp4", numbered(range(50)), time_base=Fraction(1, 25))
    (tmp_path / "headless.mp4").write_bytes((tmp_path / "good.mp4").read_bytes()[:-400])
    for name in ("empty.mp4", "text.mp4", "concat:text.mp4", "headless.mp4"):
        for use in (probe, lambda path: list(sampled_frames(path, 6, SMALL))):
            with pytest.raises(InputError, match=f"{name}: broken video: (cannot be decoded|holds no pictures)"):
                use(tmp_path / name)
    with pytest.raises(InputError, match=r"none\.mp4: no such file"):
        probe(tmp_path / "none.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")  # which nobody writes to
    with pytest.raises(InputError, match=r"pipe\.mp4: must be a plain file but is a pipe"):
        probe(tmp_path / "pipe.mp4")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(InputError, match="has no pictures, only sound"):
        probe(path)


def test_real_clips(real_data: Path) -> None:
    for name, frames, shape in (
        ("bikes", 60, (640, 272)),
        ("carousel1", 90, (1280, 720)),
        ("carousel3", 78, (1280, 720)),
    ):
        path = real_data / "videos" / f"{name}.mp4"
        metadata = probe(path)
        assert (metadata.width, metadata.height) == shape
        assert sum(1 for _ in sampled_frames(path, 6, SMALL)) == frames
