"""When positions are read, by a clock that moves when told to, over real rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from control import leases
from control.database import Database
from control.positions.refresher import LONGEST_SECONDS, RETRY_SECONDS, Refresher
from control.protocol import PositionsStatus
from settings_app import services
from settings_app.models import User
from settings_app.schema import Settings
from tests.control.positions.conftest import held, holder
from tests.trading.running import until
from trading.core.errors import KeyRefused, Unreachable
from trading.core.market import Instrument, Market
from trading.core.portfolio import Balance
from trading.exchanges.coinbase.accounts import CoinbaseAccounts
from trading.models import Position
from trading.ports import Owner
from trading.positions import Reading
from trading.simulator.venues.coinbase.keys import new_key

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3_600.0
LISTING = [
    Instrument(
        market=Market("coinbase", f"{base}-USD"),
        base=base,
        quote="USD",
        price_increment="0.01",
        base_increment="0.01",
        streamable=True,
        price=100.0,
    )
    for base in ("BTC", "ETH", "SOL")
]


class Told:
    """An exchange of which a test says what it tells. It implements ``Reads``."""

    def __init__(self) -> None:
        self.amounts: dict[str, str] = {"BTC": "1"}
        self.warnings: tuple[str, ...] = ()
        self.error: Exception | None = None
        self.keys: list[str] = []
        self.door = asyncio.Event()  # nobody is answered while it is shut
        self.door.set()
        self.asked = asyncio.Event()

    def accounts_of(self, exchange: str) -> CoinbaseAccounts:
        return CoinbaseAccounts()

    def label_of(self, exchange: str) -> str:
        return exchange.capitalize()

    async def read(self, exchange: str, key: Any) -> Reading:
        self.keys.append(key.name)
        self.asked.set()
        await self.door.wait()
        if self.error is not None:
            raise self.error
        balances = tuple(Balance(base, Decimal(n)) for base, n in self.amounts.items())
        return Reading(balances=balances, instruments=LISTING, warnings=self.warnings)


class Turning:
    """A refresher at work, with what it told."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.exchange = Told()
        self.complaints: list[tuple[str, str, str, str]] = []
        self.changed: list[str] = []
        self.database = Database(threads=2)
        self.refresher = Refresher(
            self.database,
            self.exchange,
            complain=lambda *told: self.complaints.append(told),
            changed=self.changed.append,
            clock=lambda: self.now,
        )

    async def follow(self, user: User, *, is_paused: bool = False) -> Owner:
        owner, document = await self.database.run(_taken_on, user)
        self.refresher.follow(owner, document, is_paused=is_paused)
        return owner

    def told(self, owner: Owner) -> PositionsStatus:
        (told,) = self.refresher.status_of(owner.sub)
        return told

    async def rows(self, user: User) -> dict[str, Position]:
        return await self.database.run(held, user)

    async def until(self, holds: Callable[[], object]) -> None:
        await until(holds, "what the test waits for")

    async def reads(self, times: int) -> None:
        """Wait until it was asked so often in all, and what came of it is told."""
        await self.until(lambda: len(self.exchange.keys) >= times)
        await self.until(lambda: not any(w.is_being_read for w in self._watches()))

    async def rests(self, times: int) -> None:
        """Nothing is due: another look changes nothing."""
        self.refresher._wake.set()
        await self.until(lambda: not self.refresher._wake.is_set())
        assert len(self.exchange.keys) == times

    def _watches(self) -> list[Any]:
        users = self.refresher._users.values()
        return [watch for user in users for watch in user.watches.values()]


def _taken_on(user: User) -> tuple[Owner, Settings]:
    known = leases.acquire([user.pk], "tests")
    fence = known.get(user.pk, 1)
    owner = Owner(user_id=user.pk, sub=user.sub, fence=fence)
    return owner, services.read(user.pk).document


@pytest.fixture
async def turning() -> AsyncIterator[Turning]:
    turning = Turning()
    running = asyncio.create_task(turning.refresher.run(), name="refresher")
    yield turning
    running.cancel()
    await asyncio.wait([running])
    turning.database.close()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COINBASE", "BELA"):
        file = new_key().portal_file()
        monkeypatch.setenv(f"{name}_KEY", f"key-of-{name}")
        monkeypatch.setenv(f"{name}_SECRET", file["privateKey"])


@pytest.fixture
def anna(keys: None, redis_url: str) -> User:
    return holder(position_refresh_hours=2.0)


async def test_positions_are_read_at_the_start_and_then_every_few_hours(
    turning: Turning, anna: User
) -> None:
    owner = await turning.follow(anna)
    await turning.reads(1)
    turning.now += 2 * HOUR - 1
    await turning.rests(1)
    turning.now += 1
    await turning.reads(2)
    told = turning.told(owner)
    assert told.state == "read"
    assert told.read_at is not None
    assert told.next_at is not None
    assert told.next_at - told.read_at == pytest.approx(2 * HOUR * 1_000, abs=5_000)


async def test_whatever_else_is_held_is_told_and_another_quantity_moves_no_plan(
    turning: Turning, anna: User
) -> None:
    await turning.follow(anna)
    await turning.reads(1)
    assert turning.changed == [anna.sub]
    first = await turning.rows(anna)
    turning.now += 2 * HOUR
    await turning.reads(2)
    turning.exchange.amounts = {"BTC": "3"}
    turning.now += 2 * HOUR
    await turning.reads(3)
    assert turning.changed == [anna.sub] * 2
    now = await turning.rows(anna)
    assert now["BTC-USD"].quantity == 3
    assert now["BTC-USD"].updated_at == first["BTC-USD"].updated_at
    turning.exchange.amounts = {"BTC": "3", "ETH": "1"}
    turning.now += 2 * HOUR
    await turning.reads(4)
    assert turning.changed == [anna.sub] * 3


