"""Folders that are linked into a folder belong to it."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.folders import files_below

# Files and links (path -> target, relative to the root); the files that lie below "in"; each named once.
CASES = {
    "none": (["in/a", "in/b/c"], {}, ["a", "b/c"]),
    "a folder beside": (["out/a", "in/b"], {"in/link": "out"}, ["b", "link/a"]),
    "its own folder is a link": (["out/a"], {"in": "out"}, ["a"]),
    "a link in a linked folder": (["far/a", "out/b"], {"out/on": "far", "in/link": "out"}, ["link/b", "link/on/a"]),
    "the folder that the link is in": (["in/b/a"], {"in/b/here": "in/b"}, ["b/a"]),
    "the parent": (["in/b/a", "x"], {"in/b/up": "in", "in/out": "."}, ["b/a"]),
    "the parent of a linked folder": (["far/out/a", "far/x"], {"far/out/up": "far", "in/link": "far/out"}, ["link/a"]),
    "a folder that is there itself": (["in/z/a"], {"in/a": "in/z"}, ["z/a"]),
    "one folder twice": (["out/a"], {"in/1": "out", "in/2": "out"}, ["1/a"]),
    "a folder and one in it": (["out/b/a", "out/x"], {"in/1": "out/b", "in/2": "out"}, ["1/a", "2/x"]),
    "each other": (["in/a"], {"out/in": "in", "in/link": "out"}, ["a"]),
    "a file": (["out/a"], {"in/b": "out/a"}, ["b"]),
    "nowhere": (["in/a"], {"in/gone": "nowhere"}, ["a", "gone"]),
    "itself": (["in/a"], {"in/self": "in/self"}, ["a", "self"]),
    "the disk's own folder": (["in/a", "in/lost+found/b"], {}, ["a"]),
}


def made(root: Path, files: list[str], links: dict[str, str]) -> None:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, target in links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(root / target)


@pytest.mark.parametrize("case", CASES)
def test_a_link_to(tmp_path: Path, case: str) -> None:
    files, links, found = CASES[case]
    made(tmp_path, files, links)
    assert [path.relative_to(tmp_path / "in").as_posix() for path in files_below(tmp_path / "in")] == found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(links=st.dictionaries(st.integers(0, 11), st.integers(0, 4), max_size=10))
def test_any_links_end_and_name_no_file_twice(tmp_path_factory, links: dict[int, int]) -> None:
    root = tmp_path_factory.mktemp("links")
    folders = ["in", "in/1", "in/1/2", "out", "out/3"]
    made(root, [f"{folder}/file" for folder in folders], {})
    for number, target in links.items():
        (root / folders[number % 5] / f"link{number}").symlink_to(root / folders[target])
    real = [os.path.realpath(path) for path in files_below(root / "in")]
    assert len(set(real)) == len(real)
    assert {str(root / folder / "file") for folder in folders[:3]} <= set(real)


@pytest.mark.skipif(os.geteuid() == 0, reason="an administrator may read everything")
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(InputError, match=r"shut: cannot be read \(Permission denied\)"):
        files_below(tmp_path)
