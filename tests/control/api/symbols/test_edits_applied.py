"""Changes of the watchlist over HTTP, while a worker really runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from control import client
from control.protocol import Command
from settings_app import services
from settings_app.models import User
from tests.control.api.symbols.test_editing import BTC, BULK, SOL, SYMBOLS
from tests.control.conftest import trader
from tests.control.running import running_worker, status_when
from tests.settings_app.calling import Caller, row
from trading.models import Position
from trading.net.endpoints import Endpoints

pytestmark = pytest.mark.timeout(120)


def watches(user: User, *symbols: str) -> None:
    status_when(user, lambda status: {one.symbol for one in status.symbols} == set(symbols))


@pytest.mark.django_db(transaction=True)
def test_each_change_is_one_revision_and_one_reload_and_touches_nobody_else(
    redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    anna, bela = (trader("BTC-USD", "ETH-USD", is_paused=False) for _ in range(2))
    with running_worker(endpoints):
        for user in (anna, bela):
            watches(user, "BTC-USD", "ETH-USD")
        before = status_when(anna, lambda status: not status.counts.warming)
        theirs, api = row(bela), Caller(anna)

        def done(method: str, path: str, body: Any = None) -> dict[str, Any]:
            revision = services.read(anna.pk).revision
            answer = api.send(method, path, body)
            assert answer.status_code == 200, answer.content
            told: dict[str, Any] = answer.json()
            assert told["applied"]
            assert told["revision"] == services.read(anna.pk).revision == revision + 1
            # A worker that has just looked by itself has nothing left to do for the reload.
            assert re.search(rf"revision {revision + 1} (is )?applied", told["message"])
            return told

        done("POST", SYMBOLS, {"symbols": [{"symbol": "SOL-USD"}, {"symbol": "LTC-USD"}]})
        watches(anna, "BTC-USD", "ETH-USD", "SOL-USD", "LTC-USD")
        done("PATCH", SOL, {"enabled": False, "position": 0})
        watches(anna, "BTC-USD", "ETH-USD", "LTC-USD")
        done("POST", BULK, {"action": "enable", "symbols": ["SOL-USD"]})
        watches(anna, "BTC-USD", "ETH-USD", "SOL-USD", "LTC-USD")
        done("POST", BULK, {"action": "remove", "symbols": ["SOL-USD", "LTC-USD", "ETH-USD"]})
        watches(anna, "BTC-USD")
        removed = done("DELETE", BTC)
        assert removed["stopped"] == [{"symbol": "BTC-USD", "exchange": "coinbase"}]
        after = status_when(anna, lambda status: not status.symbols)
        assert after.epoch == before.epoch, "nothing was started anew"
        assert row(bela) == theirs
        moment = status_when(bela, bool).at
        flowing = status_when(bela, lambda status: status.at > moment)
        assert {one.live for one in flowing.symbols} == {"receiving"}
        assert {one.symbol for one in flowing.symbols} == {"BTC-USD", "ETH-USD"}


@pytest.mark.django_db(transaction=True)
def test_the_last_change_is_undone_by_the_runtime_unless_the_settings_were_changed_since(
    redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    anna, bela = (trader("BTC-USD", "ETH-USD", is_paused=False) for _ in range(2))
    with running_worker(endpoints):
        for user in (anna, bela):
            watches(user, "BTC-USD", "ETH-USD")
        theirs, api = row(bela), Caller(anna)
        action = {"action": "remove", "symbols": ["BTC-USD", "ETH-USD"]}
        assert api.post(BULK, action).status_code == 200
        empty = status_when(anna, lambda status: not status.symbols)
        assert empty.undo is not None
        assert empty.undo.text == "put the watchlist back as it was"
        assert status_when(bela, bool).undo is None
        assert client.send(anna, Command.UNDO).applied
        watches(anna, "BTC-USD", "ETH-USD")
        assert api.send("DELETE", BTC).status_code == 200
        services.set_value(anna.pk, "/scanner/top_n", 30, by=anna)
        refused = client.send(anna, Command.UNDO).result
        assert refused is not None
        assert "cannot be undone: the settings were changed since" in str(refused.message)
    assert row(bela) == theirs


@pytest.mark.django_db(transaction=True)
def test_what_is_held_stays_watched_when_it_is_taken_off_and_the_answer_says_so(
    redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    anna = trader("BTC-USD", "ETH-USD", runtime_mode="position-monitor", is_paused=False)
    Position.objects.create(user=anna, exchange="coinbase", symbol="BTC-USD", quantity=1)
    with running_worker(endpoints):
        watches(anna, "BTC-USD")
        action = {"action": "remove", "symbols": ["BTC-USD", "ETH-USD"]}
        told = Caller(anna).post(BULK, action).json()
        assert told["applied"]
        assert told["stopped"] == []
        [still] = told["stillWatched"]
        assert (still["symbol"], still["why"]) == ("BTC-USD", "it is held")
        moment = status_when(anna, bool).at
        after = status_when(anna, lambda status: status.at > moment)
        assert [one.symbol for one in after.symbols] == ["BTC-USD"]
    assert not services.read(anna.pk).document.watchlist
