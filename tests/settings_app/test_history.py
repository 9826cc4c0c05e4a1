"""The saves of one user among very many lines of the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from settings_app import history, services
from settings_app.models import User
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

LINES = 50_000
INSERT = """
    INSERT INTO django_admin_log
           (action_time, user_id, content_type_id, object_id, object_repr, action_flag,
            change_message)
    SELECT now(), %(by)s, %(of)s, 'user' || n, '', %(flag)s, '[{"settings_revision": 2}]'
      FROM generate_series(1, %(lines)s) AS n
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def steps_of_a_rebase(user: User, revision: int) -> list[dict[str, Any]]:
    """What PostgreSQL means to do to find what was saved since the first revision."""
    with CaptureQueriesContext(connection) as captured:
        assert len(history.saves_since(user.pk, 1, revision)) == revision - 1
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {captured.captured_queries[-1]['sql']}")
        [told] = cursor.fetchone()
    [plan] = told if isinstance(told, list) else json.loads(told)
    return list(nodes(plan["Plan"]))


def test_a_rebase_reads_the_lines_of_its_user_and_not_the_whole_log() -> None:
    user = UserFactory.create()
    of = ContentType.objects.get_for_model(User).pk
    with connection.cursor() as cursor:
        cursor.execute(INSERT, {"by": user.pk, "of": of, "flag": CHANGE, "lines": LINES})
        cursor.execute("ANALYZE django_admin_log")
    for number in range(20, 24):
        saved = services.patch(user.pk, {"scanner": {"top_n": number}}, by=user)
    steps = steps_of_a_rebase(user, saved.revision)
    assert "saves_in_the_log" in {step.get("Index Name") for step in steps}
    assert "django_admin_log" not in {
        step.get("Relation Name") for step in steps if step["Node Type"] == "Seq Scan"
    }
