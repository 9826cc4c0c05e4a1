"""What exchanges list, as Redis keeps it for everybody: fresh, old, in trouble, and not there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec
import pytest
from pytest_django import Settings as Configuration

from control import wire
from control.protocol import listing_of, listing_trouble_of
from control.symbols import listings
from control.symbols.listings import Listing, ListingUnknown, alisting, alisting_with, aticker
from tests.trading import running
from trading.core.errors import TradingError, Unreachable
from trading.listings import Listed
from trading.simulator import faults
from trading.simulator.server import Simulator

OFTEN = 1_000_000
HALF_AN_HOUR = 1_800.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A simulated exchange, where the settings say that Coinbase is."""

    simulator: Simulator
    rest: running.Rest

    @property
    def asked(self) -> int:
        """How often it was asked what it lists; what a fault met does not count."""
        return sum("products" in ask.path for ask in list(self.rest.asked))

    def is_away(self) -> None:
        """From now on it answers nothing but 502."""
        self.simulator.inject(faults.Fail(how="bad_gateway", requests=OFTEN))

    def is_back(self) -> None:
        self.simulator.inject(faults.Accept())


@pytest.fixture
async def exchange(redis_url: str, settings: Configuration) -> AsyncIterator[Exchange]:
    async with running.serving() as simulator:
        settings.EXCHANGES = running.endpoints(simulator)
        yield Exchange(simulator, running.Rest(simulator))


def keep(listed: Listed) -> None:
    """Put a reading into Redis, as another process does."""
    wire.shared().set(listing_of("coinbase"), msgspec.json.encode(listed).decode())


async def aged(seconds: float) -> Listing:
    """What was read this long ago."""
    known = await alisting("coinbase")
    keep(replace(known.listed, read_at=known.listed.read_at - seconds))
    return known


async def test_what_was_read_serves_everybody_while_it_is_fresh(exchange: Exchange) -> None:
    first = await alisting("coinbase")
    second = await alisting("coinbase")
    assert exchange.asked == 1
    assert second.listed == first.listed
    assert (second.label, second.exchange, second.note) == ("Coinbase", "coinbase", "")
    assert second.instruments["BTC-USDC"].alias_of == "BTC-USD"
    assert second.tickers["BTC-USD"].price is not None


async def test_what_is_old_is_read_anew_and_kept(exchange: Exchange) -> None:
    await aged(HALF_AN_HOUR)
    now = await alisting("coinbase")
    assert exchange.asked == 2
    assert now.age_seconds < HALF_AN_HOUR
    kept = await asyncio.to_thread(listings.kept, "coinbase")
    assert kept is not None
    assert kept.listed == now.listed
    assert kept.note == ""


async def test_how_old_it_may_be_is_said_by_whoever_asks(exchange: Exchange) -> None:
    await aged(10 * 60)
    await alisting("coinbase", fresh=listings.NAMES_SECONDS)
    assert exchange.asked == 1
    await alisting("coinbase")
    assert exchange.asked == 2


@pytest.mark.parametrize("symbol", ["NOPE-USD", "BTC-PERP-INTX"])
async def test_a_symbol_that_was_not_open_some_minutes_ago_is_looked_up_anew(
    exchange: Exchange, symbol: str
) -> None:
    await aged(10 * 60)
    assert "BTC-USD" in (await alisting_with("coinbase", "BTC-USD")).instruments
    assert exchange.asked == 1
    await alisting_with("coinbase", symbol)
    assert exchange.asked == 2


async def test_a_reading_of_the_future_is_not_fresh(exchange: Exchange) -> None:
    await aged(-HALF_AN_HOUR)
    await alisting("coinbase")
    assert exchange.asked == 2


async def test_what_is_old_serves_while_the_exchange_is_away_and_says_so(
    exchange: Exchange,
) -> None:
    known = await aged(HALF_AN_HOUR)
    exchange.is_away()
    stale = await alisting("coinbase")
    assert stale.instruments == known.instruments
    assert stale.note.startswith("Coinbase did not answer (coinbase:")
    assert stale.note.endswith("this is 30 min old.")
    assert "<html" not in stale.note


