"""Made-up videos: as announced, the same every time, and told apart by pattern, not by colour."""

from pathlib import Path

import av
import numpy as np
import pytest
from numbered_frames import numbered, read_number

from crescendo.trainables.data.annotations import Annotations, read_annotations
from crescendo.trainables.data.frames import frame_labels
from crescendo.trainables.errors import InputError
from crescendo.trainables.video.backbones import Preparation
from crescendo.trainables.video.decoding import probe, sampled_frames
from crescendo.trainables.video.synthetic import ODD, PATTERNS, synthesize_videos

SMALL = Preparation(size=42, resize=48)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Annotations]:
    folder = tmp_path_factory.mktemp("videos") / "made"
    return folder, synthesize_videos(folder, recordings=4, labels=3, size=48, odd=True)


def test_annotations_lie_beside_the_videos_they_fit(made: tuple[Path, Annotations]) -> None:
    folder, annotations = made
    stored = read_annotations(folder / "annotations.json")
    assert stored.recordings == annotations.recordings
    assert {path.stem for path in folder.glob("*.mp4")} == set(annotations.recordings)
    assert {subset: len(annotations.of(subset)) for subset in ("training", "validation", "test")} == {
        "training": 4 + len(ODD),
        "validation": 2,
        "test": 2,
    }
    assert set(annotations.labels()) == set(list(PATTERNS)[:3])
    for name, recording in annotations.recordings.items():
        if name not in ("odd_truncated", "odd_empty", "odd_text"):
            frames = sum(1 for _ in sampled_frames(folder / f"{name}.mp4", 6, SMALL))
            assert abs(frames - recording.duration * 6) <= 0.51, name


def test_quirks_are_what_their_names_say(made: tuple[Path, Annotations]) -> None:
    folder, _ = made
    assert (probe(folder / "odd_rotated.mp4").rotation, probe(folder / "odd_rotated.mp4").width) == (90, 48)
    metadata = probe(folder / "odd_size.mp4")
    assert (metadata.width % 2, metadata.height % 2) == (1, 1)
    with av.open(str(folder / "odd_sound.mp4")) as container:
        assert len(container.streams.audio) == 1
    with av.open(str(folder / "odd_variable_rate.mp4")) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert len(set(np.diff(stamps))) > 10
    for name in ("odd_truncated", "odd_empty", "odd_text"):
        with pytest.raises(InputError, match="broken video"):
            list(sampled_frames(folder / f"{name}.mp4", 6, SMALL))
    assert (folder / "odd_empty.mp4").stat().st_size == 0


def test_same_arguments_same_pictures(made: tuple[Path, Annotations], tmp_path: Path) -> None:
    synthesize_videos(tmp_path / "again", recordings=1, labels=3, size=48)
    synthesize_videos(tmp_path / "third", recordings=1, labels=3, size=48)
    synthesize_videos(tmp_path / "other", recordings=1, labels=3, size=48, seed=1)
    again, third, other = (
        np.stack(list(sampled_frames(tmp_path / name / "training_000.mp4", 2, SMALL)))[:10]
        for name in ("again", "third", "other")
    )
    np.testing.assert_array_equal(again, third)
    assert (again[:5] != other[:5]).any()


def test_mean_colours_do_not_tell_the_classes(tmp_path: Path) -> None:
    annotations = synthesize_videos(tmp_path / "videos", recordings=12, labels=3, size=48)
    index = {"background": 0, **{label: number for number, label in enumerate(annotations.labels(), 1)}}
    means, labels = [], []
    for name, recording in annotations.recordings.items():
        frames = np.stack(list(sampled_frames(tmp_path / "videos" / f"{name}.mp4", 2, SMALL)))
        means.append(frames.mean(axis=(2, 3)))
        labels.append(frame_labels(recording.segments, len(frames), 2, index))
    training = np.arange(len(means)) < 12
    x = np.concatenate([one for one, chosen in zip(means, training, strict=True) if chosen])
    y = np.concatenate([one for one, chosen in zip(labels, training, strict=True) if chosen])
    design = np.c_[x, np.ones(len(x))]
    weights = np.linalg.lstsq(design, np.eye(4)[y], rcond=None)[0]
    x_test = np.concatenate([one for one, chosen in zip(means, training, strict=True) if not chosen])
    y_test = np.concatenate([one for one, chosen in zip(labels, training, strict=True) if not chosen])
    guesses = (np.c_[x_test, np.ones(len(x_test))] @ weights).argmax(axis=1)
    assert (guesses == y_test).mean() < np.bincount(y_test).max() / len(y_test) + 0.15


@pytest.mark.parametrize("number", [0, 1, 2, 999])
@pytest.mark.parametrize("shape", [(96, 128), (128, 96), (97, 161)])
def test_numbers_can_be_read_back(number: int, shape: tuple[int, int]) -> None:
    *_, (_, picture) = numbered(range(number + 1), *shape)
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    square = np.moveaxis(picture[top : top + side, left : left + side], -1, 0)
    assert read_number(square, side) == number


@pytest.mark.parametrize("wrong", [{"labels": 7}, {"labels": 0}, {"size": 50}, {"recordings": 0}, {"seed": -1}])
def test_numbers_out_of_range(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="must be"):
        synthesize_videos(tmp_path / "videos", **wrong)
    assert not (tmp_path / "videos").exists()
