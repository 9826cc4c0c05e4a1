"""The embedded servers, for real: cold, warm, killed, refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from livermore.embedded import binaries
from livermore.embedded.account import Account, server_account
from livermore.embedded.errors import StackError
from livermore.embedded.ports import free_port, is_free
from livermore.embedded.stack import Stack
from tests.livermore.processes import kill_all, wait_until_gone


@pytest.fixture
def stack(state: Path) -> Iterator[Stack]:
    stack = Stack(state)
    stack.start()
    yield stack
    stack.stop()


def add_a_row(stack: Stack) -> int:
    with psycopg.connect(stack.database_url, autocommit=True) as session:
        session.execute("CREATE TABLE IF NOT EXISTS kept (id serial)")
        session.execute("INSERT INTO kept DEFAULT VALUES")
        row = session.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def count_up(stack: Stack) -> int:
    with redis.Redis.from_url(stack.redis_url) as client:
        return int(client.incr("kept"))


def test_what_was_acknowledged_survives_a_stop(stack: Stack, state: Path) -> None:
    assert (add_a_row(stack), count_up(stack)) == (1, 1)
    stack.stop()
    wait_until_gone(state)
    again = Stack(state)
    again.start()
    assert (add_a_row(again), count_up(again)) == (2, 2)
    again.stop()


def test_what_was_acknowledged_survives_kill_9_of_everything(stack: Stack, state: Path) -> None:
    assert (add_a_row(stack), count_up(stack)) == (1, 1)
    kill_all(state / "servers")
    again = Stack(state)
    again.start()
    assert (add_a_row(again), count_up(again)) == (2, 2)
    again.stop()


def test_servers_ask_for_a_password(stack: Stack) -> None:
    password = stack.database_url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stack.database_url.replace(password, "guess"))
    with (
        redis.Redis.from_url(stack.redis_url.replace(password, "guess")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_servers_do_not_run_as_root(stack: Stack, state: Path) -> None:
    owner = (state / "servers" / "postgres" / "data" / "postmaster.pid").stat().st_uid
    assert owner == server_account().uid != 0


def test_a_given_address_is_used_and_only_the_other_server_is_started(state: Path) -> None:
    stack = Stack(state, database_url="postgresql://elsewhere/db")
    stack.start()
    assert [server.title for server in stack.servers] == ["Redis"]
    assert stack.database_url == "postgresql://elsewhere/db"
    assert count_up(stack) == 1
    stack.stop()


def test_with_both_addresses_given_nothing_is_made(state: Path) -> None:
    Stack(state, database_url="postgresql://a/b", redis_url="redis://a").start()
    assert list(state.iterdir()) == []


def test_a_taken_port_is_exchanged_for_another(
    state: Path, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    taken = stack.servers[0].port
    assert not is_free(taken)
    other = Stack(state / "other")
    for server in other.servers:
        server.port = taken
    other.start(on_their_ports=True)
    assert taken not in {server.port for server in other.servers}
    assert count_up(other) == 1
    other.stop()


def test_a_full_disk_is_one_sentence_and_leaves_nothing_running(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = shutil.disk_usage(state)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: facts._replace(free=10_000_000))
    with pytest.raises(StackError, match=r"is full \(200 MB are needed\): free some space"):
        Stack(state).start()
    wait_until_gone(state / "servers")
    assert not (state / "servers" / "postgres" / "data").exists()


def test_a_half_made_database_is_made_anew(state: Path) -> None:
    stack = Stack(state)
    half = state / "servers" / "postgres" / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    stack.start()
    assert add_a_row(stack) == 1
    assert not half.exists()
    stack.stop()


def test_a_lost_password_says_how_to_go_on(stack: Stack, state: Path) -> None:
    stack.stop()
    (state / "server-password").unlink()
    with pytest.raises(StackError, match=r"password of the database .* was lost"):
        Stack(state).start()
    wait_until_gone(state / "servers")


def test_a_database_of_another_version_is_not_touched(stack: Stack, state: Path) -> None:
    stack.stop()
    version = state / "servers" / "postgres" / "data" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(StackError, match=r"was made by PostgreSQL 9, but only .* is here"):
        Stack(state).start()
    assert version.read_text() == "9\n"


def test_a_missing_binary_says_how_to_get_one(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_valkey_candidates", lambda: iter(()))
    with pytest.raises(StackError, match="No Redis server was found: run `make setup`"):
        Stack(state).start()


def test_data_lie_where_the_servers_can_go(state: Path) -> None:
    """A private checkout of root's is closed to the servers; one of their own user is not."""
    state.chmod(0o700)
    stack = Stack(state)
    stack.start()
    home = (state / "servers").resolve()
    assert home.is_relative_to(state) == (os.geteuid() != 0)
    assert count_up(stack) == 1
    stack.stop()


@pytest.mark.parametrize(
    ("mode", "reached"), [(0o700, False), (0o711, True), (0o755, True), (0o710, False)]
)
def test_reach_is_read_off_the_modes_of_every_directory(
    state: Path, mode: int, *, reached: bool
) -> None:
    state.chmod(mode)
    stranger = Account(uid=65_533, gid=65_533, dropped=True)
    assert stranger.can_reach(state / "not yet made") is reached


def test_a_free_port_is_free() -> None:
    assert is_free(free_port())
