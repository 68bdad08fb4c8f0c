"""The connection to Ray: a cluster that is named or there, or one of our own on this machine."""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from crescendo.platform.studies.cohorts import gpu_share
from crescendo.platform.terminal_text import say
from crescendo.platform.tuning.cluster_address import named_address, silence
from crescendo.platform.tuning.own_ray import QUIET, start_ray
from crescendo.platform.tuning.scratch import scratch_folder
from crescendo.search_spaces.schema.phases import Resources
from crescendo.trainables.errors import InputError

# Ray and Tune read these when they are imported or start a process; what the user set stays.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Tune's newer output prints its headings whatever the verbosity.
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # A trial without a GPU of its own must not take another's.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    # The ledger is the state; Tune's snapshots and log files are not needed.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    # Ctrl-C is ours.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "10",
}
# Of a cluster of our own. A machine that is busy for a while is not gone: left to itself, Ray gives a node ten seconds to answer
# whether it lives. And the processes that Ray starts ahead, one a core, are of no use: Tune gives its own an environment, and
# those are begun for it alone.
_ALONE = {"RAY_health_check_timeout_ms": "60000", "RAY_prestart_worker_first_driver": "0"}
# Trials keep nothing in the object store but their reports.
_OBJECT_STORE = 100 * 2**20


@contextmanager
def ray_session(
    *,
    join: bool = False,
    object_store: int = _OBJECT_STORE,
    tell: Callable[[str], object] | None = None,
    meanwhile: Sequence[str] = (),
) -> Iterator[Path]:
    """Connect to the cluster of `RAY_ADDRESS`, else start Ray on this machine, for the time of the block.

    With `join`, a cluster that runs on this machine is joined though no address names it. A connection that is there
    already is used, and left as it is. `object_store` is the size in bytes of the object store of a Ray of our own, which
    listens on the loopback interface only; `tell` is called with a line if that takes a second try (default: standard error).
    `meanwhile` names modules that are imported while Ray starts, which is mostly waiting; none of them may import Ray.
    Yields a temporary folder of this machine that is gone after the block.

    Raises
    ------
    InputError
        If the cluster cannot be reached, or Ray cannot be started.
    """
    _set(_ENVIRONMENT)
    address = named_address(os.environ.get("RAY_ADDRESS"))
    if not (address or join):
        _set(_ALONE)
    if not (address or _may_keep_token()):
        _set({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    elif (address or join) and _has_token():
        _set({"RAY_AUTH_MODE": "token"})  # a cluster begun where there is a token asks for it; the others do not mind
    # Ray reads its environment as it is imported.
    import ray

    threading.Thread(target=_import, args=(meanwhile,), name="imports", daemon=True).start()
    with scratch_folder() as scratch:
        if ray.is_initialized():
            yield scratch
            return
        if address or join:
            _connect(address)
        if not ray.is_initialized():
            start_ray(scratch, object_store, tell or partial(say, err=True))
        try:
            for name in ("ray", "ray.tune"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
            yield scratch
        finally:
            ray.shutdown()


def _import(modules: Sequence[str]) -> None:
    """Import what can be; whoever needs one that cannot says so."""
    for name in modules:
        with suppress(ImportError):
            importlib.import_module(name)


def _connect(address: str | None) -> None:
    """Connect to the cluster at `address`; None: to one that runs on this machine, if any does."""
    # As above.
    import ray
    from ray._private.services import canonicalize_bootstrap_address

    try:
        # Where Ray will look: `localhost` is this machine's outer address to it, `auto` the cluster it finds here.
        found = canonicalize_bootstrap_address(address or "auto")
        why = silence(found)
        if why is None:
            ray.init(address=found, **QUIET)
    except Exception as error:  # noqa: BLE001  # Ray's own, of many kinds: no cluster, another version, another token
        why = " ".join(str(error).split()) or type(error).__name__
    if why is not None and address:
        raise InputError(
            f"RAY_ADDRESS {address}: no Ray cluster can be joined there ({why}); "
            "start it, or unset RAY_ADDRESS to run on this machine"
        )


class NodeWatch:
    """Whether the cluster still has a node. Without one Tune would wait for ever for somewhere to start a trial."""

    def __init__(self, seconds: float = 5.0) -> None:
        """Ask the cluster at most every `seconds`."""
        self._seconds, self._asked, self._lost = seconds, time.monotonic(), False

    def problem(self) -> str | None:
        """Return what to say if every node is gone."""
        gone = "Ray's nodes are all gone; nothing is lost: start the same study again and it goes on"
        return gone if self._nodes_lost() else None

    def _nodes_lost(self) -> bool:
        if time.monotonic() - self._asked >= self._seconds:
            # As above.
            import ray

            self._asked, self._lost = time.monotonic(), not any(node["Alive"] for node in ray.nodes())
        return self._lost


def _has_token() -> bool:
    named = "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ
    return named or _token_file().is_file()


def _may_keep_token() -> bool:
    """Tell whether Ray finds its token in the home folder, or can put one there."""
    folder = next((one for one in _token_file().parents if one.exists()), Path("/"))
    return _has_token() or (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK))


def _token_file() -> Path:
    return Path.home() / ".ray" / "auth_token"


def _set(variables: Mapping[str, str]) -> None:
    for key, value in variables.items():
        os.environ.setdefault(key, value)


def cohorts_at_once(resources: Resources) -> int:
    """Return how many cohorts, or single trials, run side by side: what the study says, or what there is room for.

    Raises
    ------
    InputError
        If no node of the cluster can ever run one.
    """
    # As above.
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(_room(node, resources) for node in nodes)
    if not room:
        cpus = max((node.get("CPU", 0) for node in nodes), default=0)
        gpus = max((node.get("GPU", 0) for node in nodes), default=0)
        raise InputError(
            f"resources: a trial asks for {resources.cpus} CPUs and {resources.gpus:g} GPUs, but no node has them "
            f"(the largest has {cpus:g} CPUs and {gpus:g} GPUs); lower resources.cpus or resources.gpus, "
            "or start a larger node first"
        )
    return resources.concurrent or room


def _room(node: dict[str, float], resources: Resources) -> int:
    by_cpu = int(node.get("CPU", 0) // resources.cpus)
    if not resources.gpus:
        return by_cpu
    # A share lies on one GPU: 0.6 of each of two GPUs is room for two trials, not for three.
    by_gpu = int(node.get("GPU", 0)) * int(1 / gpu_share(resources) + 1e-9)
    return min(by_cpu, by_gpu)
