"""A worker that reads positions from a simulated exchange, with keys that are really verified."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from control import client, leases
from control.models import Incident
from control.protocol import Command, State
from settings_app import services
from settings_app.models import User
from tests.control.positions.conftest import (
    READ,
    Exchange,
    exchange,
    has_failed,
    held,
    holder,
    is_read,
    told,
)
from tests.control.running import PATIENCE_SECONDS, eventually, running_worker, status_when
from trading.models import Alert, Position, PositionReading
from trading.simulator.faults import Accept, AnyFault, Fail, Refuse, Skew
from trading.simulator.venues.coinbase.keys import new_key

pytestmark = pytest.mark.timeout(120)


def test_what_is_held_becomes_rows_and_is_watched_without_a_restart(
    anna: User, coinbase: Exchange, set_key: Callable[..., None]
) -> None:
    set_key(coinbase.simulator.key)
    with running_worker(coinbase.endpoints):
        status = status_when(anna, lambda status: is_read(status) and len(status.symbols) == 6)
        assert status.epoch == 1
    assert tuple(held(anna)) == READ
    assert {row.source for row in held(anna).values()} == {Position.Source.EXCHANGE}
    now = told(status)
    assert now is not None
    assert (now.positions, now.error) == (6, "")
    assert now.read_at is not None
    assert now.next_at is not None
    assert now.next_at - now.read_at == pytest.approx(4 * 3_600_000, abs=60_000)
    assert any("worth less than 1 USD" in note for note in now.notes)


def test_a_second_reading_touches_nothing_that_is_the_same(
    anna: User, coinbase: Exchange, set_key: Callable[..., None]
) -> None:
    set_key(coinbase.simulator.key)
    with running_worker(coinbase.endpoints):
        status_when(anna, is_read)
    before = held(anna)
    Position.objects.filter(user=anna, symbol="BTC-USD").update(cost_basis=100, quantity=9)
    first = PositionReading.objects.get(user=anna).read_at
    with running_worker(coinbase.endpoints):
        status_when(anna, lambda status: is_read(status) and status.epoch > 1)
    after = held(anna)
    assert {s: (row.pk, row.updated_at, row.quantity) for s, row in after.items()} == {
        s: (row.pk, row.updated_at, row.quantity) for s, row in before.items()
    }
    assert after["BTC-USD"].cost_basis == 100
    again = PositionReading.objects.get(user=anna).read_at
    assert first is not None
    assert again is not None
    assert again > first


def test_what_is_gone_is_closed_and_what_was_entered_by_hand_stands(
    anna: User, coinbase: Exchange, set_key: Callable[..., None]
) -> None:
    set_key(coinbase.simulator.key)
    ours = {"user": anna, "exchange": "coinbase", "quantity": Decimal(3)}
    Position.objects.create(symbol="XRP-USD", source="exchange", **ours)
    Position.objects.create(symbol="ADA-USD", source="manual", **ours)
    Position.objects.create(symbol="ETH-USDC", source="manual", cost_basis=7, **ours)
    with running_worker(coinbase.endpoints):
        status = status_when(anna, is_read)
    rows = held(anna)
    assert rows.keys() == {*READ, "ADA-USD", "ETH-USDC"} - {"ETH-USD"}
    assert rows["ETH-USDC"].quantity == 3
    assert rows["ETH-USDC"].cost_basis == 7
    now = told(status)
    assert now is not None
    assert any("ETH-USDC stays at 3 as entered by hand" in note for note in now.notes)


def test_what_is_opened_joins_the_feed_that_is_there(
    anna: User, coinbase: Exchange, set_key: Callable[..., None]
) -> None:
    set_key(coinbase.simulator.key)
    off = {"load_positions_from_exchange": False}
    one = {"position_symbols": [{"symbol": "BTC-USD", "exchange": "coinbase"}]}
    services.patch(anna.pk, off | one, by=anna)
    with running_worker(coinbase.endpoints):
        before = status_when(
            anna, lambda status: [one.live for one in status.symbols] == ["receiving"]
        )
        services.patch(anna.pk, {"load_positions_from_exchange": True}, by=anna)
        after = status_when(
            anna,
            lambda status: len(status.symbols) == 6 and status.exchanges[0].subscriptions == 6,
        )
        assert coinbase.simulator.connections == 1
    assert after.exchanges[0].reconnects == before.exchanges[0].reconnects == 0
    assert after.exchanges[0].state == "connected"
    assert after.counts.trades >= before.counts.trades


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Refuse(seconds=600, scope="rest"), "no answer"),
        (Fail(how="unauthorized", requests=999, path="/key_permissions"), "401"),
        (Fail(how="malformed", requests=999, path="/accounts"), "must be as documented"),
        (Fail(how="business", requests=999, path="/accounts"), "429"),
    ],
)
def test_a_reading_that_fails_keeps_the_rows_says_so_and_is_tried_again(
    anna: User,
    coinbase: Exchange,
    set_key: Callable[..., None],
    fault: AnyFault,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("control.positions.refresher.RETRY_SECONDS", (0.5, 1.0))
    monkeypatch.setattr("trading.net.http.LONGEST_RETRY_SECONDS", 0.1)
    set_key(coinbase.simulator.key)
    ours = {"user": anna, "source": "exchange", "quantity": Decimal(3)}
    Position.objects.create(symbol="BTC-USD", cost_basis=5, **ours)
    Position.objects.create(symbol="XRP-USD", **ours)
    coinbase.inject(fault)
    with running_worker(coinbase.endpoints):
        status = status_when(anna, has_failed)
        now = told(status)
        assert now is not None
        assert words in now.error
        assert now.read_at is None
        assert any(e.where == "positions" and words in e.message for e in status.errors)
        assert set(held(anna)) == {"BTC-USD", "XRP-USD"}
        assert [row.symbol for row in status.symbols] == ["BTC-USD", "XRP-USD"]
        assert PositionReading.objects.get(user=anna).error
        coinbase.inject(Accept())
        status_when(anna, is_read)
    assert tuple(held(anna)) == READ
    assert held(anna)["BTC-USD"].cost_basis == 5
    assert PositionReading.objects.get(user=anna).error == ""


def test_a_key_that_may_transfer_is_refused_where_the_trader_sees_it(
    anna: User, set_key: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    key = replace(new_key(), can_transfer=True)
    set_key(key)
    with exchange(key) as coinbase, running_worker(coinbase.endpoints):
        status = status_when(anna, has_failed)
    now = told(status)
    assert now is not None
    assert "may transfer money, so it is not used" in now.error
    assert held(anna) == {}
    secret = key.portal_file()["privateKey"].splitlines()[1]
    assert secret not in status.to_json()
    assert secret not in "".join(capfd.readouterr())


def test_a_refused_key_is_an_incident_until_another_one_works(
    anna: User, set_key: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bela = holder("BELA", load_positions_from_exchange=False)
    transfers, views = replace(new_key(), can_transfer=True), new_key()
    set_key(transfers)
    with exchange(transfers) as coinbase, running_worker(coinbase.endpoints):
        incident = eventually(lambda: Incident.objects.filter(user=anna).first())
        assert incident is not None
        assert (incident.kind, incident.subject) == ("positions-stale", "coinbase")
        assert "may transfer money, so it is not used" in incident.detail
        began = eventually(lambda: Alert.objects.filter(user=anna, kind="system").first())
        assert began is not None
        assert (began.exchange, began.detail) == ("coinbase", incident.detail)
    set_key(views)
    with exchange(views) as coinbase, running_worker(coinbase.endpoints):
        ended = eventually(lambda: Incident.objects.filter(user=anna, ended_at__isnull=False))
        assert [one.pk for one in ended] == [incident.pk]
    first, second = Alert.objects.filter(user=anna, kind="system").order_by("id")
    assert first.pk == began.pk
    assert second.detail.startswith("Positions are read from Coinbase again, after ")
    assert not Incident.objects.filter(user=bela).exists()
    secret = transfers.portal_file()["privateKey"].splitlines()[1]
    assert secret not in incident.detail


def test_a_key_that_may_trade_is_warned_of_once(anna: User, set_key: Callable[..., None]) -> None:
    key = replace(new_key(), can_trade=True)
    set_key(key)
    with exchange(key) as coinbase, running_worker(coinbase.endpoints):
        status = status_when(anna, is_read)
    now = told(status)
    assert now is not None
    assert "may also trade" in now.notes[0]
    assert [e.count for e in status.errors if "may also trade" in e.message] == [1]
    assert {e.level for e in status.errors if e.where == "positions"} == {"warning"}


def test_a_variable_that_is_not_set_is_named(anna: User, coinbase: Exchange) -> None:
    with running_worker(coinbase.endpoints):
        now = told(status_when(anna, has_failed))
    assert now is not None
    assert now.error == "The variable COINBASE_KEY is not set where the worker runs."


def test_a_secret_that_is_none_is_refused_without_a_letter_of_it(
    anna: User, coinbase: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COINBASE_KEY", "organizations/a/apiKeys/b")
    monkeypatch.setenv("COINBASE_SECRET", "hunter2hunter2")
    with running_worker(coinbase.endpoints):
        status = status_when(anna, has_failed)
    now = told(status)
    assert now is not None
    assert "cannot be read; accepted are" in now.error
    assert "hunter2" not in status.to_json()


@pytest.mark.parametrize("seconds", [-90, 90])
def test_a_clock_that_is_wrong_by_a_minute_and_a_half_is_no_obstacle(
    anna: User, coinbase: Exchange, set_key: Callable[..., None], seconds: int
) -> None:
    set_key(coinbase.simulator.key)
    coinbase.inject(Skew(seconds=seconds))
    with running_worker(coinbase.endpoints):
        status_when(anna, is_read)
    assert tuple(held(anna)) == READ


def test_two_users_have_each_their_own_key(
    anna: User, coinbase: Exchange, set_key: Callable[..., None], settings: Any
) -> None:
    bela = holder("BELA")
    settings.CREDENTIAL_GRANTS = {
        anna.username: ("COINBASE_*",),
        bela.username: ("BELA_*",),
    }
    set_key(coinbase.simulator.key)
    set_key(new_key(), "BELA")  # which this exchange does not know
    with running_worker(coinbase.endpoints):
        status_when(anna, is_read)
        refused = told(status_when(bela, has_failed))
        assert refused is not None
        assert "401" in refused.error
        assert tuple(held(anna)) == READ
        assert held(bela) == {}
        other = services.patch(
            bela.pk,
            {"load_positions_from_exchange": False},
            by=bela,
        )
        status = status_when(bela, lambda status: status.settings_revision == other.revision)
        assert status.positions == []


def test_nothing_is_written_without_the_lease(
    anna: User, coinbase: Exchange, set_key: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_key(coinbase.simulator.key)
    from control.positions import rows

    writing, taken = threading.Event(), threading.Event()
    write = rows.write

    def late(*args: Any) -> rows.Written:
        writing.set()
        assert taken.wait(PATIENCE_SECONDS)
        return write(*args)

    monkeypatch.setattr(rows, "write", late)
    with running_worker(coinbase.endpoints) as worker:
        assert writing.wait(PATIENCE_SECONDS)
        assert worker.worker is not None
        leases.release_all(worker.worker.name)
        User.objects.filter(pk=anna.pk).update(is_staff=False)  # or it would be taken on again
        taken.set()
        eventually(lambda: client.status(anna) is None)
    assert held(anna) == {}
    assert not PositionReading.objects.filter(user=anna).exists()


def test_in_a_pause_nothing_is_read_and_on_resume_it_is(
    anna: User, coinbase: Exchange, set_key: Callable[..., None]
) -> None:
    set_key(coinbase.simulator.key)
    User.objects.filter(pk=anna.pk).update(is_paused=True)
    with running_worker(coinbase.endpoints):
        status = status_when(anna, lambda status: status.state is State.PAUSED)
        now = told(status)
        assert now is not None
        assert (now.state, now.next_at) == ("waiting", None)
        assert held(anna) == {}
        assert client.send(anna, Command.RESUME).applied
        status_when(anna, lambda status: is_read(status) and len(status.symbols) == 6)


def test_what_is_held_no_longer_counts_once_reading_is_switched_off(
    anna: User, coinbase: Exchange, set_key: Callable[..., None]
) -> None:
    set_key(coinbase.simulator.key)
    Position.objects.create(user=anna, symbol="ADA-USD", quantity=1)
    with running_worker(coinbase.endpoints):
        status_when(anna, lambda status: is_read(status) and len(status.symbols) == 7)
        services.patch(anna.pk, {"load_positions_from_exchange": False}, by=anna)
        status = status_when(anna, lambda status: len(status.symbols) == 1)
        assert [row.symbol for row in status.symbols] == ["ADA-USD"]
    assert len(held(anna)) == 7


def test_a_portal_file_in_the_variable_of_the_secret_is_a_key(
    anna: User, coinbase: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = coinbase.simulator.key.portal_file()
    monkeypatch.setenv("COINBASE_KEY", file["name"])
    monkeypatch.setenv("COINBASE_SECRET", json.dumps(file))
    with running_worker(coinbase.endpoints):
        status_when(anna, is_read)
