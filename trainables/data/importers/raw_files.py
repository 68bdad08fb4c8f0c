"""Raw data sets as they come: the zip as downloaded, or the folder it unpacks to."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.folders import files_below
from crescendo.trainables.storage.reading import check_plain, most_unpacked, too_large


class RawFiles:
    """The files of a raw data set, by their path below its root ("/" between parts); a context manager.

    The root is the folder or zip itself, or the one folder in it that contains `landmark`. A zip is read in place;
    nothing is unpacked. Folders linked into a folder belong to it (`files_below`).
    """

    def __init__(self, path: Path | str, landmark: str | Sequence[str], what: str, *, shown: str = "") -> None:
        """Open the folder or zip `path`.

        `landmark` is a path below the root that every such data set has, or several of which it has one; its parts may be
        patterns (`*`). `what` names the data set in messages, `shown` the landmark.

        Raises
        ------
        InputError
            If `path` is missing, is no zip or a damaged one, has members that climb out of it, or lacks the landmark.
        """
        self.path = Path(path)
        self._zip: zipfile.ZipFile | None = None
        if self.path.is_dir():
            names = [file.relative_to(self.path).as_posix() for file in files_below(self.path)]
        elif self.path.is_file():
            self._zip = _open_zip(self.path)
            names = [member.filename for member in self._zip.infolist() if not member.is_dir()]
        else:
            raise InputError(f"{self.path}: no such file or folder; expected {what}, as a zip or unpacked")
        names = [name for name in names if not _is_of_a_mac(name)]
        landmarks = (landmark,) if isinstance(landmark, str) else tuple(landmark)
        root = _root(names, landmarks)
        if root is None:
            self.close()
            raise InputError(
                f"{self.path}: lacks {shown or landmarks[0]!r}; expected {what}, as downloaded or unpacked"
            )
        self._root = root
        self.names = tuple(sorted(name[len(root) :] for name in names if name.startswith(root)))
        self._known = frozenset(self.names)

    def __enter__(self) -> RawFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def close(self) -> None:
        """Close the zip."""
        if self._zip is not None:
            self._zip.close()

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the names whose every part matches the part of `pattern` (`features/*.npy`), sorted."""
        parts = PurePosixPath(pattern).parts
        return tuple(
            name for name in self.names if len(PurePosixPath(name).parts) == len(parts) and _matches(name, parts)
        )

    def where(self, name: str) -> str:
        """Return the file `name` as messages show it."""
        return str(self.path / self._root / name)

    def local(self, name: str) -> Path | None:
        """Return the file's path on disk; None in a zip."""
        return None if self._zip is not None else self.path / self._root / name

    def written(self, name: str) -> float:
        """Return when the file `name` was last written, in seconds since 1970; a zip says the hour of its own place only."""
        if self._zip is None:
            return (self.path / self._root / name).stat().st_mtime
        try:
            return datetime(*self._zip.getinfo(self._root + name).date_time, tzinfo=UTC).timestamp()
        except ValueError:  # there is none
            return 0.0

    def open(self, name: str) -> IO[bytes]:
        """Open the file `name` for reading bytes.

        Raises
        ------
        InputError
            If the data set has no such file, or it cannot be read.
        """
        if name not in self:
            raise InputError(f"{self.where(name)}: missing from the data set; get the data set again")
        if self._zip is None:
            check_plain(self.path / self._root / name)
        else:
            check_packed(self._zip.getinfo(self._root + name), self.where(name))
        try:
            if self._zip is not None:
                return self._zip.open(self._root + name)
            return (self.path / self._root / name).open("rb")
        except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.where(name)}: cannot be read ({error})") from error

    def read_bytes(self, name: str) -> bytes:
        """Return the content of the file `name`; `InputError` if it is missing, damaged or cut short."""
        with self.open(name) as file:
            try:
                return file.read()
            except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                raise InputError(f"{self.where(name)}: damaged ({error}); get the data set again") from error

    def read_text(self, name: str) -> str:
        """Return the content of the file `name` as UTF-8 text; `InputError` as in `read_bytes`, or if it is no text."""
        try:
            return self.read_bytes(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.where(name)}: not text in UTF-8 ({error})") from error


def check_packed(member: zipfile.ZipInfo, where: str) -> None:
    """Refuse a member of a zip that would unpack to far more than anything that was packed to be read; `InputError`."""
    if member.file_size > (limit := most_unpacked(member.compress_size)):
        raise too_large(where, limit)


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: not a zip file ({error}); download it again, or pass the unpacked folder") from error
    for member in archive.infolist():
        fault = _unsafe(member)
        if fault:
            archive.close()
            raise InputError(f"{path}: member {member.filename!r} {fault}; such a zip is not read")
    return archive


def _is_of_a_mac(name: str) -> bool:
    """Tell whether macOS put a file there beside another, which has nothing in it that was meant to be copied."""
    parts = PurePosixPath(name).parts
    return parts[0] == "__MACOSX" or parts[-1].startswith("._")


def _unsafe(member: zipfile.ZipInfo) -> str:
    # zipfile itself cuts names at a null byte; the name as stored is what must be judged.
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "climbs out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a symbolic link"
    return ""


def _root(names: list[str], landmarks: Sequence[str]) -> str | None:
    wanted = [PurePosixPath(landmark).parts for landmark in landmarks]
    roots = ["", *sorted({name.split("/", 1)[0] + "/" for name in names if "/" in name})]
    return next((root for root in roots if any(_holds(names, root, parts) for parts in wanted)), None)


def _holds(names: list[str], root: str, parts: tuple[str, ...]) -> bool:
    return any(name.startswith(root) and _matches(name[len(root) :], parts) for name in names)


def _matches(name: str, pattern: tuple[str, ...]) -> bool:
    """Whether the first parts of `name` match those of `pattern`."""
    parts = PurePosixPath(name).parts
    return len(parts) >= len(pattern) and all(map(fnmatchcase, parts, pattern))
