"""What an exchange lists, asked of a real simulator, in good and in bad times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.trading import running
from trading.core.errors import (
    ConfigError,
    ExchangeError,
    Malformed,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.core.market import Instrument, InstrumentKind
from trading.exchanges.ports import Response
from trading.listings import ListingReader
from trading.net.endpoints import Endpoints
from trading.simulator import faults
from trading.simulator.server import Simulator
from trading.simulator.venues.ports import Trouble

WITH_PATIENCE = 5.0
OFTEN = 1_000_000


class EmptyCoinbase(running.SwiftCoinbase):
    """An exchange whose list of products has come empty."""

    def instruments(self, response: Response) -> list[Instrument]:
        super().instruments(response)
        return []


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running.serving() as exchange:
        yield exchange


@pytest.fixture
def reader(simulator: Simulator) -> ListingReader:
    return asking(simulator)


def asking(simulator: Simulator, patience: float = WITH_PATIENCE) -> ListingReader:
    return ListingReader(
        running.endpoints(simulator), exchanges={"coinbase": running.COINBASE}, patience=patience
    )


async def refusal(asked: Awaitable[object], kind: type[ExchangeError]) -> str:
    """What an exchange in trouble is said to have done, told in time."""
    with pytest.raises(kind) as caught:
        async with asyncio.timeout(running.PATIENCE_SECONDS):
            await asked
    assert caught.value.exchange == "coinbase"
    return str(caught.value)


async def test_everything_that_is_listed_is_read_with_its_kind_and_its_book(
    reader: ListingReader, simulator: Simulator
) -> None:
    before = time.time()
    listed = await reader.read("coinbase")
    assert before <= listed.read_at <= time.time()
    by_symbol = {one.market.symbol: one for one in listed.instruments}
    assert len(listed.instruments) == len(simulator.world.products)
    btc = by_symbol["BTC-USD"]
    assert (btc.kind, btc.streamable, btc.status) == (InstrumentKind.SPOT, True, "")
    assert (btc.base, btc.quote, btc.name) == ("BTC", "USD", "Bitcoin")
    assert by_symbol["BTC-USDC"].alias_of == "BTC-USD"
    assert by_symbol["BTC-USDC"].streamable
    futures = [one for one in listed.instruments if one.kind is InstrumentKind.FUTURE]
    assert futures
    assert not any(one.streamable for one in futures)
    assert all(one.status for one in listed.instruments if not one.streamable)


async def test_the_days_figures_come_with_the_listing_and_alone(reader: ListingReader) -> None:
    listed = await reader.read("coinbase")
    btc = next(one for one in listed.tickers if one.symbol == "BTC-USD")
    assert btc.price is not None
    assert btc.base_volume_24h is not None
    assert btc.quote_volume_24h is not None
    assert btc.quote_volume_24h > btc.base_volume_24h > 0.0
    alone = await reader.ticker("coinbase", "BTC-USD")
    assert alone.symbol == "BTC-USD"
    assert alone.price is not None
    assert alone.price == pytest.approx(btc.price, rel=0.2)


async def test_a_market_that_is_not_listed_has_no_figures(reader: ListingReader) -> None:
    await refusal(reader.ticker("coinbase", "NOPE-USD"), Rejected)


@pytest.mark.parametrize("ask", [lambda r, e: r.read(e), lambda r, e: r.ticker(e, "BTC-USD")])
@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ("internal", Unreachable),
        ("bad_gateway", Unreachable),  # a page of HTML
        ("malformed", Malformed),
        ("throttled", RateLimited),
    ],
)
async def test_an_exchange_in_trouble_is_an_error_in_bounded_time(
    reader: ListingReader,
    simulator: Simulator,
    ask: Callable[[ListingReader, str], Awaitable[object]],
    trouble: Trouble,
    kind: type[ExchangeError],
) -> None:
    simulator.inject(faults.Fail(how=trouble, requests=OFTEN))
    told = await refusal(ask(reader, "coinbase"), kind)
    assert "<html" not in told
    simulator.inject(faults.Accept())


async def test_one_failure_that_passes_is_not_told(
    reader: ListingReader, simulator: Simulator
) -> None:
    simulator.inject(faults.Fail(how="internal", requests=1))
    assert (await reader.read("coinbase")).instruments


async def test_an_exchange_that_takes_no_connection_is_unreachable(
    reader: ListingReader, simulator: Simulator
) -> None:
    simulator.inject(faults.Refuse(seconds=60.0))
    assert "no answer" in await refusal(reader.read("coinbase"), Unreachable)
    nowhere = ListingReader({"coinbase": Endpoints(rest="http://127.0.0.1:9", websocket="ws://x")})
    await refusal(nowhere.read("coinbase"), Unreachable)


async def test_an_exchange_that_never_comes_to_an_end_is_waited_for_no_longer_than_patience(
    simulator: Simulator,
) -> None:
    simulator.inject(faults.Slow(delay=30.0, seconds=60.0))
    impatient = asking(simulator, patience=0.3)
    assert "within 0.3 s" in await refusal(impatient.read("coinbase"), Unreachable)
    assert "within 0.3 s" in await refusal(impatient.ticker("coinbase", "BTC-USD"), Unreachable)


async def test_an_empty_listing_is_none(simulator: Simulator) -> None:
    reader = ListingReader(
        running.endpoints(simulator), exchanges={"coinbase": EmptyCoinbase()}, patience=5.0
    )
    assert "empty" in await refusal(reader.read("coinbase"), Malformed)


async def test_an_exchange_that_livermore_does_not_know_is_not_asked() -> None:
    with pytest.raises(ConfigError, match="no exchange 'kraken'"):
        await ListingReader({}).read("kraken")
    with pytest.raises(ConfigError):
        await ListingReader({}).ticker("coinbase", "BTC-USD")
    assert ListingReader({}).label_of("coinbase") == "Coinbase"
    assert ListingReader({}).label_of("kraken") == "Kraken"


async def test_two_questions_at_once_are_two_answers(reader: ListingReader) -> None:
    one, other = await asyncio.gather(reader.read("coinbase"), reader.read("coinbase"))
    assert [i.market for i in one.instruments] == [i.market for i in other.instruments]
