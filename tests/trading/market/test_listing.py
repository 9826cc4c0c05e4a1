"""What an exchange lists, kept fresh beside its stream."""

from __future__ import annotations

import pytest

from tests.trading import running
from trading.core.errors import Malformed
from trading.core.market import Instrument
from trading.exchanges.ports import Response
from trading.market.listing import Listing
from trading.net.http import ExchangeHttp


class Forgetful(running.SwiftCoinbase):
    """An exchange with ids of its own whose list comes empty from some moment on."""

    has_own_ids = True
    has_forgotten = False

    def instruments(self, response: Response) -> list[Instrument]:
        listed = super().instruments(response)
        return [] if self.has_forgotten else listed


async def test_a_list_that_comes_empty_ends_no_market() -> None:
    exchange = Forgetful()
    async with running.serving() as simulator, ExchangeHttp(exchange, simulator.rest) as http:
        listing = Listing(exchange, http, changed=lambda: None)
        await listing._ask()
        known = listing.symbols
        assert listing.may_stream("BTC-USD")

        exchange.has_forgotten = True
        with pytest.raises(Malformed, match="empty"):
            await listing._ask()

        assert listing.symbols == known
        assert listing.may_stream("BTC-USD")
        assert "BTC-USD" in listing.names.streamed


async def test_waiting_for_its_turn_is_no_skew_of_the_clocks() -> None:
    async with (
        running.serving(speed=1.0) as simulator,
        ExchangeHttp(running.COINBASE, simulator.rest) as http,
    ):
        listing = Listing(running.COINBASE, http, changed=lambda: None)
        await listing._ask()
        before = listing.skew
        http._budget.rest(1.0)  # as where the exchange was asked too often
        await listing._ask()
        after = listing.skew
    assert before is not None
    assert after is not None
    assert abs(after.ms - before.ms) < 250.0
