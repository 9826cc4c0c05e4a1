"""``manage.py runtime``: what it arranges before the worker runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.models import QuerySet

from control.management.commands import runtime
from settings_app.models import User


@pytest.fixture(autouse=True)
def _usual_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_market_data_lets_the_control_plane_have_its_turn_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[float] = []

    async def serve(_only: list[str]) -> None:
        seen.append(sys.getswitchinterval())

    monkeypatch.setattr(runtime, "_serve", serve)
    call_command("runtime")
    assert seen == [pytest.approx(runtime.SWITCH_SECONDS)]
    assert runtime.SWITCH_SECONDS < 0.005  # Python's own


def test_a_user_who_is_not_there_is_told_and_not_waited_for(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[list[str]] = []

    async def serve(only: list[str]) -> None:
        served.append(only)

    monkeypatch.setattr(runtime, "_serve", serve)
    call_command("runtime", "--user", anna.username)
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("runtime", "--user", anna.username, "--user", "nobody")
    assert served == [[anna.username]]


def test_a_worker_that_cannot_ask_who_is_there_begins_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[list[str]] = []

    async def serve(only: list[str]) -> None:
        served.append(only)

    def away(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(runtime, "_serve", serve)
    monkeypatch.setattr(QuerySet, "values_list", away)
    call_command("runtime", "--user", "anna")
    assert served == [["anna"]]
