"""The private PostgreSQL: one cluster, one database, one password, on a free loopback port.

Rule 1: a cluster exists once its directory has its final name; a half-finished ``initdb`` never
    has it.
Rule 2: an acknowledged commit survives ``kill -9`` of everything (fsync stays on, except for
    throw-away test stacks).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from livermore.embedded.account import Account
from livermore.embedded.binaries import PostgresBinaries, find_postgres
from livermore.embedded.errors import StackError, disk_full
from livermore.embedded.ports import PortTaken
from livermore.embedded.process import residents, spawn_server, stop_process

NAME = "livermore"  # of the superuser and of the database
_READY_SECONDS = 60.0  # recovery after a crash replays at most max_wal_size
_STOP_SECONDS = 2.0
_LEAVING_SECONDS = 8.0
_POLL_SECONDS = 0.01
_NEW_CLUSTER_MB = 200
_RUNNING_MB = 40
_STATUS_LINE = 7  # of postmaster.pid, counted from 0: src/include/utils/pidfile.h


class EmbeddedPostgres:
    """A PostgreSQL server of ours, from cold to stopped."""

    title = "PostgreSQL"

    def __init__(
        self,
        home: Path,
        account: Account,
        *,
        password: str,
        log: Path,
        durable: bool = True,
        data: str = "",
    ) -> None:
        self._root = account.own_directory(home / f"postgres{data}")
        self._data = self._root / "data"
        self._home = home
        self._account = account
        self._password = password
        self._log = log
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Address with password, as psql and libpq take it."""
        return f"postgresql://{NAME}:{self._password}@127.0.0.1:{self.port}/{NAME}"

    @property
    def exit_status(self) -> int | None:
        """How the server ended; None while it runs."""
        return self._process.poll() if self._process else 0

    def launch(self, port: int) -> None:
        """Start the server process, making the cluster first if there is none. Does not wait.

        Raises:
            StackError: If it cannot start; nothing half-made is left.
        """
        binaries = find_postgres(self._account, self._home, major=self._existing_major())
        self._wait_until_abandoned()
        self._require_space()
        if not self._exists:
            self._make_cluster(binaries)
        (self._data / "postmaster.pid").unlink(missing_ok=True)  # nobody lives there: see above
        self.port = port
        self._process = spawn_server(
            [binaries.postgres, "-D", self._data, *self._options(port)],
            log=self._log,
            dies_by=signal.SIGINT,  # "fast shutdown": ends sessions, writes a checkpoint
            as_user=self._account.popen,
        )

    def wait_until_ready(self) -> None:
        """Return once sessions are accepted and our database exists.

        Raises:
            PortTaken: If another program has the port.
            StackError: If the server ended or does not come up.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while not self._says_ready():
            if self.exit_status is not None:
                self._explain_end()
            if time.monotonic() > deadline:
                raise StackError(
                    f"PostgreSQL was not ready within {_READY_SECONDS:.0f} s: see {self._log}."
                )
            time.sleep(_POLL_SECONDS)
        self._ensure_database()

    def stop(self) -> None:
        """Stop the server; committed rows are on disk."""
        if self._process and not stop_process(
            self._process, by=signal.SIGINT, within_seconds=_STOP_SECONDS
        ):
            self._wait_until_abandoned()

    @property
    def _exists(self) -> bool:
        return (self._data / "PG_VERSION").exists()

    def _existing_major(self) -> int | None:
        return int((self._data / "PG_VERSION").read_text()) if self._exists else None

    def _options(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(port),
            "max_connections": "100",
            "max_wal_size": "256MB",  # a checkout's state directory stays small
            "jit": "off",  # short queries
            "timezone": "UTC",
            "log_timezone": "UTC",
            # A statement may hold values, and details quote rows: of a statement
            # that fails, the log gets the error alone, never somebody's settings.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        elif os.uname().sysname == "Linux":
            settings["recovery_init_sync_method"] = "syncfs"
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _require_space(self) -> None:
        needed = _RUNNING_MB if self._exists else _NEW_CLUSTER_MB
        if shutil.disk_usage(self._root).free < needed * 1_000_000:
            raise disk_full(self._root, needed_mb=needed)

    def _wait_until_abandoned(self) -> None:
        """Processes of a killed postmaster leave by themselves, within moments."""
        deadline = time.monotonic() + _LEAVING_SECONDS
        while there := residents(self._data):
            if time.monotonic() > deadline:
                raise StackError(
                    f"Another PostgreSQL (process {there[0]}) is using {self._data}: stop it, or "
                    "set LIVERMORE_STATE to another directory."
                )
            time.sleep(_POLL_SECONDS)

    def _make_cluster(self, binaries: PostgresBinaries) -> None:
        making, secret = self._root / "data.new", self._root / "password"
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(self._data, ignore_errors=True)
        try:
            # A file, not a pipe: after the change of user /dev/fd belongs to root.
            secret.touch(mode=0o600)
            secret.write_text(self._password + "\n")
            os.chown(secret, self._account.uid, self._account.gid)
            self._initdb(binaries, making, secret)
            if self._durable:
                os.sync()
            making.rename(self._data)
        finally:
            secret.unlink(missing_ok=True)
            shutil.rmtree(making, ignore_errors=True)

    def _initdb(self, binaries: PostgresBinaries, making: Path, secret: Path) -> None:
        command = [
            *(str(binaries.initdb), "-D", str(making), "-U", NAME, f"--pwfile={secret}"),
            *("-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"),
        ]
        done = subprocess.run(
            command,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            **self._account.popen,  # type: ignore[call-overload] # user, group, extra_groups
        )
        if done.returncode == 0:
            return
        self._log.write_text(done.stdout + done.stderr)
        if "No space left" in done.stderr or "Disk quota exceeded" in done.stderr:
            raise disk_full(self._root, needed_mb=_NEW_CLUSTER_MB)
        raise StackError(f"PostgreSQL could not make its database: see {self._log}.")

    def _says_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"

    def _ensure_database(self) -> None:
        try:
            psycopg.connect(self.url, connect_timeout=10).close()
        except psycopg.OperationalError as refused:
            if "password authentication failed" in str(refused):
                raise StackError(
                    f"The password of the database in {self._root} was lost: put the file "
                    "server-password back into the state directory, or start afresh with "
                    "`make clean`."
                ) from None
            maintenance = self.url.removesuffix(NAME) + "postgres"
            with psycopg.connect(maintenance, autocommit=True, connect_timeout=10) as session:
                session.execute(f"CREATE DATABASE {NAME}")

    def _explain_end(self) -> None:
        """Turn the end of the server into what can be done about it."""
        tail = self._log.read_text(errors="replace")[-4_000:]
        if "Address already in use" in tail and "could not create any TCP/IP" in tail:
            raise PortTaken(self.port)
        if "No space left on device" in tail:
            raise disk_full(self._root)
        raise StackError(f"PostgreSQL ended while starting: see {self._log}.")
