"""A Ray of our own: started on this machine, for this machine alone."""

from __future__ import annotations

import logging
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from crescendo.trainables.errors import InputError

_LOOPBACK = "127.0.0.1"
QUIET = {"log_to_driver": False, "logging_level": logging.ERROR}


def start_ray(scratch: Path, object_store: int, tell: Callable[[str], object]) -> None:
    """Start Ray on this machine, with its folder in `scratch` and an object store of `object_store` bytes.

    A node that does not come up in the time that Ray gives it, as on a machine that is busy with other work, is ended and
    started once more, at most twice; `tell` is called with a line that says so.

    Raises
    ------
    InputError
        If it cannot be started.
    """
    *folders, last = (scratch / name for name in "rst")  # nothing of one try is found by the next
    try:
        for folder in folders:
            try:
                _start(folder, object_store)
            except Exception as error:
                if not _too_late(error):
                    raise
                tell("Ray did not start in time, as on a machine that is busy; it is started once more")
            else:
                return
        _start(last, object_store)
    except Exception as error:  # noqa: BLE001  # Ray's own, of many kinds
        if _too_late(error):
            raise InputError(
                "Ray did not start on this machine in the 15 to 30 seconds that it gives itself, three times: other work keeps "
                "the machine busy; start the same command again when it is quieter"
            ) from None
        why = " ".join(str(error).partition("Traceback")[0].split()) or type(error).__name__
        raise InputError(
            f"Ray cannot be started on this machine ({why}); it needs free memory, some room in "
            f"{scratch.parent} (RAY_TMPDIR names another folder) and in /dev/shm, and leave to start processes"
        ) from None


def _too_late(error: Exception) -> bool:
    return "timed out" in str(error).lower()


def _start(folder: Path, object_store: int) -> None:
    """Start Ray, or leave nothing of it."""
    # Ray reads its environment, which `ray_session` sets, as it is imported.
    import ray

    try:
        with _alone(), _without_onlookers():
            ray.init(
                address="local",
                include_dashboard=False,
                object_store_memory=object_store,
                _node_ip_address=_LOOPBACK,
                _temp_dir=str(folder),  # Ray opens its folder to all users; the one around it is ours
                **QUIET,
            )
    except BaseException as error:
        ray.shutdown()
        _end_node(error)
        _end_left(folder)
        raise


# Processes of Ray's that show, collect and scale: a dashboard, here without its pages, a monitor for nodes that come and go,
# and one that passes on what workers print. Each takes seconds to import, and Ray waits for the first.
_ONLOOKERS = ("start_api_server", "start_monitor", "start_log_monitor")


@contextmanager
def _without_onlookers() -> Iterator[None]:
    """Have Ray start what runs trials, and nothing that looks on; it has no setting for that.

    An agent of the dashboard, without which no node starts, is what it is where the packages of the dashboard are not
    installed: it says in half the time that it is there, and Ray gives it 15 seconds. A version of Ray that starts them
    otherwise does as it likes.
    """
    # As above.
    from ray._private import utils
    from ray._private.node import Node

    wanted: list[tuple[Any, str, Callable[..., object]]] = [
        *((Node, name, lambda *_, **__: None) for name in _ONLOOKERS),
        (utils, "get_dashboard_dependency_error", lambda: "it is not asked for"),
    ]
    there = [(owner, name, getattr(owner, name), new) for owner, name, new in wanted if hasattr(owner, name)]
    for owner, name, _, new in there:
        setattr(owner, name, new)
    try:
        yield
    finally:
        for owner, name, own, _ in there:
            setattr(owner, name, own)


def _end_node(error: BaseException) -> None:
    """End the processes of a node that did not come up: it is known to none but the calls that `error` came through."""
    # As above.
    from ray._private.node import Node

    for frame, _ in traceback.walk_tb(error.__traceback__):
        node = frame.f_locals.get("self")
        if isinstance(node, Node):
            node.kill_all_processes(check_alive=False, wait=True)
            return


def _end_left(folder: Path) -> None:
    """End the processes that name `folder`: those of a node that ended itself notice late, and write there until then."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if os.fsencode(f"{folder}/") in file.read_bytes():
                os.kill(int(file.parent.name), signal.SIGKILL)


@contextmanager
def _alone() -> Iterator[None]:
    """Have Ray take the loopback address for this machine's, as it does where it knows no clusters (macOS, Windows).

    Else it makes the machine's outer address of it, and listens on all interfaces. Its variable for that is read when Ray
    is imported, which may be long ago.
    """
    # As above.
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
