"""Which video belongs to which annotation."""

import unicodedata
from pathlib import Path

import pytest

from crescendo.trainables.data.annotations import Annotations, Recording
from crescendo.trainables.errors import InputError
from crescendo.trainables.video.collection import find_videos, match_videos


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


def test_videos_of_linked_folders_and_links_to_nowhere(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.mp4", "videos/b.mp4")
    (tmp_path / "videos" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "videos" / "up").symlink_to(tmp_path)
    (tmp_path / "videos" / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert list(find_videos(tmp_path / "videos")) == ["b", "gone", "a"]


@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_an_accent_is_the_same_letter_however_it_is_written(tmp_path: Path, written: str, stored: str) -> None:
    name, file = unicodedata.normalize(written, "v_café é"), unicodedata.normalize(stored, "v_café é")
    touch(tmp_path, f"{file}.mp4")
    for recording in (name, name.removeprefix("v_")):
        assert [path.stem for path in match_videos(find_videos(tmp_path), annotations(recording)).videos.values()] == [
            file
        ]


def test_two_files_of_one_name_in_two_spellings(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    touch(tmp_path, f"{composed}.mp4", f"{decomposed}.mkv")
    matched = match_videos(find_videos(tmp_path), annotations(composed, decomposed)).videos
    assert [path.suffix for path in matched.values()] == [".mp4", ".mkv"]
    touch(tmp_path, f"v_{decomposed}.mkv")
    with pytest.raises(InputError, match="stand for the recording"):
        match_videos(find_videos(tmp_path), annotations(composed))


def test_one_video(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    assert list(find_videos(tmp_path / "a.mp4")) == ["a"]


@pytest.mark.parametrize(
    ("files", "names", "message"),
    [
        (["notes.txt"], ["a"], "holds no videos"),
        (["a.mp4", "sub/a.mkv"], ["a"], "stand for the same recording"),
        (["a.mp4", "v_a.mp4"], ["a"], "stand for the recording 'a'"),
        (["x.mp4"], ["a"], "of 1 video none is annotated: 'x'"),
    ],
)
def test_what_cannot_be_matched(tmp_path: Path, files: list[str], names: list[str], message: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises(InputError, match=message):
        match_videos(find_videos(tmp_path), annotations(*names))


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        find_videos(tmp_path / "nowhere")
