"""Connections to a Redis that takes them and answers nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import redis
from pytest_django import Settings as Configuration

from control import wire


@pytest.fixture
def silent(settings: Configuration, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A server that takes connections, and answers none."""
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        yield server


def dialled(server: socket.socket) -> int:
    """How often this was connected to since it was last asked."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except TimeoutError:
            return count
        count += 1


def test_who_has_just_waited_in_vain_does_not_wait_again(
    silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "REST_SECONDS", 60.0)
    with wire.connect() as client:
        with pytest.raises(redis.TimeoutError):
            client.get("first")
        assert dialled(silent) == 1
        with pytest.raises(redis.TimeoutError, match="a moment ago"):
            client.get("second")
        pipe = client.pipeline(transaction=False)
        pipe.get("third")
        with pytest.raises(redis.TimeoutError, match="a moment ago"):
            pipe.execute()
        assert dialled(silent) == 0


def test_it_is_asked_again_after_a_rest(
    silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "REST_SECONDS", 0.0)
    with wire.connect() as client:
        for _ in range(2):
            with pytest.raises(redis.TimeoutError):
                client.get("name")
            assert dialled(silent) == 1


def test_one_that_refuses_is_asked_again_at_once(silent: socket.socket) -> None:
    silent.close()
    with wire.connect() as client:
        for _ in range(2):
            with pytest.raises(redis.ConnectionError, match="refused"):
                client.get("name")
