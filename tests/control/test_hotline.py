"""The connection that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from django.conf import settings
from django.db import connection

from control.hotline import Hotline, Row

pytestmark = pytest.mark.django_db(transaction=True)

LOCK = 20_260_101


@pytest.fixture
async def hotline() -> AsyncIterator[Hotline]:
    line = Hotline()
    yield line
    await line.aclose()


@pytest.fixture
async def other() -> AsyncIterator[Hotline]:
    """Somebody else's."""
    line = Hotline()
    await line.dial()
    yield line
    await line.aclose()


async def answered(hotline: Hotline, statement: str = "SELECT 1") -> Row:
    async with asyncio.timeout(10):
        while (row := await hotline.ask(statement, {})) is None:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
    return row


async def test_whoever_asks_first_has_it_dialled_and_waits_for_nothing(hotline: Hotline) -> None:
    assert await hotline.ask("SELECT %(one)s", {"one": 1}) is None
    assert await answered(hotline) == (1,)


async def test_it_asks_with_values_in_a_transaction_of_its_own(hotline: Hotline) -> None:
    await hotline.dial()
    first = await hotline.ask("SELECT %(x)s::int, txid_current()", {"x": 7})
    second = await hotline.ask("SELECT %(x)s::int, txid_current()", {"x": 7})
    assert first is not None
    assert second is not None
    assert (first[0], second[0]) == (7, 7)
    assert first[1] != second[1]


async def test_it_has_the_limits_of_every_other_connection(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", "-c statement_timeout=7s")
    await hotline.dial()
    assert await hotline.ask("SHOW statement_timeout", {}) == ("7s",)


async def test_while_it_is_busy_nobody_else_waits_for_it(hotline: Hotline, other: Hotline) -> None:
    await hotline.dial()
    await other.ask("SELECT pg_advisory_lock(%(lock)s)", {"lock": LOCK})
    held = asyncio.create_task(hotline.ask("SELECT pg_advisory_lock(%(lock)s)", {"lock": LOCK}))
    await asyncio.sleep(0)
    assert await hotline.ask("SELECT 1", {}) is None
    assert await other.ask("SELECT pg_advisory_unlock(%(lock)s)", {"lock": LOCK}) == (True,)
    assert await held is not None


async def test_a_connection_that_broke_is_dialled_anew(hotline: Hotline, other: Hotline) -> None:
    await hotline.dial()
    (process,) = await answered(hotline, "SELECT pg_backend_pid()")
    assert await other.ask("SELECT pg_terminate_backend(%(p)s, 5000)", {"p": process}) == (True,)
    assert await hotline.ask("SELECT 1", {}) is None
    assert await answered(hotline) == (1,)


async def test_a_statement_that_is_refused_is_no_answer(hotline: Hotline) -> None:
    await hotline.dial()
    assert await hotline.ask("SELECT 1 / 0", {}) is None


async def test_a_postgresql_that_is_away_is_no_answer(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", 1)
    await hotline.dial()
    assert await hotline.ask("SELECT 1", {}) is None


def test_it_goes_where_django_goes() -> None:
    async def name() -> Row:
        line = Hotline()
        await line.dial()
        try:
            return await answered(line, "SELECT current_database()")
        finally:
            await line.aclose()

    assert asyncio.run(name()) == (settings.DATABASES["default"]["NAME"],)
