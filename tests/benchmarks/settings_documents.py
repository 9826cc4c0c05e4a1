"""What a settings document costs, beside the least that PostgreSQL could cost.

The bare way is psycopg on a connection of its own, with the statements that the same thing needs
at the very least.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import psycopg
from django.conf import settings

from control import reloads
from settings_app import desired, services
from settings_app.documents import canonical, merge_patch
from settings_app.models import User
from settings_app.schema import default_document, validate
from tests.benchmarks.measuring import Contest, Figure, Side

DOCUMENT_BYTES = 4_400  # what a trader's document with some sixty markets comes to
USERS = 100_000
HOSTED = 1_000

LOCK = "SELECT 1 FROM settings_app_user WHERE id = %s FOR NO KEY UPDATE"
WRITE = """
    UPDATE settings_app_user SET settings = jsonb_set(settings, '{scanner}', %s::jsonb, true)
     WHERE id = %s
"""
READ = "SELECT settings::text FROM settings_app_user WHERE id = %s"
POLL = """
    SELECT id, username, sub, coalesce(is_paused, NOT auto_start), runtime_mode, desired_revision,
           settings_revision
      FROM settings_app_user
     WHERE is_active AND is_staff AND enables_exchange
     ORDER BY id
"""
# The poll reads no document, so small ones are as good as large ones, and sooner there.
MANY_USERS = """
    INSERT INTO settings_app_user
           (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
            date_joined, sub, settings, settings_version, settings_revision, settings_updated_at,
            runtime_mode, desired_revision)
    SELECT '', false, 'user' || n, '', '', '', n %% %(each)s = 0, true, now(), gen_random_uuid(),
           '{"version": 2, "exchanges": {"coinbase": {"enabled": true}}}', 2, 1, now(),
           'position-monitor', 0
      FROM generate_series(1, %(users)s) AS n
"""


def trader(name: str) -> User:
    """A staff user with a realistic document."""
    user = User(username=name, is_staff=True)
    document = default_document(user.sub)
    rows: list[dict[str, Any]] = []
    while len(canonical(document)) < DOCUMENT_BYTES:
        symbol = f"COIN{len(rows)}-USD"
        rows.append({"symbol": symbol, "exchange": "coinbase", "categories": ["high-cap"]})
        document = validate(merge_patch(document, {"watchlist": rows})).to_document()
    user.settings = document
    user.save()
    return user


@contextmanager
def bare_connection() -> Iterator[psycopg.Connection]:
    """PostgreSQL without Django: each statement commits by itself."""
    address = str(settings.ENVIRONMENT.database_url)
    with psycopg.connect(address, autocommit=True) as session:
        yield session


@contextmanager
def section_patch() -> Iterator[Contest]:
    """Save one section: under the row's lock, durable, as a request of the web process does it.

    The runtime is asked to reload beside it (`control.reloads`), which no request waits for.
    """
    ours, bare = trader("patch-ours"), trader("patch-bare")
    ours_top, bare_top = cycle(range(10, 101)), cycle(range(10, 101))
    scanner = bare.settings["scanner"]
    with bare_connection() as session:

        def patch() -> None:
            services.patch(ours.pk, {"scanner": {"top_n": next(ours_top)}}, by=ours)

        def write() -> None:
            section = json.dumps({**scanner, "top_n": next(bare_top)})
            with session.transaction():
                session.execute(LOCK, [bare.pk])
                session.execute(WRITE, [section, bare.pk])

        yield Contest(Side(patch, settle=reloads.flush), Side(write))


@contextmanager
def whole_read() -> Iterator[Contest]:
    """Read one user's document: validated, or only decoded."""
    user = trader("read")
    with bare_connection() as session:

        def read() -> object:
            return services.read(user.pk)

        def decode() -> object:
            row = session.execute(READ, [user.pk]).fetchone()
            return json.loads(row[0]) if row else None

        yield Contest(Side(read), Side(decode))


@contextmanager
def poll() -> Iterator[Contest]:
    """Ask whom to host, as every worker does every few seconds."""
    with bare_connection() as session:
        session.execute(MANY_USERS, {"users": USERS, "each": USERS // HOSTED})
        session.execute("VACUUM ANALYZE settings_app_user")

        def rows() -> object:
            return session.execute(POLL).fetchall()

        yield Contest(Side(desired.hosted_users), Side(rows))


FIGURES = (
    Figure(
        name="settings-patch",
        title="save one section of the settings",
        contest=section_patch,
        most_times=2.5,
        seconds=12.0,
    ),
    Figure(
        name="settings-read",
        title="read the settings of one user, validated",
        contest=whole_read,
        most_times=3.0,
    ),
    Figure(
        name="settings-poll",
        title=f"whom to host: {HOSTED:,} of {USERS:,} users",
        contest=poll,
        most_ms=5.0,
    ),
)
