"""The charts that go with signals, where the settings want them.

Rule 1: a picture is an extra: a message waits for its pictures a moment and then goes without, and
    nothing that is wrong with one reaches the message.
Rule 2: candles come from what Redis keeps, up to the bar that fired: sent again later, a signal
    still shows the moment that it tells of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from control import wire
from control.candles import READS, read_candles
from control.deliveries.queue import Claimed
from trading.alerts.charts import Charts
from trading.alerts.ports import Notice
from trading.core.market import Candle, Market, Timeframe
from trading.models import SYSTEM, Alert

log = structlog.get_logger(__name__)

SECONDS = 6.0
"""How long a message waits for all of its pictures."""
AGAIN_SECONDS = 0.1  # an alert is written before the candle that it is of is kept
AGAIN_AT_MOST = 10


_Bar = tuple[str, str, str, datetime | None]


class Pictures:
    """Draws what goes with a message; the worker has one."""

    def __init__(self) -> None:
        self._charts = Charts()

    async def illustrate(self, claimed: Claimed, notices: Sequence[Notice]) -> Sequence[Notice]:
        """The notices of claimed alerts, each with a picture of its market where one can be made.

        Args:
            notices: In the order of the alerts.
        """
        shown = list(notices)
        drawn: dict[_Bar, bytes | None] = {}  # several signals of one bar have one picture
        try:
            async with asyncio.timeout(SECONDS), wire.connect_async() as redis:
                for index, alert in enumerate(claimed.alerts):
                    if alert.kind != SYSTEM:
                        bar = _bar(alert)
                        if bar not in drawn:
                            drawn[bar] = await self._charts.png(await _candles(redis, alert))
                        shown[index] = replace(shown[index], chart=drawn[bar])
        except (RedisError, OSError) as exc:  # a TimeoutError is one
            log.warning("pictures.without", sub=claimed.lane.sub, reason=type(exc).__name__)
        return shown

    def close(self) -> None:
        """Let the process that draws go."""
        self._charts.close()


def _bar(alert: Alert) -> _Bar:
    return alert.exchange, alert.symbol, alert.timeframe, alert.candle_closed_at


async def _candles(redis: Redis, alert: Alert) -> list[Candle]:
    """What is kept of an alert's market and timeframe, up to its own bar."""
    if alert.candle_closed_at is None:
        return []
    market, timeframe = Market(alert.exchange, alert.symbol), Timeframe(alert.timeframe)
    closed_at = int(alert.candle_closed_at.timestamp())
    for _ in range(AGAIN_AT_MOST):
        kept = await read_candles(redis, market, timeframe, counter=READS)
        if kept and kept[-1].closes_at >= closed_at:
            break
        await asyncio.sleep(AGAIN_SECONDS)
    return [candle for candle in kept if candle.closes_at <= closed_at]
