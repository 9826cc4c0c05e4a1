"""What a key of KuCoin may do, and what it shows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from trading.core.errors import KeyRefused, Malformed, Unreachable
from trading.exchanges.kucoin.accounts import KucoinAccounts, KucoinReading
from trading.exchanges.permissions import TRADES, warnings
from trading.exchanges.ports import Account, KeyPermissions, Response

ACCOUNTS = KucoinAccounts()


def answer(data: Any) -> Response:
    body = json.dumps({"code": "200000", "data": data}).encode()
    return Response(status=200, headers={}, body=body)


def told(permission: str) -> KeyPermissions:
    info = {"remark": "a", "apiKey": "6705f5c3", "apiVersion": 3, "permission": permission}
    return ACCOUNTS.permissions(answer(info))


def row(account_id: str = "548674591753", **more: str) -> dict[str, str]:
    return {
        "id": account_id,
        "currency": "USDT",
        "type": "trade",
        "balance": "26.66759503",
        "available": "26.5",
        "holds": "0.16759503",
    } | more


def read(*rows: dict[str, str]) -> KucoinReading:
    reading = ACCOUNTS.reading()
    reading.receive(answer(list(rows)))
    return reading


def test_key_that_may_only_read_is_taken_without_a_word() -> None:
    assert warnings("kucoin", told("General")) == []


@pytest.mark.parametrize("may", ["Transfer", "InnerTransfer", "Withdraw", "FlexTransfers"])
def test_key_that_may_move_money_is_refused(may: str) -> None:
    with pytest.raises(KeyRefused, match="may transfer"):
        warnings("kucoin", told(f"General, {may}"))


@pytest.mark.parametrize("may", ["Spot", "Trade", "Margin", "Futures", "Earn", "Unheard"])
def test_key_that_may_trade_is_warned_of(may: str) -> None:
    assert warnings("kucoin", told(f"General,{may}")) == [TRADES]


@pytest.mark.parametrize("permission", ["", "Spot"])
def test_key_that_may_not_read_is_refused(permission: str) -> None:
    with pytest.raises(KeyRefused, match="may not view"):
        warnings("kucoin", told(permission))


def test_key_of_which_nothing_is_told_is_not_judged() -> None:
    with pytest.raises(Malformed):
        ACCOUNTS.permissions(answer({"apiKey": "x"}))


def test_accounts_are_read_whole_with_their_exact_balances() -> None:
    reading = read(row(), row("63355cd156298d0001b66e61", currency="BCHSV", type="main"))

    assert reading.request() is None
    assert reading.accounts == (
        Account(
            account_id="548674591753",
            currency="USDT",
            available=Decimal("26.5"),
            hold=Decimal("0.16759503"),
            kind="trade",
        ),
        Account(
            account_id="63355cd156298d0001b66e61",
            currency="BSV",
            available=Decimal("26.5"),
            hold=Decimal("0.16759503"),
            kind="main",
        ),
    )
    assert reading.accounts[0].total == Decimal("26.66759503")


def test_account_told_twice_is_counted_once() -> None:
    assert len(read(row(), row()).accounts) == 1


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e999999", "much"])
def test_balance_that_is_no_number_fails_the_answer(amount: str) -> None:
    with pytest.raises(Malformed):
        read(row(available=amount))


def test_error_changes_nothing_and_the_same_is_asked_again() -> None:
    reading = ACCOUNTS.reading()
    asked = reading.request()
    with pytest.raises(Unreachable):
        reading.receive(Response(status=200, headers={}, body=b'{"code":"500000","msg":"x"}'))

    assert reading.request() == asked
    assert reading.accounts == ()


def test_wrong_key_is_refused_in_the_venues_words() -> None:
    refused = Response(status=200, headers={}, body=b'{"code":"400004","msg":"Invalid passphrase"}')
    with pytest.raises(KeyRefused, match="400004: Invalid passphrase"):
        ACCOUNTS.permissions(refused)
