"""The worker's poll among very many users: it reads its index, never the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from settings_app.desired import hosted_users

pytestmark = pytest.mark.django_db

USERS = 100_000
HOSTED = 1_000

# Documents as small as they may be: the poll reads none of them.
INSERT = """
    INSERT INTO settings_app_user
        (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
         date_joined, sub, settings, settings_version, settings_revision, settings_updated_at,
         runtime_mode, desired_revision)
    SELECT '', false, 'user' || n, '', '', '', n %% %(each)s = 0, true, now(), 'sub' || n,
           '{"version": 2, "exchanges": {"coinbase": {"enabled": true}}}', 2, 1, now(),
           'position-monitor', 0
      FROM generate_series(1, %(users)s) AS n
"""


def plan_of_the_poll() -> dict[str, Any]:
    """What PostgreSQL means to do for the very statement that `hosted_users` runs."""
    with CaptureQueriesContext(connection) as captured:
        assert len(hosted_users()) == HOSTED
    [query] = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query['sql']}")
        [told] = cursor.fetchone()
    [plan] = told if isinstance(told, list) else json.loads(told)
    root: dict[str, Any] = plan["Plan"]
    return root


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_among_100_000_users_the_poll_reads_its_index_and_never_the_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, {"users": USERS, "each": USERS // HOSTED})
        cursor.execute("ANALYZE settings_app_user")

    steps = list(nodes(plan_of_the_poll()))
    assert not [step for step in steps if step["Node Type"] == "Seq Scan"]
    assert "hosted_users" in {step.get("Index Name") for step in steps}

    # And this test would notice: without the index there is nothing to read but the table.
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX hosted_users")
    steps = list(nodes(plan_of_the_poll()))
    assert "hosted_users" not in {step.get("Index Name") for step in steps}
    assert [step for step in steps if step["Node Type"] == "Seq Scan"]
