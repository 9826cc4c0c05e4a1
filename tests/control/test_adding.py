"""Adding a symbol holds it against what the exchange lists, also where nothing was read yet."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from pytest_django import Settings as Configuration

from control import client, wire
from control.protocol import Command, CommandResult, State, listing_of
from control.symbols.listings import listing
from settings_app import services
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import eventually, running_worker, status_when
from tests.control.test_worker import is_paused
from tests.settings_app.calling import row
from trading.net.endpoints import Endpoints
from trading.simulator.faults import Accept, Fail, Slow
from trading.simulator.server import Simulator
from trading.simulator.venues.ports import Trouble

pytestmark = pytest.mark.timeout(120)

AWAY = {"coinbase": Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")}
LONG = 20.0  # for an answer that waits for an exchange
DAWDLE_SECONDS = 3.0
OFTEN = 1_000_000


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    """A trader who rests from the start and watches nothing, so that nothing was read for her."""
    return trader(is_paused=True, document={"exchanges": {"coinbase": {"enabled": True}}})


def add(user: User, symbol: str) -> CommandResult:
    answer = client.send(user, Command.ADD_SYMBOL, {"symbol": symbol}, wait=LONG)
    assert answer.result is not None
    return answer.result


def symbols_of(user: User) -> list[str]:
    return [entry.symbol for entry in services.read(user.pk).document.watchlist]


def test_the_exchange_is_asked_by_a_runtime_that_rests_from_the_start(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    theirs = row(bela)
    with running_worker(endpoints, only=(anna.username,)) as worker:
        status_when(anna, is_paused)
        assert worker.plane.listed("coinbase") is None
        added = add(anna, "BTC-USDC")  # which shares the book of another
        assert added.success, added.message
        wrong = add(anna, "SOLL-USD")
        assert not wrong.success
        assert "coinbase does not list SOLL-USD; did you mean SOL-USD" in str(wrong.message)
    assert symbols_of(anna) == ["BTC-USDC"]
    assert row(bela) == theirs


def test_nothing_is_added_while_the_exchange_is_away_and_was_never_read(anna: User) -> None:
    before = row(anna)
    with running_worker(AWAY):
        status_when(anna, is_paused)
        result = add(anna, "SOL-USD")
    assert result.status == "failed"
    assert str(result.message).startswith("Coinbase did not tell what it lists (coinbase: no")
    assert str(result.message).endswith("nothing was changed. Try again later.")
    assert row(anna) == before


def test_what_was_read_before_serves_while_the_exchange_is_away(
    anna: User, endpoints: dict[str, Endpoints], settings: Configuration
) -> None:
    settings.EXCHANGES = endpoints
    before = listing("coinbase").listed  # as a page does
    old = replace(before, read_at=before.read_at - 40 * 60)
    wire.shared().set(listing_of("coinbase"), msgspec.json.encode(old).decode())
    with running_worker(AWAY):
        status_when(anna, is_paused)
        assert add(anna, "SOL-USD").success
        refused = add(anna, "NOPE-USD")
    assert not refused.success
    assert str(refused.message).startswith("symbol: coinbase does not list NOPE-USD")
    assert "Coinbase did not answer (coinbase: no" in str(refused.message)
    assert str(refused.message).endswith("this is 40 min old.")
    assert symbols_of(anna) == ["SOL-USD"]


@pytest.mark.parametrize("how", ["bad_gateway", "malformed", "throttled"])
def test_an_exchange_that_answers_nonsense_changes_nothing(
    anna: User, endpoints: dict[str, Endpoints], simulator: Simulator, how: Trouble
) -> None:
    before = row(anna)
    with running_worker(endpoints):
        status_when(anna, is_paused)
        simulator.inject(Fail(how=how, requests=OFTEN))
        try:
            result = add(anna, "SOL-USD")
        finally:
            simulator.inject(Accept())
    assert result.status == "failed"
    assert "nothing was changed" in str(result.message)
    assert "<html" not in str(result.message)
    assert row(anna) == before


def test_a_resume_and_a_pause_wait_for_no_exchange(
    anna: User, endpoints: dict[str, Endpoints], simulator: Simulator
) -> None:
    with running_worker(endpoints):
        status_when(anna, is_paused)
        simulator.inject(Slow(delay=DAWDLE_SECONDS, seconds=LONG, scope="rest"))
        try:
            adding = client.send(anna, Command.ADD_SYMBOL, {"symbol": "SOL-USD"}, wait=None)
            assert client.send(anna, Command.RESUME).applied
            assert client.send(anna, Command.PAUSE).applied
            waits = client.result(anna, adding.command_id)
            assert not isinstance(waits, CommandResult), "the exchange has answered by now"
        finally:
            simulator.inject(Accept())

        def result() -> CommandResult | None:
            told = client.result(anna, adding.command_id)
            return told if isinstance(told, CommandResult) else None

        added = eventually(result)
        assert added is not None
        assert added.success, added.message
        assert status_when(anna, is_paused).state is State.PAUSED
    assert symbols_of(anna) == ["SOL-USD"]


def test_a_worker_that_ends_while_it_asks_leaves_the_command_to_the_next(
    anna: User, endpoints: dict[str, Endpoints], simulator: Simulator
) -> None:
    with running_worker(endpoints):
        status_when(anna, is_paused)
        simulator.inject(Slow(delay=LONG, seconds=LONG, scope="rest"))
        adding = client.send(
            anna, Command.ADD_SYMBOL, {"symbol": "SOL-USD"}, until=client.Until.ACK
        )
    simulator.inject(Accept())
    with running_worker(endpoints):
        eventually(lambda: isinstance(client.result(anna, adding.command_id), CommandResult))
    assert symbols_of(anna) == ["SOL-USD"]