async def test_where_nothing_was_ever_read_that_is_an_error(exchange: Exchange) -> None:
    exchange.is_away()
    with pytest.raises(ListingUnknown, match="Coinbase did not tell what it lists") as caught:
        await alisting("coinbase")
    assert "nothing was changed" in str(caught.value)
    assert await asyncio.to_thread(listings.kept, "coinbase") is None


async def test_an_exchange_that_did_not_answer_is_left_alone_for_seconds(
    exchange: Exchange,
) -> None:
    exchange.is_away()
    with pytest.raises(ListingUnknown) as first:
        await alisting("coinbase")
    exchange.is_back()
    with pytest.raises(ListingUnknown) as second:
        await alisting("coinbase")
    assert exchange.asked == 0
    assert str(second.value) == str(first.value)
    left = wire.shared().ttl(listing_trouble_of("coinbase"))
    assert 0 < left <= listings.TROUBLE_SECONDS
    wire.shared().delete(listing_trouble_of("coinbase"))  # as it is after those seconds
    assert (await alisting("coinbase")).note == ""
    assert exchange.asked == 1


async def test_of_many_who_want_to_know_at_once_one_asks(exchange: Exchange) -> None:
    known = await asyncio.gather(*(alisting("coinbase") for _ in range(5)))
    assert exchange.asked == 1
    assert len({one.listed.read_at for one in known}) == 1


async def test_processes_that_fail_at_once_fail_by_one_question(exchange: Exchange) -> None:
    exchange.is_away()
    outcomes = await asyncio.gather(
        *(alisting("coinbase") for _ in range(5)), return_exceptions=True
    )
    assert len({str(one) for one in outcomes}) == 1
    assert all(isinstance(one, ListingUnknown) for one in outcomes)


async def test_without_redis_the_exchange_is_asked_each_time(
    exchange: Exchange, redis_away: None
) -> None:
    for _ in range(2):
        assert (await alisting("coinbase")).instruments
    assert exchange.asked == 2
    assert await asyncio.to_thread(listings.kept, "coinbase") is None
    exchange.is_away()
    with pytest.raises(ListingUnknown):
        await alisting("coinbase")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        json.dumps({"exchange": "coinbase", "products": []}),
        json.dumps({"exchange": "coinbase", "instruments": [{}], "tickers": [], "read_at": 1.0}),
    ],
)
async def test_what_another_version_kept_is_read_anew(exchange: Exchange, text: str) -> None:
    wire.shared().set(listing_of("coinbase"), text)
    assert await asyncio.to_thread(listings.kept, "coinbase") is None
    assert (await alisting("coinbase")).instruments
    assert exchange.asked == 1


async def test_an_exchange_that_livermore_does_not_know_is_told_so_at_once(
    exchange: Exchange,
) -> None:
    with pytest.raises(ListingUnknown, match="knows no exchange 'kraken'"):
        await alisting("kraken")
    assert not wire.shared().exists(listing_trouble_of("kraken"))


async def test_a_markets_figures_are_asked_for_each_time(exchange: Exchange) -> None:
    for _ in range(2):
        assert (await aticker("coinbase", "BTC-USD")).symbol == "BTC-USD"
    assert exchange.asked == 2
    exchange.is_away()
    with pytest.raises(TradingError) as caught:
        await aticker("coinbase", "BTC-USD")
    assert isinstance(caught.value, Unreachable)


async def test_a_thread_without_a_loop_gets_the_same(exchange: Exchange) -> None:
    known = await asyncio.to_thread(listings.listing, "coinbase")
    assert known.listed == (await alisting("coinbase")).listed
    figures = await asyncio.to_thread(listings.ticker, "coinbase", "BTC-USD")
    assert figures.symbol == "BTC-USD"


def test_a_reading_of_this_minute_says_so_where_there_is_no_newer_one() -> None:
    listed = Listed(exchange="coinbase", instruments=(), tickers=(), read_at=time.time())
    assert Listing("Coinbase", listed).note == ""
    note = Listing("Coinbase", listed, "no answer").note
    assert note == "Coinbase did not answer (no answer); this is less than a minute old."
