"""The settings API while something fails: what is told, and what the log has of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
import structlog
from django.db import connection

from livermore.logs import logging_config
from settings_app.models import User
from settings_app.problems import INTERNAL_ERROR, NOT_SIGNED_IN, RETRY_SECONDS, UNAVAILABLE
from tests.settings_app.calling import Caller, Response, problem, row
from tests.settings_app.factories import UserFactory

PLANTED = "planted-in-the-body"
DRIVER_SAYS = "could not send"


@pytest.fixture
def user(redis_url: str) -> User:
    """Somebody with the default document."""
    return UserFactory.create()


def break_connection() -> None:
    """End the server's side of this thread's connection, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone() or [None]
    here = cast("Any", connection)  # its copy() has no types
    other = here.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()


def fail_at_update(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
) -> Any:
    """A driver that fails where the settings are written, and tells what it was given."""
    if "UPDATE settings_app_user" in sql:
        raise RuntimeError(DRIVER_SAYS, params)
    return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
def test_without_the_database_one_is_told_when_to_try_again(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(user)
    caller.get()
    changes = {"scanner": {"top_n": 30}}
    sends: list[Callable[[], Response]] = [caller.get, lambda: caller.patch(changes)]
    for send in sends:
        break_connection()
        response = send()
        problem(response, UNAVAILABLE)
        assert response["Retry-After"] == str(RETRY_SECONDS)
        connection.close()
    assert caller.get().status_code == 200  # and it was right
    assert "AdminShutdown" in caplog.text


@pytest.mark.django_db
def test_what_nobody_expected_is_a_problem_without_details(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    caller, before = Caller(user), row(user)
    with connection.execute_wrapper(fail_at_update):
        response = caller.patch({"perseus_profile": {"public_name": PLANTED}})
    told = problem(response, INTERNAL_ERROR)
    assert told.keys() == {"type", "title", "status", "detail"}
    assert PLANTED.encode() not in response.content
    assert row(user) == before
    assert any(record.levelno == logging.ERROR for record in caplog.records)


@pytest.mark.django_db
@pytest.mark.parametrize("as_json", [True, False])
def test_the_log_has_the_place_and_nothing_that_was_sent(
    user: User, caplog: pytest.LogCaptureFixture, as_json: bool
) -> None:
    with connection.execute_wrapper(fail_at_update):
        Caller(user).patch({"perseus_profile": {"public_name": PLANTED}})
    config = dict(logging_config(as_json=as_json)["formatters"]["line"])
    del config["()"]
    line = structlog.stdlib.ProcessorFormatter(**config)
    text = "\n".join(line.format(record) for record in caplog.records)
    assert "Traceback" in text
    assert "writing.py" in text
    assert "builtins.RuntimeError" in text
    assert PLANTED not in text
    assert DRIVER_SAYS not in text


@pytest.mark.django_db
def test_a_user_who_is_removed_meanwhile_is_signed_out(user: User) -> None:
    caller = Caller(user)

    def remove_first(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if "settings::text" in sql:  # the settings are read; the session was looked up before
            execute("DELETE FROM settings_app_user WHERE id = %s", [user.pk], False, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(remove_first):
        problem(caller.get(), NOT_SIGNED_IN)
