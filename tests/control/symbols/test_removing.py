"""What taking a symbol off the watchlist would stop."""

from __future__ import annotations

import pytest

from control.symbols.removing import farewell
from settings_app.models import User
from tests.control.conftest import trader
from trading.core.market import Market
from trading.models import Position

BTC, ETH, SOL = (Market("coinbase", f"{base}-USD") for base in ("BTC", "ETH", "SOL"))

pytestmark = pytest.mark.django_db


def held(user: User, symbol: str) -> None:
    Position.objects.create(user=user, symbol=symbol, quantity=1)


def test_what_the_watchlist_alone_watches_is_stopped() -> None:
    anna = trader("BTC-USD", "ETH-USD")
    held(anna, "ETH-USD")
    btc, eth = farewell(anna, [BTC, ETH])
    assert (btc.is_stopped, btc.is_held, btc.reason) == (True, False, "")
    assert (eth.is_stopped, eth.is_held) == (True, True)


def test_what_a_mode_watches_by_itself_stays() -> None:
    anna = trader("BTC-USD", "ETH-USD", runtime_mode="position-monitor")
    held(anna, "BTC-USD")
    btc, eth = farewell(anna, [BTC, ETH])
    assert (btc.is_stopped, btc.reason) == (False, "It stays watched: it is held.")
    assert (eth.is_stopped, eth.reason) == (False, "It is not watched now.")


def test_what_is_not_on_the_list_is_left_out_and_so_is_that_of_others() -> None:
    anna, bela = trader("BTC-USD"), trader("SOL-USD")
    assert [one.market for one in farewell(anna, [BTC, SOL])] == [BTC]
    assert [one.market for one in farewell(bela, [BTC, SOL])] == [SOL]


def test_of_settings_that_cannot_be_used_nothing_is_said() -> None:
    anna = trader("BTC-USD")
    User.objects.filter(pk=anna.pk).update(settings={"version": 99}, settings_version=99)
    assert farewell(anna, [BTC]) == []
