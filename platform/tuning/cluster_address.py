"""Where a Ray cluster answers: the form of `RAY_ADDRESS`, and whether a Ray listens there, before Ray itself is asked.

Ray waits minutes for an address that nobody answers at, and ends the process where it gives up.
"""

from __future__ import annotations

import os
import re
import socket

from crescendo.trainables.errors import InputError

SECONDS = 5.0
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})")
# What opens every HTTP/2 connection (RFC 9113, 3.4): Ray's control store speaks gRPC, and answers with settings of its own.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS = 4
_REMEDY = "write HOST:PORT of the cluster's head (as a rule HEAD:6379), or unset RAY_ADDRESS to run on this machine"


def named_address(value: str | None) -> str | None:
    """Return `RAY_ADDRESS` as Ray is told it: HOST:PORT, or `auto`; None if it names no cluster (unset, or `local`).

    Raises
    ------
    InputError
        If it is of no form that a study can run at.
    """
    address = (value or "").strip()
    if address in ("", "local"):
        return None
    if address == "auto":
        return address
    if "://" in address:
        what = {"ray": "Ray's client", "http": "Ray's job server", "https": "Ray's job server"}.get(
            address.partition("://")[0].lower(), "something else"
        )
        raise InputError(f"RAY_ADDRESS {address}: an address of {what}, which no study can run at; {_REMEDY}")
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 2**16:
        lacks = "has no port" if ":" not in address else "is no HOST:PORT"
        raise InputError(f"RAY_ADDRESS {address!r}: {lacks}; {_REMEDY}")
    return address


def silence(address: str, seconds: float = SECONDS) -> str | None:
    """Return why no Ray cluster can be reached at HOST:PORT, None if one seems to answer.

    `seconds` is how long the machine has for each of: taking the connection, and saying that it speaks gRPC.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return "it is no HOST:PORT"
    host, port = found["host"].strip("[]"), int(found["port"])
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            if os.environ.get("RAY_USE_TLS", "0") == "1":
                return None  # what it speaks is not for others to read
            connection.sendall(_PREFACE)
            return None if _settings(connection) else "what listens there is no Ray"
    except socket.gaierror as error:
        return f"the machine {host} is not known: {error.strerror}"
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)


def _settings(connection: socket.socket) -> bool:
    """Tell whether what comes begins with an HTTP/2 frame of settings."""
    head = b""
    while len(head) < 4 and (more := connection.recv(4 - len(head))):
        head += more
    return len(head) == 4 and head[3] == _SETTINGS