async def test_what_fails_is_tried_again_within_growing_bounds(
    turning: Turning, anna: User
) -> None:
    turning.exchange.error = Unreachable("coinbase", "no answer")
    owner = await turning.follow(anna)
    first, longest = RETRY_SECONDS
    for times in range(1, 12):
        await turning.reads(times)
        await turning.until(lambda: len(turning.complaints) >= times)  # noqa: B023
        (watch,) = turning._watches()
        delay = watch.due_at - turning.now
        assert 0 <= delay <= min(longest, first * 2 ** (times - 1))
        turning.now += delay
        turning.refresher._wake.set()
    turning.exchange.error = None
    turning.now += longest
    await turning.until(lambda: turning.told(owner).state == "read")
    assert turning.told(owner).error == ""
    assert watch.backoff.failures == 0


async def test_a_failure_says_since_when_how_often_and_whether_a_person_must_act(
    turning: Turning, anna: User
) -> None:
    turning.exchange.error = Unreachable("coinbase", "no answer")
    owner = await turning.follow(anna)
    await turning.until(lambda: turning.told(owner).failures == 1)
    first = turning.told(owner)
    assert (first.state, first.needs_you) == ("failed", False)
    turning.exchange.error = KeyRefused("coinbase", "401 no")
    turning.now += RETRY_SECONDS[0]
    await turning.until(lambda: turning.told(owner).failures == 2)
    second = turning.told(owner)
    assert (second.needs_you, second.failing_since) == (True, first.failing_since)
    turning.exchange.error = None
    turning.now += RETRY_SECONDS[1]
    await turning.until(lambda: turning.told(owner).state == "read")
    last = turning.told(owner)
    assert (last.failures, last.failing_since, last.needs_you) == (0, None, False)


async def test_a_variable_that_is_not_set_is_for_a_person_to_mend(
    turning: Turning, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COINBASE_SECRET")
    owner = await turning.follow(anna)
    await turning.until(lambda: turning.told(owner).state == "failed")
    assert turning.told(owner).needs_you


async def test_whoever_is_told_anything_tries_again_at_once(turning: Turning, anna: User) -> None:
    turning.exchange.error = KeyRefused("coinbase", "401 no")
    owner = await turning.follow(anna)
    await turning.until(lambda: turning.told(owner).state == "failed")
    assert turning.told(owner).error == "coinbase: 401 no"
    turning.exchange.error = None
    await turning.follow(anna)
    await turning.until(lambda: turning.told(owner).state == "read")


async def test_what_is_read_into_a_pause_is_dropped_and_read_again_after_it(
    turning: Turning, anna: User
) -> None:
    turning.exchange.door.clear()
    owner = await turning.follow(anna)
    await turning.exchange.asked.wait()
    await turning.follow(anna, is_paused=True)
    turning.exchange.door.set()
    await turning.reads(1)
    assert await turning.rows(anna) == {}
    assert turning.told(owner).state == "waiting"
    await turning.rests(1)
    await turning.follow(anna)
    await turning.reads(2)
    assert list(await turning.rows(anna)) == ["BTC-USD"]


async def test_one_whose_exchange_hangs_holds_up_nobody_and_keys_do_not_mix(
    turning: Turning, anna: User, settings: Any
) -> None:
    bela = await turning.database.run(holder, "BELA")
    settings.CREDENTIAL_GRANTS = {anna.username: ("COINBASE_*",), bela.username: ("BELA_*",)}
    turning.exchange.door.clear()
    await turning.follow(anna)
    await turning.exchange.asked.wait()
    await turning.follow(bela)
    await turning.until(lambda: len(turning.exchange.keys) == 2)
    assert turning.exchange.keys == ["key-of-COINBASE", "key-of-BELA"]
    turning.exchange.door.set()
    await turning.reads(2)
    assert list(await turning.rows(anna)) == list(await turning.rows(bela)) == ["BTC-USD"]


async def test_a_bug_is_one_users_trouble_and_keeps_the_rows(turning: Turning, anna: User) -> None:
    turning.exchange.error = ZeroDivisionError("a bug with COINBASE_SECRET in it")
    owner = await turning.follow(anna)
    await turning.until(lambda: turning.told(owner).state == "failed")
    assert "ZeroDivisionError" in turning.told(owner).error
    assert "COINBASE_SECRET" not in turning.told(owner).error


async def test_a_reading_without_the_lease_writes_nothing_and_is_not_repeated(
    turning: Turning, anna: User
) -> None:
    turning.exchange.door.clear()
    owner = await turning.follow(anna)
    await turning.exchange.asked.wait()
    await turning.database.run(leases.release_all, "tests")
    turning.exchange.door.set()
    await turning.reads(1)
    assert await turning.rows(anna) == {}
    assert turning.complaints == []
    turning.now += 100 * HOUR
    await turning.rests(1)
    assert turning.told(owner).state == "waiting"


async def test_a_reading_that_hangs_is_given_up(
    turning: Turning, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.positions.refresher.LONGEST_SECONDS", 0.1)
    assert LONGEST_SECONDS >= 60
    turning.exchange.door.clear()
    owner = await turning.follow(anna)
    await turning.until(lambda: turning.told(owner).state == "failed")
    assert turning.told(owner).error == "it took longer than 0.1 s"
    turning.exchange.door.set()
