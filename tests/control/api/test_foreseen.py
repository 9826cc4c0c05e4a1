"""What a command would do, over HTTP: who may ask, for whom, and how."""

from __future__ import annotations

import pytest

from control.api.problems import RUNTIME_UNKNOWN
from settings_app.models import User
from settings_app.problems import (
    MALFORMED_REQUEST,
    NOT_SIGNED_IN,
    NOT_STAFF,
    SETTINGS_DAMAGED,
)
from tests.control.test_foreseen import BTC, answered, keep
from tests.settings_app.calling import Caller, problem
from tests.settings_app.factories import UserFactory
from trading.models import Position

MODES = "/api/control/modes"
CACHE = "/api/control/cache"
ALL = f"{CACHE}?scope=all"


def test_the_modes_say_what_they_would_watch(anna: User, bela: User) -> None:
    Position.objects.create(user=bela, exchange="coinbase", symbol="BTC-USD", quantity="1")
    by_mode = {one["mode"]: one for one in Caller(anna).get(MODES).json()["modes"]}
    assert by_mode["scalper-macdv"]["isWanted"]
    assert by_mode["scalper-macdv"]["symbols"] == 2
    monitor = by_mode["position-monitor"]
    assert monitor["symbols"] == 0
    assert [market["symbol"] for market in monitor["stops"]] == ["BTC-USD", "ETH-USD"]
    assert monitor["starts"] == []


def test_the_count_is_of_the_signed_in_users_names(anna: User, bela: User) -> None:
    keep(BTC, "1m", "1h")
    answered(anna, 1)
    answered(bela, 4)
    told = Caller(anna).get(ALL).json()
    assert told == {"keys": 3, "removed": 1, "replaced": 2, "symbols": 2}
    assert Caller(bela).get(ALL).json()["removed"] == 4
    one = Caller(bela).get(f"{CACHE}?scope=symbol&symbol=BTC-USD&exchange=coinbase").json()
    assert one["keys"] == 2, "candles are everybody's"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "scope"),
        ("?scope=everything", "scope"),
        ("?scope=symbol", "needs a symbol"),
        ("?scope=symbol&symbol=btc", "must be a symbol"),
        ("?scope=all&symbol=BTC-USD", "takes neither"),
        ("?scope=all&user=1", "no such parameter"),
    ],
)
def test_a_query_that_is_no_payload_is_refused(anna: User, query: str, says: str) -> None:
    assert says in problem(Caller(anna).get(CACHE + query), MALFORMED_REQUEST)["detail"]


@pytest.mark.parametrize("path", [MODES, ALL])
def test_nobody_else_may(anna: User, path: str) -> None:
    ordinary = UserFactory.create(is_staff=False)
    for caller, kind in ((Caller(), NOT_SIGNED_IN), (Caller(ordinary), NOT_STAFF)):
        assert problem(caller.get(path), kind)
    assert Caller(anna).send("POST", path, {}).status_code == 405


def test_without_redis_no_number_is_made_up(anna: User, redis_away: None) -> None:
    assert problem(Caller(anna).get(ALL), RUNTIME_UNKNOWN)


def test_modes_of_a_damaged_document_are_a_problem(anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 2, "broken": True})
    assert problem(Caller(anna).get(MODES), SETTINGS_DAMAGED)
