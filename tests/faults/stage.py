"""What every test of faults plays on: servers, an exchange, users, workers.

Rule 1: waiting is for a condition; servers that are away meanwhile only make it false.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, TypeVar

import psycopg
from django.db import Error as DatabaseError
from django.db import connection, connections
from redis.exceptions import RedisError

from control import client
from control.models import Lease, Receipt
from control.protocol import (
    CONSUMER_GROUP,
    Command,
    CommandAck,
    CommandResult,
    RuntimeStatus,
    State,
    commands_of,
    now_ms,
)
from settings_app import desired
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import PATIENCE_SECONDS, eventually
from tests.faults.programs import Found, Worker
from tests.faults.servers import BreakableServers

T = TypeVar("T")


class Stage:
    """The servers and the exchange, with the users and workers of one test."""

    def __init__(self, servers: BreakableServers, exchange: Found) -> None:
        self.servers = servers
        self.exchange = exchange
        self.workers: list[Worker] = []

    def worker(self, *only: str, **variables: str) -> Worker:
        """Start a worker, for some users or all, with more in its environment."""
        made = Worker(self.servers, self.exchange, *only, **variables)
        self.workers.append(made)
        return made

    def trader(self, *symbols: str, **columns: Any) -> User:
        """A user whose runtime is to run and to watch these symbols."""
        return trader(*(symbols or ("BTC-USD",)), **{"is_paused": False, **columns})

    def hosted(self, user: User, by: Worker, *, seconds: float = PATIENCE_SECONDS) -> RuntimeStatus:
        """Wait until a worker drives a user, tells of it and listens; the status it told."""

        def look() -> RuntimeStatus | None:
            status = client.status(user)
            if status is None or status.worker.split(":")[1] != str(by.pid):
                return None
            return status if by.drives(user.pk) and self.listeners(user) else None

        return patiently(look, seconds=seconds, but=lambda: by.said[-3_000:])

    def listeners(self, user: User) -> int:
        """How many connections listen for a user's commands."""
        with self.servers.redis.connect() as redis:
            counts: Any = redis.pubsub_numsub(commands_of(user.sub))
            return int(counts[0][1])

    def expire_leases(self) -> None:
        """Let the time that a dead worker's leases still run pass at once."""
        with connection.cursor() as cursor:
            cursor.execute("UPDATE control_lease SET expires_at = clock_timestamp()")

    def expire_claims(self, dead: Worker) -> None:
        """Let the time that a dead worker's claims on deliveries still run pass at once."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE trading_delivery SET claimed_until = clock_timestamp()"
                " WHERE state = 'sending' AND claimed_by LIKE %s",
                [f"%:{dead.pid}:%"],
            )

    @contextmanager
    def transaction(
        self, statement: str, *parameters: Any, commits: bool = False
    ) -> Iterator[None]:
        """A session that has done something and does not commit before the block ends, if then."""
        # Closed, and so rolled back, also where the server has died meanwhile.
        with closing(psycopg.connect(self.servers.stack.database_url)) as session:
            session.execute(statement, parameters)
            yield
            if commits:
                session.commit()

    def clear(self) -> None:
        """Leave the servers running and empty, and nothing else."""
        for worker in self.workers:
            worker.end()
        self.servers.heal()
        connections.close_all()
        with self.servers.redis.connect() as redis:
            redis.config_set("maxmemory", 0)
            redis.execute_command("CLIENT", "UNPAUSE")
            redis.flushall()
        User.objects.all().delete()


def patiently(
    look: Callable[[], T | None],
    *,
    seconds: float = PATIENCE_SECONDS,
    but: Callable[[], str] = str,
) -> T:
    """Wait until ``look()`` finds something; a server that is away is not found yet.

    Args:
        but: What to tell where it never does.
    """

    def once() -> T | None:
        try:
            return look()
        except (RedisError, OSError, DatabaseError):
            connections.close_all()  # what was open to a server that died serves no more
            return None

    try:
        found = eventually(once, seconds=seconds)
    except AssertionError as exc:
        raise AssertionError(f"{exc}\n{but()}") from None
    assert found is not None
    return found


def foreign(command: str, **more: Any) -> dict[str, Any]:
    """A command as any other program would write it."""
    return {
        "id": str(uuid.uuid4()),
        "command": command,
        "timestamp": now_ms(),
        "source": "system",
        **more,
    }


def post(stage: Stage, user: User, body: Any) -> None:
    """Put a body into a user's stream and on the channel, as a program that knows both would."""
    text = body if isinstance(body, str) else json.dumps(body)
    with stage.servers.redis.connect() as redis, redis.pipeline(transaction=True) as pipe:
        pipe.xadd(commands_of(user.sub), {"command": text})
        pipe.publish(commands_of(user.sub), text)
        pipe.execute()


def answer_to(user: User, command_id: str, *, seconds: float = PATIENCE_SECONDS) -> CommandResult:
    """Wait for the final answer to a command."""

    def look() -> CommandResult | None:
        answer = client.result(user, command_id)
        return answer if isinstance(answer, CommandResult) else None

    return patiently(look, seconds=seconds)


def acknowledged(user: User, command_id: str) -> CommandAck:
    """Wait until a runtime has acknowledged a command that it cannot carry out yet."""

    def look() -> CommandAck | None:
        answer = client.result(user, command_id)
        return answer if isinstance(answer, CommandAck) else None

    return patiently(look)


def status_when(user: User, holds: Callable[[RuntimeStatus], bool]) -> RuntimeStatus:
    """The first status of a user for which ``holds``, whatever is away meanwhile."""

    def look() -> RuntimeStatus | None:
        status = client.status(user)
        return status if status is not None and holds(status) else None

    return patiently(look)


def works(user: User) -> None:
    """Everything is as it should be: a pause and a resume are applied, and shown."""
    for command, state in ((Command.PAUSE, State.PAUSED), (Command.RESUME, State.RUNNING)):
        answer = client.send(user, command, wait=PATIENCE_SECONDS)
        assert answer.applied, answer
        status_when(user, partial(_is_in, state))


def _is_in(state: State, status: RuntimeStatus) -> bool:
    return status.state is state


def is_settled(stage: Stage, user: User) -> bool:
    """Whether nothing of a user's stream waits for anybody."""
    with stage.servers.redis.connect() as redis:
        if redis.xlen(commands_of(user.sub)):
            return False
        pending: Any = redis.xpending(commands_of(user.sub), CONSUMER_GROUP)
        return bool(pending["pending"] == 0)


def revision(user: User) -> int:
    """How many intents of a user have been recorded."""
    return desired.read_desired(user.pk).revision


def receipts(user: User, command_id: str) -> int:
    """How often a command has taken effect; never more than once."""
    return Receipt.objects.filter(user_id=user.pk, command_id=command_id).count()


def lease_of(user: User) -> Lease:
    """Who drives a user."""
    return Lease.objects.get(user_id=user.pk)


def sessions_that_wait(pattern: str) -> int:
    """How many sessions of PostgreSQL wait for a lock with a statement like this."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND query LIKE %s",
            [pattern],
        )
        (count,) = cursor.fetchone()
        return int(count)
