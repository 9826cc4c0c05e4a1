"""Exchanges that have ids of their own, asked for what they list and for what a key shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from trading.core.errors import KeyRefused, Rejected
from trading.core.market import Instrument, Market, Ticker
from trading.core.portfolio import LeftOut, portfolio
from trading.exchanges.permissions import TRADES
from trading.listings import ListingReader, priced
from trading.net.endpoints import Endpoints
from trading.positions import PositionReader, Reading
from trading.simulator.faults import Skew
from trading.simulator.server import Simulator, serve
from trading.simulator.venues.binance import accounts as binance
from trading.simulator.venues.kucoin import accounts as kucoin


@dataclass(frozen=True, slots=True)
class Venue:
    """One that is simulated.

    Args:
        native: What it calls ETH-USDT.
        moves: What makes a key of it one that may move money away.
        trades: What makes a key of it one that may trade.
        unknown: Its code for a key that it does not know.
    """

    name: str
    native: str
    new_key: Callable[[], Any]
    moves: dict[str, Any]
    trades: dict[str, Any]
    unknown: str

    def key(self, **changes: Any) -> Any:
        """A new key, of which this is otherwise."""
        return replace(self.new_key(), **changes)


VENUES = [
    Venue(
        name="binance",
        native="ETHUSDT",
        new_key=binance.new_key,
        moves={"can_withdraw": True},
        trades={"can_trade": True},
        unknown="-2015",
    ),
    Venue(
        name="kucoin",
        native="ETH-USDT",
        new_key=kucoin.new_key,
        moves={"permission": "General,Transfer"},
        trades={"permission": "General,Spot"},
        unknown="400003",
    ),
]


@pytest.fixture(params=VENUES, ids=lambda venue: venue.name)
def venue(request: pytest.FixtureRequest) -> Venue:
    """Each of them."""
    one: Venue = request.param
    return one


@pytest.fixture
async def simulator(venue: Venue) -> AsyncIterator[Simulator]:
    async with serve(venue=venue.name) as simulator:
        yield simulator


def endpoints(venue: Venue, simulator: Simulator) -> dict[str, Endpoints]:
    return {venue.name: Endpoints(rest=simulator.rest, websocket=simulator.websocket)}


async def read(venue: Venue, simulator: Simulator, key: Any = None) -> Reading:
    """What a key shows; the simulator's own if none is given."""
    reader = PositionReader(endpoints(venue, simulator))
    file = (simulator.key if key is None else key).portal_file()
    return await reader.read(venue.name, reader.accounts_of(venue.name).read_key(**file))


def listed(symbol: str, native: str) -> Instrument:
    base, quote = symbol.split("-")
    return Instrument(
        market=Market("binance", symbol),
        base=base,
        quote=quote,
        price_increment="0.01",
        base_increment="0.01",
        streamable=True,
        native=native,
    )


def told(native: str, price: float | None) -> Ticker:
    return Ticker(
        symbol=native, price=price, change_24h=None, base_volume_24h=None, quote_volume_24h=None
    )


def test_prices_come_to_what_is_listed_by_its_own_id() -> None:
    instruments = [listed("BTC-USDT", "BTCUSDT"), listed("ETH-USDT", "ETHUSDT")]

    found = priced(instruments, [told("BTCUSDT", 60_000.0), told("BTC-USDT", 1.0)])

    assert [one.price for one in found] == [60_000.0, None]
    assert [one.native_id for one in found] == ["BTCUSDT", "ETHUSDT"]


async def test_days_figures_are_told_by_our_symbols(venue: Venue, simulator: Simulator) -> None:
    reader = ListingReader(endpoints(venue, simulator))

    everything = await reader.read(venue.name)

    symbols = {one.market.symbol for one in everything.instruments}
    assert symbols == set(simulator.world.products)
    assert {one.symbol for one in everything.tickers} == symbols
    for native in ("", venue.native):
        alone = await reader.ticker(venue.name, "ETH-USDT", native=native)
        assert alone.symbol == "ETH-USDT"
        assert alone.price
    with pytest.raises(Rejected, match="does not list NOPE-USDT"):
        await reader.ticker(venue.name, "NOPE-USDT")


async def test_balances_become_positions_with_their_worth(
    venue: Venue, simulator: Simulator
) -> None:
    reading = await read(venue, simulator)

    found = portfolio(reading.balances, reading.instruments, minimum_usd=Decimal(1))

    held = {one.market.symbol for one in found.positions}
    assert {"BTC-USDT", "ETH-USDT", "SOL-USDT"} <= held
    assert found.left_out["USDT"] is LeftOut.MONEY
    assert found.left_out["XLM"] is LeftOut.DUST  # so it is known what it is worth
    assert reading.warnings == ()


@pytest.mark.parametrize("seconds", [-80.0, 80.0])
async def test_clock_that_is_wrong_does_not_matter(
    venue: Venue, simulator: Simulator, seconds: float
) -> None:
    simulator.inject(Skew(seconds=seconds))

    assert (await read(venue, simulator)).balances


async def test_key_that_may_move_money_is_not_used(venue: Venue) -> None:
    async with serve(venue=venue.name, key=venue.key(**venue.moves)) as simulator:
        with pytest.raises(KeyRefused, match="may transfer"):
            await read(venue, simulator)


async def test_key_that_may_trade_is_taken_with_a_warning(venue: Venue) -> None:
    async with serve(venue=venue.name, key=venue.key(**venue.trades)) as simulator:
        assert (await read(venue, simulator)).warnings == (TRADES,)


async def test_key_of_somebody_else_shows_nothing(venue: Venue, simulator: Simulator) -> None:
    theirs = venue.key()
    with pytest.raises(KeyRefused, match=venue.unknown) as refused:
        await read(venue, simulator, theirs)

    secrets = {**theirs.portal_file(), **simulator.key.portal_file()}
    for name in secrets.keys() - {"name"}:
        assert theirs.portal_file()[name] not in str(refused.value)
        assert simulator.key.portal_file()[name] not in str(refused.value)
