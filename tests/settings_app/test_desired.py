"""What users want of their runtimes, and whom a worker has to host."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from structlog.testing import capture_logs

from settings_app import services
from settings_app.desired import Desired, hosted_users, read_desired, record
from settings_app.models import User
from tests.settings_app.factories import UserFactory
from trading.core.modes import Mode

pytestmark = pytest.mark.django_db

NO_AUTO_START = {"livermore_runtime": {"auto_start": False}}
NO_EXCHANGE = {"exchanges": {"coinbase": {"enabled": False}}}

FIVE_THOUSAND_USERS = """
    INSERT INTO settings_app_user
        (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
         date_joined, sub, settings, settings_version, settings_revision, settings_updated_at,
         runtime_mode, desired_revision)
    SELECT '', false, 'user' || n, '', '', '', n %% 100 = 0, true,
           date_joined, 'sub' || n, settings, settings_version, 1, settings_updated_at,
           runtime_mode, 0
      FROM settings_app_user, generate_series(1, 5000) AS n
     WHERE id = %(template)s
"""


@pytest.mark.parametrize("auto_start", [True, False])
def test_until_somebody_decides_the_document_does(auto_start: bool) -> None:
    user = UserFactory.create(document={"livermore_runtime": {"auto_start": auto_start}})
    expected = Desired(not auto_start, Mode.POSITION_MONITOR, 0)
    assert read_desired(user.pk) == expected
    assert hosted_users()[0].desired == expected


def test_a_decision_overrules_the_document() -> None:
    user = UserFactory.create(document=NO_AUTO_START)
    record(user.pk, is_paused=False)
    assert read_desired(user.pk).is_paused is False
    services.patch(user.pk, {"livermore_runtime": {"auto_start": True}}, by=user)
    record(user.pk, is_paused=True)
    assert read_desired(user.pk).is_paused is True


def test_every_decision_is_newer_than_the_last_even_the_same_again() -> None:
    user = UserFactory.create()
    assert record(user.pk, is_paused=True) == Desired(True, Mode.POSITION_MONITOR, 1)
    assert record(user.pk, is_paused=True) == Desired(True, Mode.POSITION_MONITOR, 2)
    assert record(user.pk, mode="scalper-macdv") == Desired(True, Mode.SCALPER_MACDV, 3)
    assert record(user.pk, is_paused=False) == Desired(False, Mode.SCALPER_MACDV, 4)
    assert read_desired(user.pk) == Desired(False, Mode.SCALPER_MACDV, 4)


def test_a_decision_is_dated_now_or_when_it_was_due() -> None:
    user = UserFactory.create()
    due = datetime(2026, 3, 28, 22, tzinfo=UTC)
    record(user.pk, is_paused=True, at=due)
    user.refresh_from_db()
    assert user.desired_at == due
    record(user.pk, is_paused=True)
    user.refresh_from_db()
    assert user.desired_at > due


def test_switching_the_mode_leaves_the_pause_undecided() -> None:
    user = UserFactory.create(document=NO_AUTO_START)
    assert record(user.pk, mode="scalper-macdv").is_paused is True
    user.refresh_from_db()
    assert user.is_paused is None


@pytest.mark.parametrize("mode", ["scalper-orderbook", "yolo"])
def test_a_mode_that_cannot_run_is_refused_before_anything_is_recorded(mode: str) -> None:
    user = UserFactory.create()
    with pytest.raises(ValueError, match=mode):
        record(user.pk, is_paused=True, mode=mode)
    assert read_desired(user.pk).revision == 0


def test_nobody_can_want_nothing() -> None:
    with pytest.raises(User.DoesNotExist):
        read_desired(0)
    with pytest.raises(User.DoesNotExist):
        record(0, is_paused=True)


def test_recording_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    user = UserFactory.create()
    with django_assert_num_queries(1):
        record(user.pk, is_paused=True, mode="scalper-macdv")


def test_recording_leaves_the_settings_alone() -> None:
    user = UserFactory.create()
    record(user.pk, is_paused=True)
    assert services.read(user.pk).revision == 1


# ------------------------------------------------------------------ whom to host
def test_active_staff_with_an_exchange_are_hosted_and_nobody_else(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ann = UserFactory.create(username="ann")
    UserFactory.create(is_staff=False)
    UserFactory.create(is_active=False)
    UserFactory.create(document=NO_EXCHANGE)
    old = {"exchanges": {"kucoin": {"enabled": True}}}
    bob = UserFactory.create(username="bob", settings=old, settings_version=0)
    record(bob.pk, is_paused=True, mode="scalper-macdv")
    with django_assert_num_queries(1):
        hosted = hosted_users()
    assert [(user.user_id, user.username, user.sub) for user in hosted] == [
        (ann.pk, "ann", ann.sub),
        (bob.pk, "bob", bob.sub),
    ]
    assert hosted[1].desired == Desired(True, Mode.SCALPER_MACDV, 1)
    assert hosted[1].settings_revision == 1


def test_a_worker_may_be_told_whom_to_host() -> None:
    for name in ("ann", "bob", "eve"):
        UserFactory.create(username=name)
    assert [user.username for user in hosted_users(["bob", "eve", "nobody"])] == ["bob", "eve"]
    assert hosted_users([]) == []


def test_whoever_wants_a_mode_of_a_newer_program_is_left_to_it_and_said_once() -> None:
    ann, bob = UserFactory.create(), UserFactory.create()
    User.objects.filter(pk=ann.pk).update(runtime_mode="scalper-next")
    with capture_logs() as lines:
        for _ in range(2):
            assert [user.user_id for user in hosted_users()] == [bob.pk]
    assert [(line["sub"], line["mode"]) for line in lines] == [(ann.sub, "scalper-next")]


def test_the_poll_sees_a_saved_revision() -> None:
    user = UserFactory.create()
    services.patch(user.pk, {"scanner": {"top_n": 20}}, by=user)
    assert hosted_users()[0].settings_revision == 2


def test_the_poll_reads_its_index_and_not_the_table() -> None:
    template = UserFactory.create(is_staff=False)
    with connection.cursor() as cursor:
        cursor.execute(FIVE_THOUSAND_USERS, {"template": template.pk})
        cursor.execute("ANALYZE settings_app_user")
    assert len(hosted_users()) == 50
    with CaptureQueriesContext(connection) as captured:
        hosted_users()
    [query] = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "hosted_users" in plan
    assert "Seq Scan" not in plan
