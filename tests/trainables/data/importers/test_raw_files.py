"""Raw data sets as zips and folders."""

import os
import stat
import zipfile
from pathlib import Path

import pytest

from crescendo.trainables.data.importers.raw_files import RawFiles
from crescendo.trainables.errors import InputError

FILES = {"data/a.txt": "first", "data/b/c.txt": "second", "read.me": "about"}


def folder_of(root: Path, files: dict[str, str] = FILES) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def zip_of(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("wrap", ["", "wrapping/"])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_folder_and_zip_wrapped_or_not_read_alike(tmp_path: Path, kind: str, wrap: str) -> None:
    members = {wrap + name: text for name, text in FILES.items()}
    path = folder_of(tmp_path / "d", members) if kind == "folder" else zip_of(tmp_path / "d.zip", members)
    with RawFiles(path, "data/*.txt", "a test set") as source:
        assert source.names == ("data/a.txt", "data/b/c.txt", "read.me")
        assert source.matching("data/*") == ("data/a.txt",)
        assert "read.me" in source
        assert source.read_text("data/b/c.txt") == "second"
        assert source.read_bytes("read.me") == b"about"
        with pytest.raises(InputError, match=r"data/no\.txt: missing from the data set"):
            source.read_bytes("data/no.txt")


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        ("../evil.txt", "climbs out"),
        ("data/../../evil.txt", "climbs out"),
        ("data\\..\\..\\evil.txt", "climbs out"),
        ("/etc/evil.txt", "absolute"),
        ("C:\\evil.txt", "absolute"),
    ],
)
def test_zip_whose_members_climb_out_is_refused(tmp_path: Path, member: str, fault: str) -> None:
    path = zip_of(tmp_path / "evil.zip", {"data/a.txt": "good", member: "evil"})
    with pytest.raises(InputError, match=fault) as error:
        RawFiles(path, "data", "a test set")
    assert str(path) in str(error.value)


def test_zip_with_symbolic_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("data/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr("data/a.txt", "good")
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="symbolic link"):
        RawFiles(tmp_path / "link.zip", "data", "a test set")


def test_file_that_is_no_zip_and_missing_source(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"this is no zip")
    with pytest.raises(InputError, match=r"no\.zip: not a zip file"):
        RawFiles(tmp_path / "no.zip", "data", "a test set")
    with pytest.raises(InputError, match="no such file or folder"):
        RawFiles(tmp_path / "nowhere", "data", "a test set")


def test_zip_cut_short_is_refused(tmp_path: Path) -> None:
    whole = zip_of(tmp_path / "whole.zip", FILES).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a zip file"):
        RawFiles(tmp_path / "cut.zip", "data", "a test set")


def test_damaged_member_is_found_when_read(tmp_path: Path) -> None:
    content = bytearray(zip_of(tmp_path / "d.zip", {"data/a.txt": "spoil me"}).read_bytes())
    at = content.index(b"spoil me")
    content[at : at + 5] = b"SPOIL"
    (tmp_path / "d.zip").write_bytes(content)
    with RawFiles(tmp_path / "d.zip", "data", "a test set") as source, pytest.raises(InputError, match="damaged"):
        source.read_bytes("data/a.txt")


def test_other_data_sets_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks 'RawData/labels\.txt'; expected HAPT"):
        RawFiles(folder_of(tmp_path / "d"), "RawData/labels.txt", "HAPT")


def test_text_must_be_utf8(tmp_path: Path) -> None:
    (folder_of(tmp_path / "d") / "data/a.txt").write_bytes(b"\xff\xfe\xff")
    with RawFiles(tmp_path / "d", "data", "a test set") as source, pytest.raises(InputError, match="not text"):
        source.read_text("data/a.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_file_without_permission(tmp_path: Path) -> None:
    (folder_of(tmp_path / "d") / "data/a.txt").chmod(0)
    with RawFiles(tmp_path / "d", "data", "a test set") as source, pytest.raises(InputError, match="cannot be read"):
        source.read_bytes("data/a.txt")
