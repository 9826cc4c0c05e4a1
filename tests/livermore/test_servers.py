"""Servers that are given: which are usable, and how the others are refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, TCPServer

import pytest

from livermore import servers
from tests.stack import LazyStack


@contextmanager
def redis_that_says(info: str) -> Iterator[str]:
    """A server that speaks just enough RESP to tell what it is."""

    class Conversation(StreamRequestHandler):
        def handle(self) -> None:
            while (count := self.rfile.readline()).startswith(b"*"):
                words = []
                for _ in range(int(count[1:])):
                    self.rfile.readline()
                    words.append(self.rfile.readline().strip().upper())
                if words[0] == b"INFO":
                    self.wfile.write(f"${len(info)}\r\n{info}\r\n".encode())
                else:
                    self.wfile.write(b"+OK\r\n")

    with TCPServer(("127.0.0.1", 0), Conversation) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        finally:
            server.shutdown()
            thread.join()


def test_our_own_servers_are_usable(stack: LazyStack) -> None:
    assert servers.redis_obstacle(stack.redis_url) is None
    maintenance = stack.database_url.removesuffix("livermore") + "postgres"
    assert servers.database_obstacle(maintenance) is None


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ("redis_version:7.2.4\r\nredis_mode:cluster\r\n", "is a cluster"),
        ("redis_version:6.0.16\r\nredis_mode:standalone\r\n", "is version 6.0.16"),
        ("redis_version:5.0.7\r\nredis_mode:standalone\r\n", "needs 6.2 or newer"),
    ],
)
def test_a_redis_of_the_wrong_kind_is_refused(info: str, says: str) -> None:
    with redis_that_says(info) as url:
        assert says in (servers.redis_obstacle(url) or "")


def test_the_oldest_redis_is_usable() -> None:
    with redis_that_says("redis_version:6.2.0\r\nredis_mode:standalone\r\n") as url:
        assert servers.redis_obstacle(url) is None


def test_a_wrong_password_is_told_without_it(stack: LazyStack) -> None:
    password = stack.database_url.split(":")[2].split("@")[0]
    said = servers.database_obstacle(stack.database_url.replace(password, "hush"))
    assert said is not None
    assert "password authentication failed" in said
    assert "hush" not in said


def test_an_address_that_is_none_is_told() -> None:
    assert "does not let us in" in (servers.redis_obstacle("http://example.org") or "")
