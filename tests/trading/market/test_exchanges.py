"""A data plane on the other simulated exchanges: the same venue code, other protocols."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.trading import running
from tests.trading.running import SPEED, Recorder, facts_until, install, minutes_told, warm
from trading.core.market import Candle, Market, Timeframe
from trading.exchanges.binance import Binance
from trading.exchanges.ports import Exchange
from trading.exchanges.registry import EXCHANGES
from trading.market.names import Names
from trading.net.endpoints import Endpoints
from trading.net.http import ExchangeHttp
from trading.plane import DataPlane
from trading.simulator.clock import SimulatedClock
from trading.simulator.faults import Close, Drop, Freeze
from trading.simulator.server import Simulator, serve

KUCOIN = EXCHANGES["kucoin"]


class SwiftBinance(Binance):
    """Binance at :data:`SPEED`: more may be asked in a real second, and silence is shorter."""

    requests_per_second = 100.0
    messages_per_second = 100.0
    silence_seconds = 3.0


@pytest.fixture(params=["binance", "kucoin"])
def exchange(request: pytest.FixtureRequest) -> Exchange:
    """Each of those that have ids of their own."""
    return EXCHANGES[request.param]


@asynccontextmanager
async def turning(
    exchange: Exchange, recorder: Recorder
) -> AsyncIterator[tuple[Simulator, DataPlane]]:
    """A data plane on a simulated exchange in accelerated time."""
    name, clock = exchange.name, SimulatedClock(speed=SPEED, anchor_ns=running.BEGAN_AT_NS)
    async with serve(venue=name, products=running.PRODUCTS, clock=clock) as simulator:
        endpoints = {name: Endpoints(simulator.rest, simulator.websocket)}
        plane = DataPlane(endpoints=endpoints, sinks=recorder, exchanges={name: exchange})
        plane.start()
        try:
            yield simulator, plane
        finally:
            assert await asyncio.to_thread(plane.stop)


async def theirs(
    exchange: Exchange, simulator: Simulator, symbol: str, first: int, last: int
) -> list[Candle]:
    """What the exchange has of these minutes."""
    async with ExchangeHttp(exchange, simulator.rest) as http:
        native = await Names(exchange).native(symbol, http)
        request = exchange.candles_request(native, Timeframe.M1, first, last)
        return list(
            await http.ask(request, lambda answer: exchange.candles(answer, symbol, Timeframe.M1))
        )


async def test_minutes_told_to_two_users_are_those_of_the_exchange(exchange: Exchange) -> None:
    recorder = Recorder()
    btc, eth = Market(exchange.name, "BTC-USDT"), Market(exchange.name, "ETH-USDT")
    async with turning(exchange, recorder) as (simulator, plane):
        install(plane, "ann", btc, eth)
        install(plane, "bob", eth)
        for sub in ("ann", "bob"):
            await warm(plane, sub)
        for market in (btc, eth):
            told = await minutes_told(recorder, market, 4)
            first, last = told[0].opened_at, told[-1].opened_at
            made = await theirs(exchange, simulator, market.symbol, first, last)
            assert [one for one in told if not one.synthetic] == made


async def test_symbol_that_is_not_listed_is_said_and_not_asked_for(exchange: Exchange) -> None:
    nosuch = Market(exchange.name, "NOSUCH-USDT")
    async with turning(exchange, Recorder()) as (_, plane):
        install(plane, "ann", Market(exchange.name, "BTC-USDT"), nosuch)
        facts = await facts_until(
            plane,
            "ann",
            lambda facts: "does not trade" in facts.feeds[0].detail,
            "that it is not listed",
        )
        assert facts.feeds[0].detail == f"{exchange.label} does not trade NOSUCH-USDT."
        assert facts.feeds[0].stale_symbols == ("NOSUCH-USDT",)


async def test_round_trip_is_told_whatever_a_ping_is(exchange: Exchange) -> None:
    async with turning(exchange, Recorder()) as (_, plane):
        install(plane, "ann", Market(exchange.name, "BTC-USDT"))
        facts = await facts_until(
            plane, "ann", lambda facts: facts.feeds[0].latency_ms, "a round trip"
        )
        assert 0.0 < (facts.feeds[0].latency_ms or 0.0) < 1_000.0


async def test_cut_connection_is_made_anew_without_a_hole(exchange: Exchange) -> None:
    recorder, btc = Recorder(), Market(exchange.name, "BTC-USDT")
    async with turning(exchange, recorder) as (simulator, plane):
        install(plane, "ann", btc)
        await warm(plane, "ann")
        before = len(await minutes_told(recorder, btc, 2))
        simulator.inject(Close(code=1006))
        told = await minutes_told(recorder, btc, before + 4)
        first, last = told[0].opened_at, told[-1].opened_at
        made = await theirs(exchange, simulator, btc.symbol, first, last)
    latest = {one.opened_at: one for one in told}  # what was amended comes again
    assert [one for one in latest.values() if not one.synthetic] == made
    assert len(latest) == (last - first) // 60 + 1


async def test_market_that_falls_silent_takes_no_connection_with_it() -> None:
    """Not even the one whose seconds tell Binance's time."""
    recorder, btc = Recorder(), Market("binance", "BTC-USDT")
    async with turning(SwiftBinance(), recorder) as (simulator, plane):
        install(plane, "ann", btc)
        await warm(plane, "ann")
        before = len(await minutes_told(recorder, btc, 2))
        simulator.inject(Freeze(btc.symbol))
        facts = await facts_until(
            plane, "ann", lambda facts: facts.feeds[0].stale_symbols, "that it is silent"
        )
        assert facts.feeds[0].stale_symbols == (btc.symbol,)
        await minutes_told(recorder, btc, before + 8)  # read of its candles meanwhile
        [feed] = (await facts_until(plane, "ann", lambda facts: facts, "how it is")).feeds
    assert (feed.state, feed.reconnects) == ("connected", 0)


async def test_trades_that_ids_do_not_show_as_lost_are_noticed_and_repaired() -> None:
    recorder, btc = Recorder(), Market("kucoin", "BTC-USDT")
    async with turning(KUCOIN, recorder) as (simulator, plane):
        install(plane, "ann", btc)
        await warm(plane, "ann")
        before = len(await minutes_told(recorder, btc, 2))
        simulator.inject(Drop(frames=4, channel="trade.l3match"))
        told = await minutes_told(recorder, btc, before + 12)
        first, last = told[0].opened_at, told[-2].opened_at
        made = await theirs(KUCOIN, simulator, btc.symbol, first, last)
    latest = {one.opened_at: one for one in told[:-1]}  # the last may still be mended
    assert [one for one in latest.values() if not one.synthetic] == made
