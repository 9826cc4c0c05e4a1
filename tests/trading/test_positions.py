"""Reading accounts from a simulated exchange that really verifies what is signed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.trading.running import SwiftCoinbase
from trading.core.errors import ConfigError, KeyRefused, Malformed, Rejected, Unreachable
from trading.core.portfolio import LeftOut, portfolio
from trading.net.endpoints import Endpoints
from trading.positions import PositionReader, Reading
from trading.simulator.faults import Accept, Fail, Refuse, Skew
from trading.simulator.server import Simulator, serve
from trading.simulator.venues.coinbase.keys import SimulatedKey, new_key

EXCHANGES = {"coinbase": SwiftCoinbase()}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with serve() as simulator:
        yield simulator


def reader(simulator: Simulator, **changes: Any) -> PositionReader:
    endpoints = {"coinbase": Endpoints(rest=simulator.rest, websocket=simulator.websocket)}
    return PositionReader(endpoints, **{"exchanges": EXCHANGES, **changes})


async def read(simulator: Simulator, key: SimulatedKey | None = None, **changes: Any) -> Reading:
    ours = reader(simulator, **changes)
    file = (key or simulator.key).portal_file()
    accounts = ours.accounts_of("coinbase")
    signing = accounts.read_key(name=file["name"], secret=file["privateKey"])
    return await ours.read("coinbase", signing)


async def test_every_kind_of_holding_is_judged(simulator: Simulator) -> None:
    told = await read(simulator)
    found = portfolio(told.balances, told.instruments, minimum_usd=Decimal(1))
    held = {one.market.symbol: one for one in found.positions}
    assert held.keys() == {f"{c}-USD" for c in ("BTC", "ETH", "SOL", "LINK", "DOGE", "SHIB")}
    wallets = [b.amount for b in told.balances if b.currency == "BTC"]
    assert len(wallets) == 2  # and the vault
    assert held["BTC-USD"].quantity == sum(wallets)
    assert found.left_out["USDC"] is found.left_out["USDT"] is LeftOut.MONEY
    assert found.left_out["XLM"] is LeftOut.DUST
    assert "REN" in found.not_traded
    assert not {"USD", "EUR"} & {one.market.symbol.partition("-")[0] for one in found.positions}
    assert told.warnings == ()


async def test_a_key_that_may_trade_is_taken_with_a_warning() -> None:
    async with serve(products=20, key=replace(new_key(), can_trade=True)) as simulator:
        (warning,) = (await read(simulator)).warnings
    assert "may also trade" in warning


@pytest.mark.parametrize(
    ("rights", "words"),
    [({"can_transfer": True}, "may transfer money"), ({"can_view": False}, "may not view")],
)
async def test_a_key_that_may_do_too_much_or_too_little_is_refused(
    rights: dict[str, Any], words: str
) -> None:
    async with serve(products=20, key=replace(new_key(), **rights)) as simulator:
        with pytest.raises(KeyRefused, match=words):
            await read(simulator)


async def test_a_key_that_the_exchange_does_not_know_is_refused(simulator: Simulator) -> None:
    with pytest.raises(KeyRefused):
        await read(simulator, new_key())


@pytest.mark.parametrize("seconds", [-90, 90])
async def test_a_clock_that_is_wrong_is_corrected_for(simulator: Simulator, seconds: int) -> None:
    simulator.inject(Skew(seconds=seconds))
    assert (await read(simulator)).balances
    simulator.inject(Skew(seconds=0))
    wrong = await read(simulator, clock=lambda: time.time_ns() // 1_000 - seconds * 1_000_000)
    assert wrong.balances


async def test_what_passes_is_asked_again(simulator: Simulator) -> None:
    simulator.inject(Fail(how="unauthorized", path="/accounts"))
    simulator.inject(Fail(how="throttled", path="/time"))
    simulator.inject(Fail(how="internal", path="/products"))
    assert (await read(simulator)).instruments


async def test_an_exchange_that_is_away_is_unreachable(simulator: Simulator) -> None:
    simulator.inject(Refuse(seconds=60, scope="rest"))
    with pytest.raises(Unreachable):
        await read(simulator)
    simulator.inject(Accept())
    assert (await read(simulator)).balances


async def test_a_page_that_does_not_come_fails_the_whole(simulator: Simulator) -> None:
    simulator.inject(Fail(how="malformed", requests=10, path="/accounts"))
    with pytest.raises((Malformed, Rejected, Unreachable)):
        await read(simulator)


async def test_what_is_listed_is_asked_once_for_all(simulator: Simulator) -> None:
    ours = reader(simulator)
    file = simulator.key.portal_file()
    key = ours.accounts_of("coinbase").read_key(name=file["name"], secret=file["privateKey"])
    first, second = await ours.read("coinbase", key), await ours.read("coinbase", key)
    assert first.instruments is second.instruments


def test_an_exchange_without_accounts_says_so() -> None:
    with pytest.raises(ConfigError, match="cannot read positions from Kraken"):
        PositionReader({}).accounts_of("kraken")
    with pytest.raises(ConfigError, match="Coinbase"):
        PositionReader({}).accounts_of("coinbase")
