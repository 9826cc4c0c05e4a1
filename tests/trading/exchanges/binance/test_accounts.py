"""What a key of Binance may do, and what it shows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from trading.core.errors import KeyRefused, Malformed, Unreachable
from trading.exchanges.binance.accounts import BinanceAccounts, BinanceReading
from trading.exchanges.permissions import TRADES, warnings
from trading.exchanges.ports import Account, KeyPermissions, Response

ACCOUNTS = BinanceAccounts()
READS_ONLY = {
    "ipRestrict": False,
    "createTime": 1_698_645_219_000,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": True,
    "enableSpotAndMarginTrading": False,
    "enablePortfolioMarginTrading": False,
}


def answer(body: Any, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=json.dumps(body).encode())


def told(**more: bool) -> KeyPermissions:
    return ACCOUNTS.permissions(answer(READS_ONLY | more))


def read(*balances: dict[str, Any]) -> BinanceReading:
    reading = ACCOUNTS.reading()
    reading.receive(answer({"accountType": "SPOT", "canWithdraw": True, "balances": balances}))
    return reading


def balance(asset: str = "BTC", free: str = "1.50000000", locked: str = "0.25000000") -> Any:
    return {"asset": asset, "free": free, "locked": locked}


def test_key_that_may_only_read_is_taken_without_a_word() -> None:
    assert warnings("binance", told()) == []


@pytest.mark.parametrize(
    "may", ["enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"]
)
def test_key_that_may_move_money_is_refused(may: str) -> None:
    with pytest.raises(KeyRefused, match="may transfer"):
        warnings("binance", told(**{may: True}))


def test_key_of_which_it_is_not_said_whether_it_may_withdraw_is_refused() -> None:
    with pytest.raises(KeyRefused, match="may transfer"):
        warnings("binance", ACCOUNTS.permissions(answer({"enableReading": True})))


def test_key_that_may_not_read_is_refused() -> None:
    with pytest.raises(KeyRefused, match="may not view"):
        warnings("binance", told(enableReading=False))


@pytest.mark.parametrize(
    "may",
    [
        "enableSpotAndMarginTrading",
        "enableMargin",
        "enableFutures",
        "enableVanillaOptions",
        "enablePortfolioMarginTrading",
        "enableFixApiTrade",
    ],
)
def test_key_that_may_trade_is_taken_with_a_warning(may: str) -> None:
    assert warnings("binance", told(**{may: True})) == [TRADES]


def test_balances_are_exact_and_come_in_one_answer() -> None:
    reading = ACCOUNTS.reading()
    request = reading.request()
    assert request is not None
    assert (request.path, request.weight) == ("/api/v3/account", 20)

    reading = read(balance(), balance("LDBTC", "0.1", "0"))

    assert reading.request() is None
    assert reading.accounts[0] == Account(
        account_id="BTC",
        currency="BTC",
        available=Decimal("1.5"),
        hold=Decimal("0.25"),
        kind="SPOT",
    )
    assert reading.accounts[0].total == Decimal("1.75")
    assert reading.accounts[1].currency == "LDBTC"  # an unknown coin keeps its name


def test_coin_that_the_venue_calls_differently_has_everybodys_name() -> None:
    account = read(balance("YOYO")).accounts[0]

    assert (account.account_id, account.currency) == ("YOYO", "YOYOW")


@pytest.mark.parametrize("free", ["NaN", "Infinity", "1e400"])
def test_balance_that_is_no_number_fails_the_reading(free: str) -> None:
    with pytest.raises(Malformed, match="must be a number"):
        read(balance(free=free))


def test_error_changes_nothing_so_that_it_can_be_asked_again() -> None:
    reading = ACCOUNTS.reading()
    with pytest.raises(Unreachable):
        reading.receive(answer({"code": -1007, "msg": "Timeout"}, status=408))

    assert reading.request() is not None
    assert reading.accounts == ()


def test_key_that_the_venue_does_not_know_is_refused() -> None:
    with pytest.raises(KeyRefused, match="-2015"):
        ACCOUNTS.permissions(answer({"code": -2015, "msg": "Invalid API-key"}, status=401))
