"""Which video belongs to which annotation."""

from pathlib import Path

import pytest

from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.errors import InputError
from crescendo.trainables.video.collection import find_videos, listed, match_videos


def annotations(*names: str) -> Annotations:
    return Annotations({name: Recording("training", 1.0, ()) for name in names})


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_videos_are_matched_by_name_and_the_rest_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "v_a.mp4", "sub/b.MKV", "alone.webm", "notes.txt", "b.json")
    matched = match_videos(find_videos(tmp_path), annotations("b", "a", "gone"))
    assert {name: path.name for name, path in matched.videos.items()} == {"b": "b.MKV", "a": "v_a.mp4"}
    assert list(matched.videos) == ["b", "a"]
    assert matched.notes == (
        "videos without annotations, left out: 1 (alone)",
        "annotated recordings without a video, left out: 1 (gone)",
    )


def test_one_video(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    assert list(find_videos(tmp_path / "a.mp4")) == ["a"]


@pytest.mark.parametrize(
    ("files", "names", "message"),
    [
        (["notes.txt"], ["a"], "holds no videos"),
        (["a.mp4", "sub/a.mkv"], ["a"], "stand for the same recording"),
        (["a.mp4", "v_a.mp4"], ["a"], "stand for the recording 'a'"),
        (["x.mp4"], ["a"], "none of the 1 videos is annotated: 'x'"),
    ],
)
def test_what_cannot_be_matched(tmp_path: Path, files: list[str], names: list[str], message: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises(InputError, match=message):
        match_videos(find_videos(tmp_path), annotations(*names))


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        find_videos(tmp_path / "nowhere")


def test_long_lists_are_cut() -> None:
    assert listed(map(str, range(7))) == "7 (0, 1, 2, 3, 4 and 2 more)"
