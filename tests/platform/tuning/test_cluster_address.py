"""Addresses of clusters: what is refused by its form, and what is found within seconds not to answer as Ray does."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tracking_servers import free_port

from crescendo.platform.tuning.cluster_address import named_address, silence
from crescendo.platform.tuning.session import ray_session
from crescendo.trainables.errors import InputError


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("local", None),
        ("auto", "auto"),
        ("head:6379", "head:6379"),
        (" 10.0.0.1:6379\n", "10.0.0.1:6379"),
        ("[::1]:6379", "[::1]:6379"),
    ],
)
def test_addresses_that_are_taken(value, address):
    assert named_address(value) == address


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("head", "'head': has no port"),
        ("127.0.0.1", "has no port"),
        ("head:", "is no HOST:PORT"),
        (":6379", "is no HOST:PORT"),
        ("head:0", "is no HOST:PORT"),
        ("head:65536", "is no HOST:PORT"),
        ("head:6379/x", "is no HOST:PORT"),
        ("head:port", "is no HOST:PORT"),
        ("head node:6379", "is no HOST:PORT"),
        ("::1:6379", "is no HOST:PORT"),
        ("head:6379\nother:6379", "is no HOST:PORT"),
        ("ray://head:10001", "Ray's client"),
        ("http://head:8265", "Ray's job server"),
        ("HTTPS://head:8265", "Ray's job server"),
        ("redis://head:6379", "something else"),
    ],
)
def test_other_forms_are_refused_in_one_line(monkeypatch, value, what):
    monkeypatch.setenv("RAY_ADDRESS", value)
    with pytest.raises(InputError, match=re.escape(what)) as error, ray_session():
        pass
    assert "\n" not in str(error.value)
    assert "HEAD:6379" in str(error.value)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def answering(server: socket.socket, answer: bytes) -> threading.Thread:
    """Answer one connection and hold it until it is closed."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection, suppress(ConnectionError):
            connection.sendall(answer)
            while connection.recv(1024):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "no answer within 0.2 s"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what listens there is no Ray"),
        (b"-ERR unknown command\r\n", "what listens there is no Ray"),
        (bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)), None),  # the settings of a gRPC server
    ],
)
def test_what_listens_there_must_speak_grpc(listener, answer, why):
    thread = answering(listener, answer)
    assert silence(f"127.0.0.1:{listener.getsockname()[1]}", seconds=0.2 if not answer else 60) == why
    thread.join()


def test_a_closed_port_and_a_machine_that_is_not_known_are_said():
    assert silence(f"127.0.0.1:{free_port()}") == "Connection refused"
    assert "not known" in silence("no-such-machine.invalid:6379")
    assert silence(f"{'x' * 70}.invalid:6379")
