"""Charts go with the signals of whoever wants them, and hold up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings as Configuration
from redis.asyncio import Redis

from control import tasks, wire
from control.candles import write_candles
from control.database import Database
from control.deliveries import pictures
from control.deliveries.channels import Channels
from control.deliveries.outbox import Outbox
from control.deliveries.pictures import Pictures
from control.deliveries.queue import Claimed, Lane
from settings_app.models import User
from tests.control.alerts import CLOSED_AT, delivery, told, troubled
from tests.control.running import eventually
from tests.settings_app.factories import UserFactory
from tests.trading.alerts.said import NOTICE
from trading.alerts import discord
from trading.alerts.charts import draw
from trading.alerts.ports import Notice
from trading.core.market import Candle, Market, Timeframe
from trading.models import Alert, Delivery, DeliveryChannel
from trading.simulator.discord.server import Arrived, StandIn, serve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]

HOUR = Timeframe.H1.seconds
LAST = int(CLOSED_AT.timestamp()) - HOUR  # opening time of the bar that fires


def candles(count: int = 40, *, later: int = 2) -> list[Candle]:
    """Hours up to the one that fires, and some that close after it."""
    return [
        Candle(
            market=Market("coinbase", "BTC-USD"),
            timeframe=Timeframe.H1,
            opened_at=LAST + (number - count + 1) * HOUR,
            open=100.0 + number,
            high=102.0 + number,
            low=99.0 + number,
            close=101.0 + number,
            volume=1.0,
        )
        for number in range(count + later)
    ]


def keep(kept: Sequence[Candle]) -> None:
    async def write() -> None:
        async with wire.connect_async() as redis:
            await write_candles(redis, kept)

    asyncio.run(write())


def illustrated(user: User, alerts: Sequence[Alert]) -> list[bytes | None]:
    """The pictures that alerts get."""
    lane = Lane(user.pk, user.sub, DeliveryChannel.DISCORD)
    claimed = Claimed(lane=lane, message=uuid4(), alerts=alerts, attempts=1, age_seconds=0.0)

    async def illustrate() -> Sequence[Notice]:
        made = Pictures()
        try:
            return await made.illustrate(claimed, [NOTICE] * len(alerts))
        finally:
            made.close()

    return [notice.chart for notice in asyncio.run(illustrate())]


@pytest.fixture
def anna() -> User:
    return UserFactory.create(document=_discord("DISCORD_ANNA", chart=True))


@pytest.fixture
def bela() -> User:
    return UserFactory.create(document=_discord("DISCORD_BELA", chart=False))


def _discord(variable: str, *, chart: bool) -> dict[str, Any]:
    settings = {"enabled": True, "webhook_url_environment_variable": variable, "chart": chart}
    return {"notifications": {"discord": settings}}


def test_picture_is_of_the_alerts_market_up_to_its_own_bar(anna: User, redis_url: str) -> None:
    keep(candles())
    assert illustrated(anna, [told(anna), troubled(anna)]) == [draw(candles(later=0)), None]


def test_signals_of_one_bar_have_one_picture(
    anna: User, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(candles())
    asked: list[Alert] = []
    read = pictures._candles

    async def counted(redis: Redis, alert: Alert) -> list[Candle]:
        asked.append(alert)
        return await read(redis, alert)

    monkeypatch.setattr(pictures, "_candles", counted)
    first, second = illustrated(anna, [told(anna), told(anna, kind="crossover")])
    assert first is not None
    assert first == second
    assert len(asked) == 1


def test_bar_that_is_kept_a_moment_later_is_waited_for(anna: User, redis_url: str) -> None:
    keep(candles(later=-1))
    alert = told(anna)

    async def play() -> list[Candle]:
        async with wire.connect_async() as redis:
            reading = asyncio.create_task(pictures._candles(redis, alert))
            await asyncio.sleep(0)
            await write_candles(redis, candles(later=0)[-1:])
            return await reading

    assert asyncio.run(play()) == candles(later=0)


def test_without_candles_or_redis_a_message_goes_without(
    anna: User,
    redis_url: str,
    settings: Configuration,
    monkeypatch: pytest.MonkeyPatch,
    unused_tcp_port: int,
) -> None:
    monkeypatch.setattr(pictures, "AGAIN_SECONDS", 0.01)
    assert illustrated(anna, [told(anna)]) == [None]
    settings.REDIS_URL = f"redis://127.0.0.1:{unused_tcp_port}/0"
    assert illustrated(anna, [told(anna, hour=1)]) == [None]


def test_pictures_that_take_too_long_are_done_without(
    anna: User, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(candles())
    monkeypatch.setattr(pictures, "SECONDS", 0.01)
    assert illustrated(anna, [told(anna)]) == [None]


def test_chart_arrives_with_the_signal_of_whoever_wants_it(
    anna: User,
    bela: User,
    redis_url: str,
    settings: Configuration,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.CREDENTIAL_GRANTS = {
        anna.get_username(): ("DISCORD_ANNA",),
        bela.get_username(): ("DISCORD_BELA",),
    }
    keep(candles())
    for user in (anna, bela):
        delivery(told(user, state="pending"), due_at=timezone.now() - timedelta(minutes=1))
    arrived = asyncio.run(_delivered(monkeypatch))
    assert [list(message.files) for message in arrived["1"]] == [["chart-0.png"]]
    assert [list(message.files) for message in arrived["2"]] == [[]]


async def _delivered(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Arrived]]:
    """What arrives at the two webhooks, once everything is delivered."""
    database, drawn = Database(threads=4), Pictures()
    async with serve(StandIn()) as stand_in, discord.client() as client:
        monkeypatch.setenv("DISCORD_ANNA", stand_in.webhook(1))
        monkeypatch.setenv("DISCORD_BELA", stand_in.webhook(2))
        prepare = Channels(client, drawn).prepare
        outbox = Outbox(database, prepare, worker="one", publish=_tell_nobody)
        running = asyncio.create_task(outbox.run())
        try:
            await database.run(eventually, _is_over)
        finally:
            await outbox.leave()
            await tasks.end(running)
            drawn.close()
            database.close()
        messages = stand_in.messages
    return {number: [m for m in messages if m.webhook == number] for number in ("1", "2")}


def _is_over() -> bool:
    return not Delivery.objects.exclude(state=Delivery.State.DELIVERED).exists()


async def _tell_nobody(_channel: str, _text: str) -> bool:
    return True
