"""Both servers of one state directory as one thing: start, watch, restart, stop.

Rule 1: the caller holds the state directory's lock.
Rule 2: only what is missing is started: an address that is given is used.
"""

from __future__ import annotations

from pathlib import Path

from livermore.embedded.account import server_account
from livermore.embedded.home import servers_home
from livermore.embedded.ports import PortTaken, free_port
from livermore.embedded.postgres import EmbeddedPostgres
from livermore.embedded.valkey import EmbeddedValkey
from livermore.private import kept_secret

Server = EmbeddedPostgres | EmbeddedValkey

_PORT_ATTEMPTS = 5


class Stack:
    """The servers that a state directory needs.

    Args:
        state: The state directory; the caller holds its lock.
        database_url: A PostgreSQL to use instead of ours.
        redis_url: A Redis to use instead of ours.
        durable: False for throw-away test stacks: no fsync, no append-only file.
        data: Ending of the data directories' names, to keep several sets of data apart.
    """

    def __init__(
        self,
        state: Path,
        *,
        database_url: str | None = None,
        redis_url: str | None = None,
        durable: bool = True,
        data: str = "",
    ) -> None:
        self._database_url, self._redis_url = database_url, redis_url
        self.servers: list[Server] = []
        if database_url and redis_url:
            return
        account = server_account()
        home = servers_home(state, account)
        password = kept_secret(state / "server-password")
        if redis_url is None:
            self.servers.append(
                EmbeddedValkey(
                    home,
                    account,
                    password=password,
                    log=state / "redis.log",
                    durable=durable,
                    data=data,
                )
            )
        if database_url is None:
            self.servers.append(
                EmbeddedPostgres(
                    home,
                    account,
                    password=password,
                    log=state / "postgres.log",
                    durable=durable,
                    data=data,
                )
            )

    @property
    def database_url(self) -> str:
        """PostgreSQL's address, with password."""
        return self._database_url or self._url_of(EmbeddedPostgres)

    @property
    def redis_url(self) -> str:
        """The address of Redis (the wire's logical database), with password."""
        return self._redis_url or self._url_of(EmbeddedValkey)

    def start(self, *, on_their_ports: bool = False) -> None:
        """Start what is missing and return when all of it answers. Call from the main thread.

        Args:
            on_their_ports: Each server has its port already; else it gets a free one.

        Raises:
            StackError: If a server cannot start; none is left running then.
        """
        try:
            for server in self.servers:
                server.launch(server.port if on_their_ports else free_port())
            for server in self.servers:
                self._settle(server)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what was started, PostgreSQL first."""
        for server in reversed(self.servers):
            server.stop()

    def _settle(self, server: Server) -> None:
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                server.wait_until_ready()
            except PortTaken:
                if attempt == _PORT_ATTEMPTS:
                    raise
                server.stop()
                server.launch(free_port())
            else:
                return

    def _url_of(self, kind: type[Server]) -> str:
        return next(server.url for server in self.servers if isinstance(server, kind))
