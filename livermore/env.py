"""The environment, read once, and the files by which processes of one stack find each other.

Rule 1: nothing else in the program reads ``os.environ`` for its own configuration. (The names of
    credentials that a user's settings mention are resolved where they are used.)
Rule 2: a variable that is set wins; what is missing comes from ``.livermore/env``, and only
    while the ``make run`` that wrote it lives: a stale file is as good as none.
Rule 3: no Django here: the settings read this module, and so does the supervisor before them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

PROJECT = Path(__file__).resolve().parent.parent
COINBASE_REST = "https://api.coinbase.com/api/v3/brokerage"
COINBASE_WEBSOCKET = "wss://advanced-trade-ws.coinbase.com"
BINANCE_REST = "https://api.binance.com"
KUCOIN_REST = "https://api.kucoin.com"
BINANCE_WEBSOCKET = "wss://stream.binance.com:9443/stream"
_FASTEST = 10_000

# A user's name as Django takes it, or "sub:" and the identity that no renaming changes.
_GRANTEE = re.compile(r"[\w.@+-]{1,150}|sub:[A-Za-z0-9_.|@-]{1,255}")
_PATTERN = re.compile(r"[A-Za-z0-9_*?]{1,80}")
# As requests name it, without a port; with a dot before it, every name below it too.
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")


class EnvironmentInvalid(ValueError):
    """A variable has a value that cannot be meant; the text names it and says what would do."""


class ExchangeSource(StrEnum):
    """Where market data comes from."""

    SIMULATED = "simulated"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Which server takes the letters, and how it is spoken to.

    Args:
        encryption: ``tls`` from the first byte on, ``starttls``, or ``none``.
        sender: Whom the letters come from.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    encryption: str
    sender: str


@dataclass(frozen=True, slots=True)
class StateFiles:
    """Names of the files in a state directory: one directory is one stack and its data."""

    directory: Path

    @property
    def addresses(self) -> Path:
        """``env``: where the servers of the running stack listen. Mode 0600."""
        return self.directory / "env"

    @property
    def lock(self) -> Path:
        """Held (``flock``) by the one supervisor of this directory."""
        return self.directory / "lock"

    def simulated_key(self, exchange: str) -> Path:
        """The key that opens a simulated exchange's accounts. Mode 0600."""
        return self.directory / f"simulated-key-{exchange}.json"

    @property
    def secret_key(self) -> Path:
        """Django's secret key. Mode 0600."""
        return self.directory / "secret-key"

    @property
    def demo_password(self) -> Path:
        """The demo user's password. Mode 0600."""
        return self.directory / "demo-password"

    @property
    def static(self) -> Path:
        """Collected and hashed static files."""
        return self.directory / "static"

    def is_locked(self) -> bool:
        """Whether a supervisor holds this directory now."""
        try:
            with self.lock.open("rb") as file:
                # Shared and released at once: readers never turn each other away, and a
                # supervisor that happens to start in this instant tries again.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def read_addresses(self) -> dict[str, str]:
        """What the living stack wrote; empty when there is none."""
        if not self.is_locked():
            return {}
        try:
            lines = self.addresses.read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, PermissionError):
            return {}
        pairs = (line.partition("=") for line in lines if not line.startswith("#"))
        return {name: "".join(shlex.split(value)) for name, sign, value in pairs if sign}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything that a process is told from outside.

    Args:
        database_url: PostgreSQL of the stack, None while there is no stack.
        redis_url: Redis of the stack (the wire's logical database), None likewise.
        secret_key: Django's. Without a stack a throw-away one, so that commands which need no
            server work in a fresh clone.
        pool_size: Connections in the database pool, of the web process and the runtime; 0 is no
            pool.
        hosts: Host names under which the pages may be reached.
        https: The pages are reached over https, through a proxy that says so.
        hashed_static: Serve collected, hashed files; False serves the sources as they are.
        speed: How many times faster than the clock the simulated exchange runs.
        seed: Which of its worlds the simulated exchange plays.
        log_json: One JSON object a line instead of text for people.
        credential_grants: Which variables whose settings may name: glob patterns by user name, or
            by ``sub:`` and identity. None where nothing is said of anybody.
        deadman_url: What is asked for every minute while all is well; a secret. None: nothing.
        mail: The server that takes the letters; holds a secret. None: there is none.
    """

    state: StateFiles
    database_url: str | None
    redis_url: str | None
    secret_key: str
    port: int
    exchange: ExchangeSource
    coinbase_rest: str
    coinbase_websocket: str
    binance_rest: str
    binance_websocket: str
    kucoin_rest: str
    pool_size: int
    hosts: tuple[str, ...]
    https: bool
    hashed_static: bool
    log_json: bool
    speed: float
    seed: int
    credential_grants: Mapping[str, tuple[str, ...]] | None = None
    deadman_url: str | None = field(default=None, repr=False)
    mail: MailServer | None = None


def read(
    environ: Mapping[str, str] | None = None, *, makes_secret_key: bool = False
) -> Environment:
    """Read the environment over the running stack's addresses.

    Args:
        environ: Variables; those of this process by default.
        makes_secret_key: The caller makes a lasting secret key where there is none.

    Raises:
        EnvironmentInvalid: If a variable's value cannot be meant, or a deployment with its own
            database has no secret key.
    """
    own = os.environ if environ is None else environ
    state = StateFiles(Path(own.get("LIVERMORE_STATE") or PROJECT / ".livermore").absolute())
    values = {**state.read_addresses(), **{name: value for name, value in own.items() if value}}
    database_url = values.get("DATABASE_URL")
    return Environment(
        state=state,
        database_url=database_url,
        redis_url=values.get("REDIS_URL"),
        secret_key=_secret_key(
            values, state, required=database_url is not None and not makes_secret_key
        ),
        port=_number(values, "PORT", 8000, 65_535),
        exchange=_exchange(values),
        coinbase_rest=values.get("LIVERMORE_COINBASE_REST", COINBASE_REST),
        coinbase_websocket=values.get("LIVERMORE_COINBASE_WS", COINBASE_WEBSOCKET),
        binance_rest=values.get("LIVERMORE_BINANCE_REST", BINANCE_REST),
        binance_websocket=values.get("LIVERMORE_BINANCE_WS", BINANCE_WEBSOCKET),
        kucoin_rest=values.get("LIVERMORE_KUCOIN_REST", KUCOIN_REST),
        pool_size=_number(values, "LIVERMORE_DATABASE_POOL", 0, 1_000),
        hosts=_hosts(values),
        https=_switch(values, "LIVERMORE_HTTPS", default=False),
        hashed_static=_switch(values, "LIVERMORE_HASHED_STATIC", default=True),
        log_json=_switch(values, "LIVERMORE_LOG_JSON", default=False),
        speed=_speed(values),
        seed=_number(values, "SEED", 1, 2**31),
        credential_grants=_grants(values),
        deadman_url=_deadman_url(values),
        mail=_mail(values),
    )


def _secret_key(values: Mapping[str, str], state: StateFiles, *, required: bool) -> str:
    if "SECRET_KEY" in values:
        return values["SECRET_KEY"]
    try:
        return state.secret_key.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, PermissionError):
        if required:
            raise EnvironmentInvalid(
                "SECRET_KEY must be set where DATABASE_URL is: processes of one deployment "
                "share it. `make run` makes and keeps one by itself."
            ) from None
        return secrets.token_urlsafe(50)


def _hosts(values: Mapping[str, str]) -> tuple[str, ...]:
    named = values.get("LIVERMORE_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
    hosts = tuple(filter(None, (host.strip() for host in named)))
    if not hosts or not all(map(_HOST.fullmatch, hosts)):
        raise EnvironmentInvalid(
            "LIVERMORE_HOSTS must be host names with commas between, without https:// and without "
            f"ports, such as livermore.example.org,localhost; was {','.join(named)!r}."
        )
    return hosts


def _exchange(values: Mapping[str, str]) -> ExchangeSource:
    name = values.get("EXCHANGE", ExchangeSource.SIMULATED)
    try:
        return ExchangeSource(name)
    except ValueError:
        raise EnvironmentInvalid(
            f"EXCHANGE must be one of {', '.join(ExchangeSource)}, was {name!r}."
        ) from None


def _grants(values: Mapping[str, str]) -> Mapping[str, tuple[str, ...]] | None:
    if "LIVERMORE_CREDENTIALS" not in values:
        return None
    grants: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(values["LIVERMORE_CREDENTIALS"].split(";"), start=1):
        if not entry.strip():
            continue
        grantee, sign, patterns = (part.strip() for part in entry.partition("="))
        granted = tuple(filter(None, (pattern.strip() for pattern in patterns.split(","))))
        is_meant = sign and _GRANTEE.fullmatch(grantee) and grantee not in grants
        if not is_meant or not all(map(_PATTERN.fullmatch, granted)):
            # Not what it was: somebody may have put the credentials themselves there.
            raise EnvironmentInvalid(
                "LIVERMORE_CREDENTIALS must name each user once, with the names of the variables "
                "that their settings may use, such as 'anna=COINBASE_*,ANNA_*; bela=BELA_*'. "
                f"Entry {number} is not like that."
            )
        grants[grantee] = granted
    return MappingProxyType(grants)


def _deadman_url(values: Mapping[str, str]) -> str | None:
    if (text := values.get("LIVERMORE_DEADMAN_URL")) is None:
        return None
    with contextlib.suppress(ValueError):  # brackets or a port that are none
        url = urlsplit(text)
        is_whole = url.scheme in {"http", "https"} and url.hostname and url.port != 0
        if is_whole and text.isascii() and text.isprintable() and " " not in text:
            return text
    # Not what it was: whoever knows the address can say that all is well.
    raise EnvironmentInvalid(
        "LIVERMORE_DEADMAN_URL must be a whole address that begins with https:// or http://, such "
        "as https://hc-ping.com/ and the id of a check; unset it to ping nobody."
    )


_MAIL_SCHEMES: Mapping[str, tuple[str, int]] = {
    "smtps": ("tls", 465),
    "smtp": ("starttls", 587),
    "smtp+plain": ("none", 25),
}


def _mail(values: Mapping[str, str]) -> MailServer | None:
    if (text := values.get("LIVERMORE_EMAIL_URL")) is None:
        return None
    sender = values.get("LIVERMORE_EMAIL_FROM", "")
    if sender.count("@") != 1 or not sender.isprintable():
        raise EnvironmentInvalid(
            "LIVERMORE_EMAIL_FROM must be the address that letters come from, such as "
            "livermore@example.org, where LIVERMORE_EMAIL_URL is set."
        )
    with contextlib.suppress(ValueError, KeyError):  # a port that is none, another scheme
        url = urlsplit(text)
        encryption, port = _MAIL_SCHEMES[url.scheme]
        is_whole = url.hostname and url.port != 0 and url.path in {"", "/"} and not url.query
        if is_whole and text.isprintable() and " " not in text:
            return MailServer(
                host=url.hostname or "",
                port=url.port or port,
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
                encryption=encryption,
                sender=sender,
            )
    # Not what it was: it holds a password.
    raise EnvironmentInvalid(
        "LIVERMORE_EMAIL_URL must be smtps:// or smtp:// (which uses STARTTLS) or smtp+plain://, "
        "then user:password@ where the server asks for them, host and port, such as "
        "smtps://anna:secret@mail.example.org:465; letters that end a part of an address are "
        "percent-encoded. Unset it to send no e-mail."
    )


def _speed(values: Mapping[str, str]) -> float:
    text = values.get("SPEED", "1")
    with contextlib.suppress(ValueError):
        if 0 < (speed := float(text)) <= _FASTEST:
            return speed
    raise EnvironmentInvalid(
        f"SPEED must be a number above 0 and at most {_FASTEST}, was {text!r}."
    )


def _number(values: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = values.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or int(text) > most:
        raise EnvironmentInvalid(f"{name} must be a number from 0 to {most}, was {text!r}.")
    return int(text)


def _switch(values: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = values.get(name, str(default)).lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise EnvironmentInvalid(f"{name} must be 1 or 0, was {text!r}.")
