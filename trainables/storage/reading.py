"""Files as others left them: plain ones, read whole and within bounds, and of the shape that is expected.

Every reader of a kind of file (JSON, YAML, NumPy, Arrow, safetensors ...) opens it through this module, so that a pipe
without a writer, a device, a damaged file or content of another shape ends in one line.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crescendo.trainables.errors import InputError

# What a compressed file may unpack to in any case, and beyond that as a multiple of its own size: text and numbers that
# mean something come to a tenth or a thirtieth, what was made to fill a disk to a thousandth.
_UNPACKED, _RATIO = 100 * 2**20, 100
# A pipe has no size that could be looked at before.
_LARGEST_PIPE = 2**30


def reason(error: OSError) -> str:
    """Return in a few words what the system says, without the path."""
    return error.strerror or " ".join(str(error).split())


def check_plain(path: Path) -> None:
    """Refuse what is no plain file that this user may read: a folder, a pipe, a device. A link to a plain file is one.

    Raises
    ------
    InputError
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)})") from None
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: must be a plain file but is {_kind(mode)}")
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); make it readable") from None


def read_bytes(path: Path) -> bytes:
    """Return what the file `path` holds, or what comes through the pipe `path` until its writer ends.

    Raises
    ------
    InputError
        If it is missing, cannot be read, is a folder or a device, or a pipe that nobody writes to or that does not end.
    """
    try:
        # Otherwise a pipe without a writer would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with io.FileIO(descriptor) as file:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISREG(mode):
                return file.readall()
            if not stat.S_ISFIFO(mode):
                raise InputError(f"{path}: must be a file but is {_kind(mode)}")
            return _from_pipe(path, file)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)})") from None


def _from_pipe(path: Path, file: io.FileIO) -> bytes:
    content = file.read(1)  # None: there is a writer, who has written nothing yet
    if content == b"":
        raise InputError(f"{path}: is a pipe that nobody writes to")
    os.set_blocking(file.fileno(), True)
    whole = bytearray(content or b"")
    while part := file.read(2**20):
        whole += part
        if len(whole) > _LARGEST_PIPE:
            raise InputError(f"{path}: is a pipe with more than {_LARGEST_PIPE:,} bytes; write a file")
    return bytes(whole)


def read_text(path: Path, largest: int) -> str:
    """Return the text that the file `path` holds, in UTF-8.

    Raises
    ------
    InputError
        As `read_bytes` does; or if it is no such text, or has more than `largest` bytes.
    """
    return decoded(bounded(read_bytes(path), path, largest), path)


def bounded(data: bytes, where: object, largest: int) -> bytes:
    """Return what the file `where` holds; `InputError` if that is more than `largest` bytes."""
    if len(data) > largest:
        raise InputError(f"{where}: has {len(data):,} bytes, more than the {largest:,} that are read")
    return data


def decoded(data: bytes, where: object) -> str:
    """Return the UTF-8 text that the file `where` holds as `data`; `InputError` if that is none."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: must be UTF-8 text but byte {error.start} is not; save it as UTF-8") from None


def unpack(data: bytes, where: str) -> bytes:
    """Return what the gzip file `where`, whose bytes are `data`, unpacks to.

    Raises
    ------
    InputError
        If it is damaged, cut short, or unpacks to far more than anything that was packed to be read.
    """
    limit = most_unpacked(len(data))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{where}: not a complete gzip file ({error})") from None
    if len(content) > limit:
        raise too_large(where, limit)
    return content


def most_unpacked(packed: int) -> int:
    """Return how many bytes a file of `packed` bytes may unpack to."""
    return max(_UNPACKED, _RATIO * packed)


def too_large(where: str, limit: int) -> InputError:
    """Return the refusal of a file that would unpack to more than `limit` bytes."""
    return InputError(f"{where}: would unpack to more than {limit:,} bytes; unpack it yourself if you trust it")


@contextmanager
def expecting(what: str, where: object, remedy: str) -> Iterator[None]:
    """Turn what comes of content of another shape than the block expects into one line.

    `what` names what was expected ("a checkpoint"), `where` the file, `remedy` what to do.

    Raises
    ------
    InputError
        In place of `KeyError`, `TypeError`, `ValueError` and their like.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError) as error:
        raise InputError(f"{where}: is not {what} ({_fault(error)}); {remedy}") from error


def mapping(content: Any) -> dict[str, Any]:
    """Return `content`, an object of JSON; `TypeError` if it is none."""
    if not isinstance(content, dict):
        raise TypeError(f"must be an object but is {content!r:.40}")
    return content


def _fault(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {str(error)[:80]}"
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_one, name in kinds if is_one(mode)), "a device")
