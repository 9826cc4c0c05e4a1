"""The daily scan: once a day, always a proposal and an alert, never a change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings as Configuration

from control import leases
from control.database import Database
from control.models import Lease, ScanRun
from control.symbols import daily, scans
from control.symbols.daily import DailyScans
from settings_app import services
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import postgresql_away
from tests.control.test_plan import overwrite
from trading.models import Alert
from trading.net.endpoints import Endpoints
from trading.ports import Owner
from trading.simulator import faults
from trading.simulator.server import Simulator

DAY = datetime(2036, 6, 1, tzinfo=UTC)
DAILY = {"scanner": {"enabled": True, "top_n": 10}}


class Clockwork:
    """Daily scans whose clock a test sets, and what they complained of."""

    def __init__(self) -> None:
        self.now = DAY
        self.complaints: list[tuple[str, str, str, str]] = []
        self.database = Database(threads=1)
        self.scans = self.new()

    def new(self) -> DailyScans:
        """Those of another worker."""
        return DailyScans(self.database, self._complain, clock=lambda: self.now)

    def _complain(self, *said: str) -> None:
        sub, where, level, message = said
        self.complaints.append((sub, where, level, message))

    def follow(self, user: User, *, is_paused: bool = False) -> Owner:
        """Follow a user whose lease is free."""
        fence = leases.acquire([user.pk], "w")[user.pk]
        owner = Owner(user_id=user.pk, sub=user.sub, fence=fence)
        self.scans.follow(owner, services.read(user.pk).document, is_paused=is_paused)
        return owner

    def turn(self, now: datetime) -> None:
        """One turn, at this moment."""
        self.now = now
        asyncio.run(self.scans.turn())


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def clockwork(transactional_db: None, redis_url: str) -> Iterator[Clockwork]:
    made = Clockwork()
    yield made
    made.database.close()


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    return trader("BTC-USD", document=DAILY)


@pytest.fixture
def bela(transactional_db: None, redis_url: str) -> User:
    return trader("SOL-USD")


def runs_of(user: User) -> list[ScanRun]:
    return list(ScanRun.objects.filter(user=user).order_by("at", "pk"))


def test_it_ends_in_a_proposal_and_an_alert_and_changes_nothing(
    clockwork: Clockwork, anna: User, bela: User
) -> None:
    before = services.read(anna.pk).revision
    due = daily.due_at(anna.sub, DAY)
    for user in (anna, bela):
        clockwork.follow(user)
    clockwork.turn(due - timedelta(seconds=1))
    assert runs_of(anna) == []
    clockwork.turn(due)
    [run] = runs_of(anna)
    assert (run.state, run.cause, run.exchange) == ("previewed", "daily", "coinbase")
    alert = Alert.objects.get()
    assert (alert.user_id, alert.kind, alert.exchange) == (anna.pk, "system", "coinbase")
    assert alert.detail.startswith("Scan of Coinbase: 9 to add, 0 to remove. Nothing was changed")
    assert services.read(anna.pk).revision == before
    assert runs_of(bela) == [], "it is switched off there"


def test_it_is_once_a_day_over_the_restart_of_a_worker(clockwork: Clockwork, anna: User) -> None:
    due = daily.due_at(anna.sub, DAY)
    clockwork.follow(anna)
    clockwork.turn(due)
    clockwork.turn(due + timedelta(hours=1))
    Lease.objects.all().delete()
    clockwork.scans = clockwork.new()
    clockwork.follow(anna)
    clockwork.turn(due + timedelta(hours=2))
    assert len(runs_of(anna)) == 1
    clockwork.turn(due + timedelta(days=1))
    assert len(runs_of(anna)) == 2


def test_what_falls_due_in_a_pause_is_done_afterwards(clockwork: Clockwork, anna: User) -> None:
    due = daily.due_at(anna.sub, DAY)
    owner = clockwork.follow(anna, is_paused=True)
    clockwork.turn(due + timedelta(hours=1))
    assert runs_of(anna) == []
    clockwork.scans.follow(owner, services.read(anna.pk).document, is_paused=False)
    clockwork.turn(due + timedelta(hours=2))
    assert len(runs_of(anna)) == 1


def test_a_failure_is_a_row_and_an_error_and_is_made_good(
    clockwork: Clockwork, anna: User, simulator: Simulator
) -> None:
    due = daily.due_at(anna.sub, DAY)
    owner = clockwork.follow(anna)
    simulator.inject(faults.Fail(how="malformed", requests=1_000_000))
    try:
        clockwork.turn(due)
        clockwork.turn(due)  # too soon to try again
    finally:
        simulator.inject(faults.Accept())
    [run] = runs_of(anna)
    assert run.state == "failed"
    assert "Coinbase did not tell what it lists" in run.reason
    [(sub, where, level, message)] = clockwork.complaints
    assert (sub, where, level) == (anna.sub, "scanner", "error")
    assert message.startswith("The daily scan was not made: Coinbase did not tell")
    assert not Alert.objects.exists()
    clockwork.scans.follow(owner, services.read(anna.pk).document, is_paused=False)
    ask_again()
    clockwork.turn(due + timedelta(minutes=5))
    [run] = runs_of(anna)
    assert run.state == "previewed", "the failure has gone with it"


def ask_again() -> None:
    """Forget that the exchange did not answer a moment ago."""
    from control import wire
    from control.protocol import listing_trouble_of

    wire.shared().delete(listing_trouble_of("coinbase"))


def test_settings_that_cannot_be_read_are_a_failure_like_any_other(
    clockwork: Clockwork, anna: User
) -> None:
    clockwork.follow(anna)
    overwrite(anna, json.dumps({"version": 99, "sub": anna.sub}), version=99)
    clockwork.turn(daily.due_at(anna.sub, DAY))
    [run] = runs_of(anna)
    assert run.state == "failed"
    assert len(clockwork.complaints) == 1


def test_a_worker_that_lost_the_lease_writes_nothing(clockwork: Clockwork, anna: User) -> None:
    clockwork.follow(anna)
    Lease.objects.update(fence=99)
    clockwork.turn(daily.due_at(anna.sub, DAY))
    assert runs_of(anna) == []
    assert clockwork.complaints == []


def test_with_postgresql_away_it_is_made_when_that_is_back(
    clockwork: Clockwork, anna: User
) -> None:
    due = daily.due_at(anna.sub, DAY)
    clockwork.follow(anna)
    with postgresql_away():
        clockwork.turn(due)
    clockwork.turn(due + timedelta(seconds=30))
    assert len(runs_of(anna)) == 1
    assert scans.last_daily_at(anna.pk) == due + timedelta(seconds=30)


@given(st.uuids().map(str), st.datetimes(timezones=st.just(UTC)))
def test_every_user_has_a_moment_of_the_day_and_it_is_not_due_twice(
    sub: str, now: datetime
) -> None:
    due = daily.due_at(sub, now)
    assert due.date() == now.date()
    assert timedelta(minutes=15) <= due - due.replace(hour=0, minute=0) < timedelta(minutes=75)
    assert not daily.is_due(sub, due, max(now, due))
    assert daily.is_due(sub, due - timedelta(seconds=1), due)
