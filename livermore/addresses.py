"""Addresses of servers as text: taking them apart, and naming them without their passwords.

Rule 1: pure text; nothing here opens a connection.
Rule 2: what a person reads never holds a password.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit


def redis_database(url: str) -> int:
    """The logical database a Redis address names; 0 when it names none."""
    parts = urlsplit(url)
    named = dict(parse_qsl(parts.query)).get("db")
    if named is None and parts.scheme != "unix":
        named = parts.path.strip("/")
    return int(named) if named else 0


def with_redis_database(url: str, database: int) -> str:
    """The same server, another logical database."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme == "unix":  # the path is the socket's; urlunsplit would lose its slashes
        return f"{url.partition('?')[0]}?{urlencode(query | {'db': str(database)})}"
    query.pop("db", None)
    return urlunsplit(parts._replace(path=f"/{database}", query=urlencode(query)))


def without_password(url: str) -> str:
    """What may be shown of an address: scheme, host, port and path."""
    parts = urlsplit(url)
    host = unquote(parts.hostname or "")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"
