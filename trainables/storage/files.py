"""Files that are complete or absent."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crescendo.trainables.errors import InputError, SurroundingsError
from crescendo.trainables.storage.partial_folders import exchange, partial_folder, partial_prefix
from crescendo.trainables.storage.reading import reason

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AWAY = (
    errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH,
)  # fmt: skip
_BLOCK = 4096


@contextmanager
def mended(destination: Path) -> Iterator[None]:
    """Turn what keeps the block from writing `destination` into one line that names it.

    Raises
    ------
    SurroundingsError
        In place of `OSError`: a disk that is full or does not answer.
    InputError
        In place of others: a missing permission, a file where a folder must be, a name too long ...
    """
    try:
        yield
    except (ConnectionError, ChildProcessError, TimeoutError, InterruptedError):
        raise  # no fault of the destination
    except OSError as error:
        if error.errno in _FULL:
            raise SurroundingsError(
                f"{destination}: the disk or the quota is full; free some space and start again"
            ) from error
        if error.errno in _AWAY:
            raise SurroundingsError(
                f"{destination}: the disk does not answer ({reason(error)}); start again once it does"
            ) from error
        where, done = _at_fault(destination, error)
        raise InputError(f"{where}: cannot be {done} ({reason(error)}); choose another place") from error


def _at_fault(destination: Path, error: OSError) -> tuple[object, str]:
    """Return the path that `error` is about and what it cannot be: `destination`, or a file elsewhere that was read."""
    if isinstance(error.filename, str):
        path, ours = Path(error.filename).absolute(), destination.absolute()
        if not (ours.is_relative_to(path) or path.is_relative_to(ours.parent)):
            return error.filename, "read or written"
    return destination, "written"


def check_folder(folder: Path, content: Path | None = None) -> None:
    """Find out whether files can be written in `folder`, which need not exist, before work is done for them.

    `content` is what is to be written in it, for the message; default: `folder`.

    Raises
    ------
    InputError
        If they cannot. Nothing is left in any case.
    """
    with mended(content or folder):
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(_BLOCK))
                probe.flush()  # a full disk says so here
        finally:
            with suppress(OSError):
                for path in made:
                    path.rmdir()


def user_path(path: str | Path) -> Path:
    """Return `path` with the home folder in place of a leading `~`, which shells leave in `--output=~/x` and in files."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # what is no user's home stays as it is


def check_new_folder(destination: Path) -> None:
    """Find out whether `atomic_directory` will be able to write `destination`, before work is done for it.

    Raises
    ------
    InputError
        If something is there, or it cannot be written.
    """
    _check_absent(destination)
    check_folder(destination.parent, destination)


def _check_absent(destination: Path) -> None:
    with mended(destination):
        if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
            raise InputError(f"{destination}: exists already; remove it or choose another destination")
        if destination.name == "..":
            raise InputError(f"{destination}: names a folder by what is in it; name the folder itself")
        if destination.exists() and destination.samefile("."):
            raise InputError(
                f"{destination}: is the working folder, which nothing can take the place of; name one in it"
            )


def check_file(destination: Path) -> None:
    """Find out whether `atomic_file` will be able to write `destination`, before work is done for it.

    Raises
    ------
    InputError
        If it is a folder or a device, or cannot be written.
    """
    _replaceable(destination)
    check_folder(destination.parent, destination)


def _replaceable(destination: Path) -> Path:
    """Return the file that `destination` is or, as a link, leads to; `InputError` if that can be no file of ours."""
    with mended(destination):
        if destination.is_dir():
            raise InputError(f"{destination}: is a folder; name a file")
        if destination.exists() and not destination.is_file():
            raise InputError(f"{destination}: is a device or a pipe, which cannot be replaced by a file; name a file")
        target = Path(os.path.realpath(destination)) if destination.is_symlink() else destination
        if target.is_symlink():
            raise InputError(f"{destination}: is a link that leads to itself; name a file")
        return target


def cache_folder() -> Path:
    """Return this user's cache folder, which may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crescendo"


@contextmanager
def atomic_directory(destination: Path | str, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder that becomes `destination` when the block ends, and vanishes when it fails.

    With `replace` a folder that is there already stays until then, and never is there none.

    Raises
    ------
    InputError
        If `destination` exists and is not an empty folder, unless `replace`; if it cannot be written, or the disk fills.
    """
    destination = Path(destination)
    with mended(destination):
        if not replace:
            _check_absent(destination)
        elif destination.is_symlink():
            destination = destination.resolve()
        destination.parent.mkdir(parents=True, exist_ok=True)
        with partial_folder(destination) as partial:
            partial.chmod(0o777 & ~_umask())
            try:
                yield partial
            except InputError as error:
                if str(partial) in str(error):
                    kind = SurroundingsError if isinstance(error, SurroundingsError) else InputError
                    raise kind(str(error).replace(str(partial), str(destination))) from error
                raise
            if replace and destination.exists():
                exchange(partial, destination)
                return
            if destination.exists():
                destination.rmdir()
            partial.rename(destination)


@contextmanager
def atomic_file(destination: Path | str) -> Iterator[Path]:
    """Yield the path of a new file that replaces `destination` when the block ends, and vanishes when it fails.

    Raises
    ------
    InputError
        If `destination` is a folder or a device, cannot be written, or the disk fills.
    """
    destination = _replaceable(Path(destination))
    with mended(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=partial_prefix(destination), dir=destination.parent)
        os.close(handle)
        partial = Path(name)
        try:
            partial.chmod(0o666 & ~_umask())
            yield partial
            flush_to_disk(partial)
            partial.replace(destination)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def flush_to_disk(path: Path) -> None:
    """Flush the content of `path` to the disk, so that it outlives a crash of the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
