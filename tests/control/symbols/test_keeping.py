"""What a worker's data plane has read of a listing is there for everybody."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from control import wire
from control.protocol import listing_of
from control.symbols import listings
from control.symbols.listings import keep
from settings_app.models import User
from tests.control.running import eventually, running_worker
from tests.control.symbols.test_listings import keep as put
from trading.listings import Listed, ListingReader
from trading.net.endpoints import Endpoints


@pytest.fixture
def listed(redis_url: str, endpoints: dict[str, Endpoints]) -> Listed:
    """One reading of the exchange."""
    return asyncio.run(ListingReader(endpoints).read("coinbase"))


def read_at() -> float:
    known = listings.kept("coinbase")
    return 0.0 if known is None else known.listed.read_at


def test_a_newer_reading_takes_the_place_of_an_older_one_and_never_the_other_way(
    listed: Listed,
) -> None:
    keep(listed)
    assert read_at() == listed.read_at
    keep(replace(listed, read_at=listed.read_at - 60))
    assert read_at() == listed.read_at
    keep(replace(listed, read_at=listed.read_at + 60))
    assert read_at() == listed.read_at + 60


def test_what_a_worker_reads_for_itself_needs_no_reading_of_the_web(
    anna: User, listed: Listed, endpoints: dict[str, Endpoints]
) -> None:
    put(replace(listed, read_at=listed.read_at - 7_200))
    with running_worker(endpoints):
        eventually(lambda: read_at() > listed.read_at)
        wire.shared().delete(listing_of("coinbase"))
        eventually(lambda: read_at() > listed.read_at)
    known = listings.kept("coinbase")
    assert known is not None
    assert set(known.instruments) == {one.market.symbol for one in listed.instruments}
    assert known.tickers["BTC-USD"].price is not None
