"""What a worker knows of a listing: what its data plane saw, what Redis keeps, what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from control.protocol import Command
from control.symbols import verifying
from control.symbols.verifying import Verifying, market_added
from tests.control.ledgers import Rows, command
from tests.trading import running
from trading.core.market import Market
from trading.plane import DataPlane
from trading.simulator import faults
from trading.simulator.server import Simulator

OFTEN = 1_000_000
NOPE = Market("coinbase", "NOPE-USD")


@pytest.fixture
async def simulator(redis_url: str) -> AsyncIterator[Simulator]:
    async with running.serving() as exchange:
        yield exchange


@pytest.fixture
async def plane(simulator: Simulator) -> AsyncIterator[DataPlane]:
    async with running.turning(simulator, running.Recorder()) as turning:
        yield turning


async def sees(plane: DataPlane) -> None:
    """Wait until the data plane has read the listing."""
    running.install(plane, "ann", running.BTC)
    await running.until(lambda: plane.listed("coinbase"), "the list of Coinbase")


async def test_what_the_data_plane_has_seen_open_needs_no_question(
    simulator: Simulator, plane: DataPlane
) -> None:
    looking = Verifying(plane)
    assert looking.at_once(running.SOL) is None
    await sees(plane)
    rest = running.Rest(simulator)
    known = looking.at_once(running.SOL)
    assert known is not None
    assert known.instruments is not None
    assert known.instruments["SOL-USD"].streamable
    assert known.trouble == ""
    assert looking.at_once(NOPE) is None
    assert looking.at_once(Market("coinbase", "BTC-PERP-INTX")) is None
    assert rest.asked == []


async def test_what_it_has_not_seen_is_asked_of_the_exchange_where_it_is(
    simulator: Simulator, plane: DataPlane
) -> None:
    known = await Verifying(plane).look(running.SOL)
    assert known.instruments is not None
    assert known.instruments["SOL-USD"].streamable
    unknown = await Verifying(plane).look(NOPE)
    assert unknown.instruments is not None
    assert "NOPE-USD" not in unknown.instruments
    assert (unknown.trouble, unknown.note) == ("", "")


async def test_what_was_seen_serves_while_the_exchange_is_away(
    simulator: Simulator, plane: DataPlane
) -> None:
    await sees(plane)
    simulator.inject(faults.Fail(how="internal", requests=OFTEN))
    known = await Verifying(plane).look(NOPE)
    assert known.instruments == plane.listed("coinbase")
    assert known.trouble == ""
    assert known.note.startswith("coinbase does not answer now")


async def test_where_nothing_was_seen_and_nobody_says_the_reason_is_told(
    simulator: Simulator, plane: DataPlane
) -> None:
    simulator.inject(faults.Fail(how="bad_gateway", requests=OFTEN))
    known = await Verifying(plane).look(running.SOL)
    assert known.instruments is None
    assert known.trouble.startswith("Coinbase did not tell what it lists")
    assert known.trouble.endswith("nothing was changed. Try again later.")


async def test_a_question_ends_in_time(
    simulator: Simulator, plane: DataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "LONGEST_SECONDS", 0.2)
    simulator.inject(faults.Slow(delay=30.0, seconds=60.0, scope="rest"))
    known = await Verifying(plane).look(running.SOL)
    assert known.instruments is None
    assert "no answer within 0.2 s" in known.trouble


async def test_an_exchange_without_a_feed_is_not_said_to_come_back(plane: DataPlane) -> None:
    known = await Verifying(plane).look(Market("kucoin", "BTC-USDT"))
    assert known.instruments is None
    assert known.trouble.endswith("nothing was changed.")


@pytest.mark.parametrize(
    ("name", "payload", "market"),
    [
        (Command.ADD_SYMBOL, {"symbol": "SOL-USD"}, Market("coinbase", "SOL-USD")),
        (
            Command.ADD_SYMBOL,
            {"symbol": "SOL-USD", "exchange": "kucoin"},
            Market("kucoin", "SOL-USD"),
        ),
        (Command.REMOVE_SYMBOL, {"symbol": "SOL-USD"}, None),
        (Command.PAUSE, {}, None),
    ],
)
def test_only_what_is_added_is_looked_up_and_where_it_is_meant(
    name: Command, payload: dict[str, Any], market: Market | None
) -> None:
    assert market_added(command(name, payload=payload), Rows().situation()) == market


def test_nobody_is_asked_where_the_settings_do_not_say_of_which_exchange() -> None:
    assert market_added(command(Command.ADD_SYMBOL, payload={"symbol": "A-USD"}), None) is None
