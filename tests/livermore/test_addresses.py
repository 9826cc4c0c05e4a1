"""Taking addresses apart, and showing them without passwords."""

from __future__ import annotations

import pytest

from livermore.addresses import redis_database, with_redis_database, without_password


@pytest.mark.parametrize(
    ("url", "database", "moved"),
    [
        ("redis://h:6379", 0, "redis://h:6379/7"),
        ("redis://:pw@h:6379/3", 3, "redis://:pw@h:6379/7"),
        ("rediss://u:pw@h/2?ssl_cert_reqs=none", 2, "rediss://u:pw@h/7?ssl_cert_reqs=none"),
        ("redis://h/0?db=4", 4, "redis://h/7"),
        ("unix://:pw@/run/redis.sock", 0, "unix://:pw@/run/redis.sock?db=7"),
        ("unix:///run/redis.sock?db=5", 5, "unix:///run/redis.sock?db=7"),
    ],
)
def test_a_logical_database_is_read_and_replaced(url: str, database: int, moved: str) -> None:
    assert redis_database(url) == database
    assert with_redis_database(url, 7) == moved


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db.example:5433/x", "postgresql://db.example:5433/x"),
        ("redis://:secret@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("postgresql://me:secret@%2Frun%2Fpg/x", "postgresql:///run/pg/x"),
    ],
)
def test_a_shown_address_has_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
