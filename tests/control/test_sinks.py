"""What the data plane found becomes rows, once each, under the fence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from control import alerts, leases, sinks, tasks, wire
from control.candles import RedisShelf
from control.database import Database
from control.models import Lease
from control.protocol import LogEvent, candles_of
from settings_app.models import User
from tests.control.running import eventually, postgresql_away, postgresql_read_only
from tests.settings_app.factories import UserFactory
from tests.trading.core.made import candle
from tests.trading.running import until
from trading.alerts.compose import system_alert
from trading.core.indicators import IndicatorPoint
from trading.core.market import Market, Timeframe
from trading.core.modes import SignalKind
from trading.core.signals import Direction, Signal
from trading.core.stages import Stage
from trading.models import Alert
from trading.ports import FiredSignal, Owner

BTC = Market("coinbase", "BTC-USD")


def point(closes_at: int, macd_v: float) -> IndicatorPoint:
    return IndicatorPoint(
        opened_at=closes_at - 60,
        closes_at=closes_at,
        close=100.5,
        macd_v=macd_v,
        signal=120.0,
        histogram=macd_v - 120.0,
        gauges={"rsi": 60.0},
        atr=1.0,
        stage=Stage.RALLYING,
        bars=300,
    )


def fired(owner: Owner, closed_at: int = 1_700_000_040, *, missed: bool = False) -> FiredSignal:
    signal = Signal(
        market=BTC,
        timeframe=Timeframe.M1,
        kind=SignalKind.LEVEL,
        direction=Direction.UP,
        opened_at=closed_at - 60,
        closed_at=closed_at,
        price=100.5,
        value=151.0,
        level=150.0,
        detail="through +150",
        point=point(closed_at, 151.0),
        previous=point(closed_at - 60, 149.0),
    )
    return FiredSignal(owner=owner, signal=signal, missed=missed)


def leased() -> Owner:
    user: User = UserFactory.create()
    return Owner(user_id=user.pk, sub=user.sub, fence=leases.acquire([user.pk], "w")[user.pk])


@pytest.fixture
def owner(db: None) -> Owner:
    return leased()


def test_a_signal_becomes_one_row_however_often_it_is_written(owner: Owner) -> None:
    assert len(alerts.write_alerts(owner, [fired(owner)])) == 1
    assert alerts.write_alerts(owner, [fired(owner)]) == []
    alert = Alert.objects.get()
    assert (alert.symbol, alert.kind, alert.value, alert.state) == (
        "BTC-USD",
        "level",
        151.0,
        Alert.State.RECORDED,
    )
    assert alert.candle_closed_at == datetime.fromtimestamp(1_700_000_040, tz=UTC)
    assert alert.values["before"]["macdV"] == 149.0


def test_a_signal_of_an_outage_is_recorded_as_missed(owner: Owner) -> None:
    alerts.write_alerts(owner, [fired(owner, missed=True)])
    assert Alert.objects.get().state == Alert.State.MISSED


def test_a_fenced_off_worker_writes_no_alert(owner: Owner) -> None:
    Lease.objects.update(fence=owner.fence + 1)
    with pytest.raises(leases.Fenced):
        alerts.write_alerts(owner, [fired(owner)])
    assert not Alert.objects.exists()


def test_two_users_have_the_same_signal_each(owner: Owner) -> None:
    bela: User = UserFactory.create()
    other = Owner(user_id=bela.pk, sub=bela.sub, fence=leases.acquire([bela.pk], "w")[bela.pk])
    alerts.write_alerts(owner, [fired(owner)])
    alerts.write_alerts(other, [fired(other)])
    assert set(Alert.objects.values_list("user_id", flat=True)) == {owner.user_id, bela.pk}


def test_the_log_of_signals_counts_from_the_rows_on(owner: Owner) -> None:
    alerts.write_alerts(owner, [fired(owner), fired(owner, 1_700_000_100)])
    assert alerts.signals_so_far(owner.user_id) == (2, 1_700_000_100_000)
    log = alerts.SignalLog()
    log.start(owner.sub, today=2, last_at_ms=1_700_000_100_000)
    log.note(owner.sub, 1_700_000_160)
    assert (log.today(owner.sub), log.last_at_ms(owner.sub)) == (3, 1_700_000_160_000)
    assert (log.today("bela"), log.last_at_ms("bela")) == (0, None)


def test_what_concerns_livermore_itself_is_no_signal(owner: Owner) -> None:
    alerts.write_alerts(owner, [fired(owner)])
    told = system_alert(owner.user_id, exchange="", detail="It fails.", values={})
    told.save()
    assert alerts.signals_so_far(owner.user_id) == (1, 1_700_000_040_000)
    with pytest.raises(ValueError, match="must be a signal, was of kind system"):
        alerts.signal_event(told)


@pytest.mark.parametrize("away", [postgresql_away, postgresql_read_only])
def test_an_alert_waits_until_postgresql_takes_it(
    transactional_db: None,
    redis_url: str,
    away: Callable[[], AbstractContextManager[None]],
) -> None:
    owner, lost, database = leased(), list[str](), Database(threads=1)
    with asyncio.Runner() as runner:
        queue = sinks.QueuedSinks(database, alerts.SignalLog())
        queue.on_dropped(lambda sub, message: lost.append(message))
        queue.signal_fired(fired(owner))
        with away():
            runner.run(queue.flush(10.0))
        assert not Alert.objects.exists()
        runner.run(queue.flush(10.0))
        runner.run(queue.aclose())
    database.close()
    assert Alert.objects.count() == 1
    assert lost == []


def test_a_candle_is_kept_behind_the_alerts_that_came_before_it(
    transactional_db: None, redis_url: str
) -> None:
    owner, database = leased(), Database(threads=1)
    signal = fired(owner)
    name = candles_of(BTC.exchange, BTC.symbol, "1m")
    redis = wire.connect()

    async def told() -> tuple[bool, bool]:
        queue = sinks.QueuedSinks(database, alerts.SignalLog())
        queue.signal_fired(signal)
        queue.candles_closed([candle(0)])
        writing = asyncio.create_task(queue.write_to_redis())
        try:
            queue.tell_pages(owner.sub, LogEvent(at=1, where="x", level="error", message="y"))
            await asyncio.to_thread(eventually, lambda: not queue._events)
            before = bool(redis.exists(name))
            await queue.flush(10.0)
            await asyncio.to_thread(eventually, lambda: redis.exists(name))
        finally:
            await tasks.end(writing)
            await queue.aclose()
        return before, await database.run(Alert.objects.exists)

    assert asyncio.run(told()) == (False, True)
    database.close()


def test_what_a_fenced_worker_could_not_tell_is_left_to_the_next_one(
    transactional_db: None, redis_url: str
) -> None:
    """PostgreSQL was away, and then the lease: the alerts of some minutes are lost with it."""
    owner, other, database = leased(), leased(), Database(threads=1)
    Lease.objects.filter(user_id=owner.user_id).update(fence=owner.fence + 1)
    bars = [candle(number) for number in range(5)]
    lost = bars[3].closes_at

    async def told() -> list[int]:
        queue, shelf = sinks.QueuedSinks(database, alerts.SignalLog()), RedisShelf()
        shelf.begin()
        queue.candles_closed(bars[:3])
        queue.signal_fired(fired(owner, lost))
        queue.signal_fired(fired(other, lost))
        queue.candles_closed(bars[3:])
        await queue.flush(10.0)
        writing = asyncio.create_task(queue.write_to_redis())
        try:
            await until(lambda: not queue._candles, "candles kept")
            the_next = replace(owner, fence=owner.fence + 1)
            return [
                len((await shelf.kept(candle(0).market, owners))[Timeframe.M1])
                for owners in ((), (other,), (the_next, other), (replace(owner, fence=9),))
            ]
        finally:
            await tasks.end(writing)
            await queue.aclose()
            await shelf.aclose()

    assert asyncio.run(told()) == [5, 5, 3, 5], "all; the other's; as far as told; told since then"
    assert list(Alert.objects.values_list("user_id", flat=True)) == [other.user_id]
    database.close()


def test_nothing_is_left_for_the_next_worker_of_a_user_who_is_gone(
    transactional_db: None, redis_url: str
) -> None:
    """The lease of a deleted user is void as well, but nobody will ever be told."""
    owner, database = leased(), Database(threads=1)
    User.objects.filter(pk=owner.user_id).delete()

    async def names_left() -> list[str]:
        queue = sinks.QueuedSinks(database, alerts.SignalLog())
        client = wire.connect_async()
        queue.signal_fired(fired(owner))
        try:
            await queue.flush(10.0)
            assert not queue._alerts
            return [name async for name in client.scan_iter(f"livermore:*{owner.sub}*")]
        finally:
            await queue.aclose()
            await client.aclose()

    assert asyncio.run(names_left()) == []
    database.close()
